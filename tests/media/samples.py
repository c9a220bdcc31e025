"""Files of all types, made here: pictures by Pillow, videos by PyAV."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825
PLACE = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}


def drawing(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """A red left half, a blue right half, a green corner above: turns show."""
    picture = Image.new("RGB", (width, height), (0, 0, 200))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, width // 2, height), fill=(200, 0, 0))
    pen.rectangle((0, 0, width // 4, height // 4), fill=(0, 200, 0))
    return picture.convert(mode)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def with_exif(orientation: int = 1) -> bytes:
    """EXIF with an orientation, a camera and a place."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = orientation, "Secret Camera"
    exif.get_ifd(GPS).update(PLACE)
    return exif.tobytes()


def animation(kind: str, frames: int = 5, duration: int = 80) -> bytes:
    """A square that moves."""
    pictures = [drawing() for _ in range(frames)]
    for number, picture in enumerate(pictures):
        ImageDraw.Draw(picture).rectangle((number * 9, 30, number * 9 + 8, 40), fill="white")
    return saved(
        pictures[0], kind, save_all=True, append_images=pictures[1:], duration=duration, loop=0
    )


def video(
    path: Path,
    *,
    codec: Any = "libx264",
    audio: Any = "aac",
    form: str | None = None,
    size: tuple[int, int] = (96, 64),
    frames: int = 30,
    rotation: int = 0,
    black: int = 0,
    tags: dict[str, str] | None = None,
) -> bytes:
    """A video at 15 frames a second with silence; its first `black` frames are black."""
    with av.open(str(path), "w", format=form) as film:
        film.metadata.update(tags or {})
        pictures = film.add_stream(codec, rate=15)
        pictures.width, pictures.height = size
        pictures.pix_fmt = "yuv420p"
        if rotation:
            pictures.set_display_rotation(rotation)
        sound = film.add_stream(audio, rate=48000, layout="stereo") if audio else None
        shown = [Image.new("RGB", size)] * black + [drawing(*size)] * (frames - black)
        add_pictures(film, pictures, shown)
        if sound is not None:
            add_sound(film, sound, seconds=frames / 15)
    return path.read_bytes()


def add_sound(film: OutputContainer, sound: AudioStream, seconds: float) -> None:
    """Silence: what `AudioFrame` holds before it is filled is whatever was in memory."""
    for number in range(round(seconds * 50)):
        quiet = AudioFrame(format="fltp", layout="stereo", samples=960)
        for plane in quiet.planes:
            plane.update(bytes(plane.buffer_size))
        quiet.sample_rate, quiet.pts, quiet.time_base = 48000, number * 960, Fraction(1, 48000)
        film.mux(sound.encode(quiet))
    film.mux(sound.encode(None))


def add_pictures(film: OutputContainer, stream: VideoStream, shown: list[Image.Image]) -> None:
    for number, picture in enumerate(shown):
        frame: VideoFrame = VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
        frame.pts, frame.time_base = number, Fraction(1, 15)
        film.mux(stream.encode(frame))
    film.mux(stream.encode(None))
