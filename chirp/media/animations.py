"""Animated GIF and WebP: silent videos that loop, of a tenth of the size."""

from __future__ import annotations

from pathlib import Path

from av.video.frame import VideoFrame
from PIL import Image, ImageSequence

from chirp.errors import Unprocessable
from chirp.media.encoding import Encoder
from chirp.media.photos import flat
from chirp.media.shapes import MediaLimits, Processed
from chirp.media.videos import fitting, processed
from chirp.model import MediaKind

_STILL_MS = 100
"""How long a frame stands that says no time, or less than browsers believe."""
_LEAST_MS = 20


def is_animated(image: Image.Image) -> bool:
    """Say whether a picture moves, in a format in which people expect that."""
    return image.format in {"GIF", "WEBP"} and getattr(image, "n_frames", 1) > 1


def process_animation(image: Image.Image, folder: Path, limits: MediaLimits) -> Processed:
    """Make a looping video of an animation. Raises: Unprocessable; what Pillow raises."""
    size = fitting(image.size, limits.max_video_side)
    target, lasts_ms = folder / "original.mp4", 0.0
    stills: list[Image.Image] = []
    with Encoder(target, *size, sound=False) as encoder:
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            if number >= limits.max_frames or lasts_ms > limits.max_video_s * 1000:
                raise Unprocessable("the animation is too long")
            stills = [*stills[:1], flat(frame.convert("RGBA"))]
            encoder.show(_frame_of(stills[-1].resize(size)), lasts_ms / 1000)
            lasts_ms += _standing_ms(frame)
        # The last frame stands its time, too.
        encoder.show(_frame_of(stills[-1].resize(size)), lasts_ms / 1000)
    return processed(MediaKind.GIF, target, stills[0], size, lasts_ms / 1000, limits)


def _frame_of(image: Image.Image) -> VideoFrame:
    frame: VideoFrame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    return frame.reformat(format="yuv420p")


def _standing_ms(frame: Image.Image) -> float:
    said = float(frame.info.get("duration") or 0)
    return said if said >= _LEAST_MS else _STILL_MS
