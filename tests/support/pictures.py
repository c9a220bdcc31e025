"""Real files of every kind that people upload, made anew for each test run."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image


def drawn(width: int = 320, height: int = 200, step: int = 0) -> Image.Image:
    """Return a picture with a bright corner at the top left, so that turning shows."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.paste((250, 60, 40), (0, 0, width // 4, height // 4))
    image.paste((20, 90, 230), (step % width, height // 2, step % width + 9, height // 2 + 9))
    return image


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return a picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_place(image: Image.Image, orientation: int = 1) -> bytes:
    """Return a JPEG as a telephone makes it: turned, with a place and a camera."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRETCAMERA"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return encoded(image, "JPEG", exif=exif.tobytes(), comment=b"SECRETCOMMENT", quality=90)


def animated(kind: str = "GIF", frames: int = 6) -> bytes:
    """Return an animation of 100 ms a frame."""
    stills = [drawn(120, 80, step=number * 15) for number in range(frames)]
    return encoded(stills[0], kind, save_all=True, append_images=stills[1:], duration=100, loop=0)


def video(
    path: Path, codec: str, sound: str | None = None, frames: int = 40, turned: int = 0
) -> Path:
    """Write a video of 20 frames a second and return its path."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=Fraction(20))
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        if turned:
            stream.set_display_rotation(turned)
        audio: Any = None if sound is None else out.add_stream(sound, rate=48_000)
        out.metadata["title"] = "SECRETTITLE"
        for number in range(frames):
            frame = av.VideoFrame.from_image(drawn(160, 120, step=number))  # type: ignore[no-untyped-call]
            out.mux(stream.encode(frame.reformat(format="yuv420p")))
        out.mux(stream.encode(None))
        if audio is not None:
            _hum(out, audio, frames / 20)
    return path


def _hum(out: Any, audio: Any, seconds: float) -> None:
    for number in range(int(seconds * 50)):
        frame = av.AudioFrame(format=audio.format.name, layout=audio.layout.name, samples=960)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
        out.mux(audio.encode(frame))
    out.mux(audio.encode(None))
