"""Videos and loops: copied or encoded anew, and what is left of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from chirp.errors import Unprocessable
from chirp.media.results import Processed
from tests.media.conftest import Bench
from tests.media.samples import add_sound, animation, drawing, saved, video
from tests.media.test_photos import BLUE, GREEN, near


def streams_of(made: Processed) -> list[tuple[str, int]]:
    with av.open(str(made.original.path)) as film:
        return [(stream.codec_context.name, stream.frames) for stream in film.streams]


def video_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(video=0)]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
async def test_a_moving_picture_becomes_a_silent_video(bench: Bench, kind: str) -> None:
    made = await bench.process(animation(kind))
    assert (made.kind, made.width, made.height, made.duration_ms) == ("gif", 96, 64, 400)
    assert made.original.content_type == "video/mp4"
    assert streams_of(made) == [("h264", 5)]
    assert made.preview.content_type == "image/jpeg"


async def test_odd_sides_and_hasty_frames_of_a_loop(bench: Bench) -> None:
    pictures = [Image.new("RGB", (33, 21), color) for color in ("red", "green", "blue")]
    data = saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=0)
    made = await bench.process(data)
    assert (made.width, made.height, made.duration_ms) == (32, 20, 300)


async def test_an_mp4_is_copied_and_starts_at_once(bench: Bench, tmp_path: Path) -> None:
    made = await bench.process(video(tmp_path / "a.mp4"))
    assert (made.kind, made.width, made.height, made.duration_ms) == ("video", 96, 64, 2000)
    assert video_packets(made.original.path) == video_packets(tmp_path / "a.mp4")
    stored = made.original.path.read_bytes()
    assert stored.index(b"moov") < stored.index(b"mdat")


async def test_places_and_titles_of_a_video_are_gone(bench: Bench, tmp_path: Path) -> None:
    tags = {"location": "+52.5200+013.4050/", "title": "Secret", "comment": "Secret"}
    data = video(tmp_path / "a.mov", tags=tags)
    assert b"+52.52" in data
    stored = (await bench.process(data)).original.path.read_bytes()
    assert b"+52.52" not in stored
    assert b"Secret" not in stored


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.webm", {"codec": "libvpx-vp9", "audio": "libopus"}),
        ("a.webm", {"codec": "libvpx", "audio": None}),
        ("a.mp4", {"codec": "mpeg4", "audio": "mp3"}),
        ("a.mov", {"codec": "libx264", "audio": "pcm_s16le"}),
    ],
)
async def test_other_encodings_become_h264_and_aac(
    bench: Bench, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    made = await bench.process(video(tmp_path / name, **options))
    names = [name for name, _ in streams_of(made)]
    assert names == ["h264", "aac"] if options["audio"] else names == ["h264"]
    assert (made.width, made.height) == (96, 64)
    assert made.duration_ms is not None
    assert 1950 <= made.duration_ms <= 2100


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
async def test_a_turned_video_stays_turned(bench: Bench, tmp_path: Path, codec: str) -> None:
    made = await bench.process(video(tmp_path / "a.mov", codec=codec, rotation=90))
    assert (made.width, made.height) == (64, 96)
    with av.open(str(tmp_path / "a.mov")) as before, av.open(str(made.original.path)) as after:
        turns = [next(film.decode(video=0)).rotation for film in (before, after)]
    assert turns[0] == turns[1] == 90
    with Image.open(made.preview.path) as poster:
        assert near(poster, 0.1, 0.9, GREEN)  # by a quarter against the clock


async def test_a_large_video_is_stored_smaller(bench: Bench, tmp_path: Path) -> None:
    made = await bench.process(video(tmp_path / "a.mp4", size=(2048, 514), frames=3))
    assert (made.width, made.height) == (1280, 320)


async def test_the_poster_is_not_black(bench: Bench, tmp_path: Path) -> None:
    made = await bench.process(video(tmp_path / "a.mp4", black=8))
    with Image.open(made.preview.path) as poster:
        assert near(poster, 0.8, 0.5, BLUE)


async def test_a_black_video_has_a_black_poster(bench: Bench, tmp_path: Path) -> None:
    made = await bench.process(video(tmp_path / "a.mp4", black=30))
    with Image.open(made.preview.path) as poster:
        assert near(poster, 0.8, 0.5, (0, 0, 0))


async def test_sound_without_a_picture_is_refused(bench: Bench, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as film:
        add_sound(film, film.add_stream("aac", rate=48000, layout="stereo"), seconds=1)
    with pytest.raises(Unprocessable, match="no video"):
        await bench.process((tmp_path / "a.mp4").read_bytes())
    assert bench.left() == []


async def test_a_single_frame_is_a_photo(bench: Bench) -> None:
    assert (await bench.process(saved(drawing(), "GIF"))).kind == "photo"
