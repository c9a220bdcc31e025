"""Moving pictures (GIF, WebP, AVIF, PNG) as silent videos: a tenth of the size, played by all."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame
from PIL import Image

from chirp.errors import Unprocessable
from chirp.media.colors import to_srgb
from chirp.media.films import Pictures, even_size, finished, open_film
from chirp.media.limits import MediaLimits
from chirp.media.previews import over_white
from chirp.media.results import Processed
from chirp.model import MediaKind

_SHORTEST_S = 0.011
_USUAL_S = 0.1
_RATE = Fraction(25)


def process_loop(picture: Image.Image, stem: Path, limits: MediaLimits) -> Processed:
    """Write one round of the loop as H.264, and its preview, beside `stem`.

    What can be seen through becomes white: H.264 has no transparency.
    Raises: Unprocessable, and whatever Pillow and PyAV raise of broken files.
    """
    if picture.width * picture.height > limits.max_frame_pixels:
        raise Unprocessable(
            f"a moving picture may have at most {limits.max_frame_pixels:,} pixels a frame"
        )
    path = stem.with_name(f"{stem.name}.mp4")
    with open_film(path) as film:
        size = even_size(*picture.size, limits.video_side)
        pictures = Pictures(film, size, _RATE, limits.threads)
        at_s = 0.0
        for frame, shown_s in _frames_of(picture, limits.max_frames):
            drawn: VideoFrame = VideoFrame.from_image(frame)  # type: ignore[no-untyped-call]
            pictures.write(drawn, at_s, shown_s)
            at_s += shown_s
            if at_s > limits.max_video_s:
                raise Unprocessable(f"a moving picture may take at most {limits.max_video_s} s")
        pictures.end()
    return finished(MediaKind.GIF, path, stem, limits)


def _frames_of(picture: Image.Image, most: int) -> Iterator[tuple[Image.Image, float]]:
    """Yield each frame and for how many seconds it is shown; the file's count is not trusted."""
    for number in range(most + 1):
        try:
            picture.seek(number)
        except EOFError:
            return
        frame = to_srgb(picture)
        yield over_white(frame) if frame.mode == "RGBA" else frame, _seconds_of(picture)
    raise Unprocessable(f"a moving picture may have at most {most:,} frames")


def _seconds_of(picture: Image.Image) -> float:
    """Return how long the frame is shown: browsers take 10 ms and less for "as usual"."""
    said_s = float(picture.info.get("duration", 0)) / 1000
    return said_s if said_s >= _SHORTEST_S else _USUAL_S
