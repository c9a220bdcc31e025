"""Files of every kind are made into what is stored; what is broken or hostile is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image

from chirp.errors import Refusal, Unprocessable, UnsupportedMedia
from chirp.media.limits import MediaLimits
from chirp.media.results import Processed
from chirp.media.workshop import Workshop
from chirp.model import MediaKind
from tests.support.pictures import animated, drawn, encoded, video, with_place

LIMITS = MediaLimits(max_pixels=2_000_000, max_side=1000, max_video_s=20, cpu_s=60, wall_s=60)


async def made(tmp_path: Path, file: bytes | Path, limits: MediaLimits = LIMITS) -> Processed:
    source = tmp_path / "source"
    if isinstance(file, Path):
        source = file
    else:
        source.write_bytes(file)
    folder = tmp_path / "made"
    folder.mkdir(exist_ok=True)
    return await Workshop(limits).process(source, folder)


def near(image: Image.Image, x: int, y: int, colour: tuple[int, int, int]) -> bool:
    found = image.convert("RGB").getpixel((x, y))
    assert isinstance(found, tuple)
    return all(abs(a - b) < 40 for a, b in zip(found, colour, strict=True))


@pytest.mark.parametrize(
    ("kind", "stored"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "jpg"), ("AVIF", "jpg")]
)
async def test_photos_are_taken(tmp_path: Path, kind: str, stored: str) -> None:
    done = await made(tmp_path, encoded(drawn(), kind))
    assert (done.kind, done.width, done.height) == (MediaKind.PHOTO, 320, 200)
    assert done.original.extension == stored
    assert done.original.size_bytes == done.original.path.stat().st_size
    assert len(done.blurhash) == 28
    with Image.open(done.original.path) as image:
        assert near(image, 5, 5, (250, 60, 40))


async def test_nothing_is_left_of_where_and_with_what_a_photo_was_taken(tmp_path: Path) -> None:
    done = await made(tmp_path, with_place(drawn()))
    for file in (done.original, done.preview):
        data = file.path.read_bytes()
        assert b"SECRET" not in data
        assert b"Exif" not in data
        with Image.open(io.BytesIO(data)) as image:
            assert not image.getexif()


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, (0, 0)), (3, (1, 1)), (6, (1, 0)), (8, (0, 1)), (2, (1, 0)), (5, (0, 0))],
)
async def test_photos_stand_upright(
    tmp_path: Path, orientation: int, corner: tuple[int, int]
) -> None:
    done = await made(tmp_path, with_place(drawn(), orientation))
    turned = orientation >= 5
    assert (done.width, done.height) == ((200, 320) if turned else (320, 200))
    with Image.open(done.original.path) as image:
        at = (corner[0] * (image.width - 11) + 5, corner[1] * (image.height - 11) + 5)
        assert near(image, *at, (250, 60, 40))


@pytest.mark.parametrize("mode", ["L", "CMYK", "1", "P", "LA", "I;16"])
async def test_pixels_of_every_make_are_read(tmp_path: Path, mode: str) -> None:
    image = Image.linear_gradient("L").resize((64, 64))
    image = image.convert("I").point(lambda v: v * 256).convert("I;16") if mode == "I;16" else image
    kind = "TIFF" if mode == "CMYK" else "PNG"
    file = encoded(drawn().convert("CMYK"), "JPEG") if kind == "TIFF" else None
    done = await made(tmp_path, file or encoded(image.convert(mode), "PNG"))
    with Image.open(done.original.path) as stored:
        low, high = stored.convert("L").getextrema()
    assert low != high


async def test_what_can_be_seen_through_stays_so(tmp_path: Path) -> None:
    image = drawn().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    done = await made(tmp_path, encoded(image, "PNG"))
    with Image.open(done.original.path) as stored:
        assert (stored.format, stored.mode) == ("WEBP", "RGBA")


async def test_large_photos_are_shrunk_and_previews_are_small(tmp_path: Path) -> None:
    done = await made(tmp_path, encoded(drawn(1600, 800), "JPEG"))
    assert (done.width, done.height) == (1000, 500)
    with Image.open(done.preview.path) as preview:
        assert max(preview.size) == LIMITS.preview_side


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
async def test_animations_become_silent_videos(tmp_path: Path, kind: str) -> None:
    done = await made(tmp_path, animated(kind))
    assert (done.kind, done.duration_ms) == (MediaKind.GIF, 600)
    with av.open(str(done.original.path)) as reader:
        assert [stream.type for stream in reader.streams] == ["video"]
        assert sum(1 for _ in reader.decode(video=0)) == 6


async def test_a_gif_that_stands_still_is_a_photo(tmp_path: Path) -> None:
    assert (await made(tmp_path, encoded(drawn(), "GIF"))).kind is MediaKind.PHOTO


@pytest.mark.parametrize(
    ("codec", "sound", "container"),
    [
        ("libx264", "aac", "mp4"),
        ("libx264", None, "mov"),
        ("mpeg4", "aac", "mp4"),
        ("libvpx", "libopus", "webm"),
        ("libvpx-vp9", None, "webm"),
    ],
)
async def test_videos_are_taken(
    tmp_path: Path, codec: str, sound: str | None, container: str
) -> None:
    done = await made(tmp_path, video(tmp_path / f"v.{container}", codec, sound))
    assert (done.kind, done.width, done.height) == (MediaKind.VIDEO, 160, 120)
    assert done.duration_ms is not None
    assert abs(done.duration_ms - 2000) < 120
    data = done.original.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"SECRET" not in data
    with av.open(str(done.original.path)) as reader:
        names = [stream.codec_context.name for stream in reader.streams]
        assert names == (["h264"] if sound is None else ["h264", "aac"])
        assert sum(1 for _ in reader.decode(video=0)) == 40
    with Image.open(done.preview.path) as poster:
        assert near(poster, 10, 10, (250, 60, 40))


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
async def test_turned_videos_stand_upright(tmp_path: Path, codec: str) -> None:
    done = await made(tmp_path, video(tmp_path / "v.mp4", codec, turned=90))
    assert (done.width, done.height) == (120, 160)
    with Image.open(done.preview.path) as poster:
        assert poster.size == (120, 160)


# -- what is refused ----------------------------------------------------------------------

GOOD = with_place(drawn())


@pytest.mark.parametrize(
    "file",
    [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"#EXTM3U\nfile:///etc/passwd\n",
     b"%PDF-1.7", b"PK\x03\x04" + GOOD, b"MZ" + GOOD, b"II*\x00" + GOOD, b"\x00" * 100],
)  # fmt: skip
async def test_other_files_are_refused(tmp_path: Path, file: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        await made(tmp_path, file)
    assert list((tmp_path / "made").iterdir()) == []


def huge_png() -> bytes:
    return encoded(Image.new("1", (30_000, 30_000)), "PNG")


def endless_gif() -> bytes:
    stills = [Image.new("L", (2, 2), number % 256) for number in range(60)]
    return encoded(stills[0], "GIF", save_all=True, append_images=stills[1:], duration=5_000)


@pytest.mark.parametrize(
    "file",
    [
        GOOD[:200],
        GOOD[: len(GOOD) // 2],
        encoded(drawn(), "PNG")[:-200],
        encoded(drawn(), "WEBP")[:-300],
        animated()[:300],
        b"\xff\xd8\xff" + b"junk" * 100,
        b"GIF89a" + b"\xff" * 200,
        b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 300,
        b"\x00\x00\x00\x18ftypmp42#EXTM3U\nfile:///etc/passwd\n",
        b"\x1a\x45\xdf\xa3\x8b\x42\x82\x84webm" + bytes(range(7, 250)),
        huge_png(),
        endless_gif(),
    ],
    ids=range(12),
)
async def test_what_is_broken_or_too_large_is_refused(tmp_path: Path, file: bytes) -> None:
    with pytest.raises(Unprocessable):
        await made(tmp_path, file)
    assert list((tmp_path / "made").iterdir()) == []


async def test_what_hangs_on_a_photo_is_gone(tmp_path: Path) -> None:
    done = await made(tmp_path, GOOD + b"PK\x03\x04<script>alert(1)</script>")
    assert b"script" not in done.original.path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda limits: replace(limits, max_frames=10),
        lambda limits: replace(limits, max_video_s=0),
        lambda limits: replace(limits, max_frame_pixels=10_000),
        lambda limits: replace(limits, memory_mb=150),
    ],
)
async def test_a_video_over_a_limit_is_refused(
    tmp_path: Path, change: Callable[[MediaLimits], MediaLimits]
) -> None:
    with pytest.raises(Unprocessable):
        await made(tmp_path, video(tmp_path / "v.mp4", "mpeg4"), change(LIMITS))
    assert list((tmp_path / "made").iterdir()) == []


async def test_a_video_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    whole = video(tmp_path / "v.webm", "libvpx", frames=200).read_bytes()
    front = await made(tmp_path, video(tmp_path / "f.mp4", "libx264", frames=200))
    cut = front.original.path.read_bytes()
    for file in (whole[: len(whole) // 3], cut[: len(cut) // 2]):
        with pytest.raises(Unprocessable):
            await made(tmp_path, file)


async def test_a_file_that_takes_too_long_ends(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable, match="too long"):
        await made(tmp_path, encoded(drawn(), "PNG"), replace(LIMITS, wall_s=0))


FILES = [GOOD, encoded(drawn(64, 64), "PNG"), encoded(drawn(64, 64), "WEBP"), animated(frames=2)]


@pytest.mark.parametrize("seed", range(24))
async def test_damaged_files_are_refused_or_processed(tmp_path: Path, seed: int) -> None:
    damaged = bytearray(FILES[seed % len(FILES)])
    for number in range(20):
        damaged[12 + (seed * 7919 + number * 104_729) % (len(damaged) - 12)] ^= 1 + seed
    try:
        await made(tmp_path, bytes(damaged))
    except Refusal:
        assert list((tmp_path / "made").iterdir()) == []
