"""Frames and sound into an MP4 that browsers play, and that begins to play before it is whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

THREADS = 2
FAST_START = {"movflags": "+faststart"}
_AUDIO_HZ = 48_000
_TICK = Fraction(1, 90_000)
_X264 = {"crf": "24", "preset": "veryfast"}


def open_mp4(target: Path) -> OutputContainer:
    """Open an MP4 to write, its index at the front."""
    return av.open(str(target), "w", format="mp4", options=FAST_START)


def even(size: int) -> int:
    """Return the next even number below: what H.264's chroma can be halved into."""
    return max(2, size - size % 2)


class Encoder:
    """Writes one MP4 with H.264, and AAC if there is sound. Sizes in pixels."""

    def __init__(self, target: Path, width: int, height: int, *, sound: bool) -> None:
        self._out = open_mp4(target)
        self._video = self._out.add_stream("libx264", rate=Fraction(30), options=_X264)
        self._video.width, self._video.height, self._video.pix_fmt = width, height, "yuv420p"
        self._video.codec_context.time_base = _TICK
        self._video.codec_context.thread_count = THREADS
        self._audio: AudioStream | None = None
        if sound:
            self._audio = self._out.add_stream("aac", rate=_AUDIO_HZ)
            self._audio.layout = "stereo"
        self._resampler = AudioResampler(format="fltp", layout="stereo", rate=_AUDIO_HZ)
        self._last = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._out.mux(self._video.encode(None))
                self._finish_sound()
        finally:
            self._out.close()

    def show(self, frame: VideoFrame, at_s: float) -> None:
        """Add a frame, which has the video's size, at a time; times do not go back."""
        frame.time_base = _TICK
        frame.pts = self._last = max(self._last + 1, round(at_s / _TICK))
        self._out.mux(self._video.encode(frame))

    def show_all(self, frames: Iterable[VideoFrame], at_s: float) -> None:
        """Add frames that came of one, at its time."""
        for frame in frames:
            self.show(frame, at_s)

    def play(self, frame: AudioFrame) -> None:
        """Add sound."""
        if self._audio is not None:
            for part in self._resampler.resample(frame):
                self._out.mux(self._audio.encode(part))

    def _finish_sound(self) -> None:
        if self._audio is not None:
            for part in self._resampler.resample(None):
                self._out.mux(self._audio.encode(part))
            self._out.mux(self._audio.encode(None))


class Turner:
    """Turns and shrinks frames, by ffmpeg's filters. `rotation`: degrees, counter-clockwise."""

    def __init__(self, stream: VideoStream, rotation: int, width: int, height: int) -> None:
        steps = {90: ["cclock"], 180: ["clock", "clock"], 270: ["clock"]}.get(rotation, [])
        graph = self._graph = Graph()
        nodes: list[Any] = [graph.add_buffer(template=stream)]
        nodes += [graph.add("transpose", step) for step in steps]
        nodes += [graph.add("scale", f"{width}:{height}"), graph.add("format", "yuv420p")]
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()

    def turned(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Yield what comes out for a frame."""
        self._graph.vpush(frame)
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
