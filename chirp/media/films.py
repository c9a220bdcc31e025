"""Writing videos that every browser plays, and looking at what was written."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageStat

from chirp.errors import Unprocessable
from chirp.media.limits import MediaLimits
from chirp.media.previews import fitting, save_preview
from chirp.media.results import Processed, ProducedFile
from chirp.model import MediaKind

MP4_TYPE = "video/mp4"
_TICK = Fraction(1, 90_000)
_MOST_RATE = 60
_LEAST_GAP_S = 1 / (_MOST_RATE + 1)
_QUALITY = {"preset": "veryfast", "crf": "23"}
_BLACK = 24
"""Mean brightness, of 255, below which a frame is taken for black."""
_POSTER_S = 5.0


def open_film(path: Path) -> OutputContainer:
    """Start an MP4 that plays before it is loaded whole; `bitexact` leaves out who made it when."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    return av.open(f"file:{path}", "w", format="mp4", container_options=options)


def even_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Return the size that fits into `side` and whose sides are even, as yuv420p wants it."""
    small = fitting(width, height, side)
    return max(2, small[0] & ~1), max(2, small[1] & ~1)


class Pictures:
    """Encodes frames as H.264 into a film; those that come faster than 60 a second are left out."""

    def __init__(
        self, film: OutputContainer, size: tuple[int, int], rate: Fraction | None, threads: int
    ) -> None:
        self._film = film
        self._size = size
        self._last_s = float("-inf")
        frames = max(Fraction(1), min(rate or Fraction(25), Fraction(_MOST_RATE)))
        self.stream: VideoStream = film.add_stream("libx264", frames, dict(_QUALITY))
        self.stream.width, self.stream.height = size
        self.stream.pix_fmt = "yuv420p"
        self.stream.codec_context.time_base = _TICK
        self.stream.codec_context.flags |= (
            Flags.frame_duration
        )  # or the last one is shown for no time
        self.stream.codec_context.thread_count = threads

    def write(self, frame: VideoFrame, at_s: float, duration_s: float = 0) -> None:
        """Encode `frame` as what is seen from `at_s` on."""
        if at_s - self._last_s < _LEAST_GAP_S:
            return
        self._last_s = at_s
        fitted = frame.reformat(*self._size, format="yuv420p")
        fitted.pts, fitted.time_base = round(at_s / _TICK), _TICK
        fitted.duration = round(duration_s / _TICK)
        fitted.pict_type = 0  # the encoder decides anew
        self._film.mux(self.stream.encode(fitted))

    def end(self) -> None:
        """Write what the encoder still holds back."""
        self._film.mux(self.stream.encode(None))


def finished(kind: MediaKind, path: Path, stem: Path, limits: MediaLimits) -> Processed:
    """Read the film at `path` once, as a browser will, and write its preview beside `stem`.

    Raises: Unprocessable: it has no picture; whatever PyAV raises of what cannot be decoded.
    """
    with path.open("rb") as file, av.open(file, "r", format="mov") as film:
        poster = _poster_of(film, limits.threads)
        duration_ms = round((film.duration or 0) / 1000)
    preview, blurhash = save_preview(poster, stem, limits.preview_side)
    original = ProducedFile.at(path, MP4_TYPE)
    return Processed(kind, original, preview, *poster.size, duration_ms, blurhash)


def _poster_of(film: InputContainer, threads: int) -> Image.Image:
    """Return the first frame that is not black; the first of all where the beginning is black."""
    first: Image.Image | None = None
    film.streams.video[0].codec_context.thread_count = threads
    for frame in film.decode(film.streams.video[0]):
        picture = _upright(frame)
        first = first or picture
        if ImageStat.Stat(picture.convert("L")).mean[0] >= _BLACK:
            return picture
        if (frame.time or 0) > _POSTER_S:
            break
    if first is None:
        raise Unprocessable("the video has no picture")
    return first


def _upright(frame: VideoFrame) -> Image.Image:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
