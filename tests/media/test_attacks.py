"""Files that were made to hurt: each is refused, and nothing is left of it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from chirp.errors import Unprocessable, UnsupportedMedia
from chirp.media.results import Processed
from tests.media.conftest import Bench, children
from tests.media.samples import animation, drawing, saved, video


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("evil.html", "<script>")
    return file.getvalue()


def gif_without_end(frames: int) -> bytes:
    whole = saved(Image.new("P", (2, 2)), "GIF")
    start = whole.index(b"\x2c")
    return whole[:start] + whole[start:-1] * frames


async def refused(bench: Bench, data: bytes, error: type[Exception] = Unprocessable) -> str:
    with pytest.raises(error) as caught:
        await bench.process(data)
    assert bench.left() == []
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"hello, I am holiday.jpg",
        b"",
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/secret\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        archive(),
    ],
)
async def test_what_is_no_media_is_unsupported(bench: Bench, data: bytes) -> None:
    assert "JPEG" in await refused(bench, data, UnsupportedMedia)


async def test_a_bomb_of_few_bytes(bench: Bench) -> None:
    bomb = png_of(30_000, 30_000, zlib.compress(bytes(1000)))
    assert len(bomb) < 100
    assert "pixels" in await refused(bench, bomb)


async def test_a_bomb_of_text(bench: Bench) -> None:
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(200_000_000)))
    whole = saved(drawing(), "PNG")
    await refused(bench, whole[:33] + text + whole[33:])


async def test_a_gif_with_frames_larger_than_itself(bench: Bench) -> None:
    whole = bytearray(animation("GIF"))
    second = whole.index(b"\x2c", whole.index(b"\x2c") + 1)
    whole[second + 5 : second + 9] = b"\xff\xff\xff\xff"
    await refused(bench, bytes(whole))


async def test_a_gif_of_endless_frames(bench: Bench) -> None:
    assert "at most" in await refused(bench, gif_without_end(100_000))


async def test_a_jpeg_that_is_also_an_archive_loses_the_archive(bench: Bench) -> None:
    made = await bench.process(saved(drawing(), "JPEG") + archive())
    assert not zipfile.is_zipfile(made.original.path)


@pytest.mark.parametrize("playlist", [b"#EXTM3U\n/etc/passwd\n", b"ffconcat version 1.0\n"])
async def test_a_playlist_behind_the_first_box_of_an_mp4(bench: Bench, playlist: bytes) -> None:
    await refused(bench, b"\0\0\0\x14ftypisom\0\0\0\0mp42" + playlist)


async def test_a_video_that_refers_to_another_file(bench: Bench, tmp_path: Path) -> None:
    data = video(tmp_path / "a.mov", audio=None)
    (bench.folder.parent / "secret").write_bytes(data)
    elsewhere = data.replace(b"url \0\0\0\x01", b"url \0\0\0\0")
    assert elsewhere != data
    try:
        made = await bench.process(elsewhere)
    except Unprocessable:
        assert bench.left() == []
    else:  # the reference was ignored
        assert made.kind == "video"


async def test_a_header_that_lies_about_the_duration(bench: Bench, tmp_path: Path) -> None:
    data = bytearray(video(tmp_path / "a.mp4"))
    at = data.index(b"mvhd") + 20
    data[at : at + 4] = (1_000_000_000).to_bytes(4, "big")  # a thousandth of a second each
    assert (await bench.process(bytes(data))).duration_ms == 2000


async def test_a_video_whose_frames_take_a_million_seconds(bench: Bench, tmp_path: Path) -> None:
    data = bytearray(video(tmp_path / "a.mp4"))
    at = data.index(b"stts") + 16
    data[at : at + 4] = (0x0FFFFFFF).to_bytes(4, "big")
    assert "at most 20 s" in await refused(bench, bytes(data))


async def test_a_video_that_is_too_long(bench: Bench, tmp_path: Path) -> None:
    data = video(tmp_path / "a.webm", codec="libvpx", audio=None, frames=15 * 22, size=(16, 16))
    await refused(bench, data)


async def test_a_video_with_frames_that_are_too_large(bench: Bench, tmp_path: Path) -> None:
    data = video(tmp_path / "a.mp4", size=(8192, 2048), frames=1, audio=None)
    assert "pixels" in await refused(bench, data)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "mp4", "webm", "mov"])
async def test_truncated_files(bench: Bench, tmp_path: Path, kind: str, part: float) -> None:
    if kind.isupper():
        data = saved(drawing(640, 480).effect_spread(20), kind)
    else:
        codec, audio = ("libvpx", "libopus") if kind == "webm" else ("libx264", "aac")
        data = video(tmp_path / f"a.{kind}", codec=codec, audio=audio)
    await refused(bench, data[: int(len(data) * part)])


HEADS = [
    saved(drawing(), "JPEG")[:20], b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\xff\xff\0\0WEBP",
    b"\0\0\0\x1cftypavif", b"\0\0\0\x14ftypisom\0\0\0\0mp42",
    b"\x1a\x45\xdf\xa3\x8b\x42\x82\x84webm",
]  # fmt: skip


@pytest.fixture(scope="module")
def good_files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("good")
    stills = [saved(drawing(), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF")]
    loops = [animation(kind) for kind in ("GIF", "WEBP", "AVIF")]
    films = [
        video(folder / "a.mp4"),
        video(folder / "a.webm", codec="libvpx", audio="libopus"),
        video(folder / "a.mov", codec="mpeg4", audio="mp3", form="mov"),
    ]
    return stills + loops + films


async def survives(bench: Bench, data: bytes) -> None:
    """Process it: a result whose two files are there, or a refusal that leaves none."""
    before = children()
    try:
        made = await bench.process(data)
    except (UnsupportedMedia, Unprocessable):
        assert bench.left() == []
    else:
        assert isinstance(made, Processed)
        assert bench.left() == sorted([made.original.path.name, made.preview.path.name])
        made.original.path.unlink()
        made.preview.path.unlink()
    assert children() == before


FEW = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FEW
@given(head=st.sampled_from(HEADS), tail=st.binary(max_size=400))
async def test_random_bytes_behind_a_good_head(bench: Bench, head: bytes, tail: bytes) -> None:
    await survives(bench, head + tail)


@FEW
@given(data=st.data())
async def test_random_mutations_of_good_files(
    bench: Bench, good_files: list[bytes], data: st.DataObject
) -> None:
    broken = bytearray(data.draw(st.sampled_from(good_files)))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at] = data.draw(st.integers(0, 255))
    await survives(bench, bytes(broken))
