"""The streams of a video on their way into a film: copied as they are, or encoded anew."""

from __future__ import annotations

from typing import Protocol

from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from chirp.errors import Unprocessable
from chirp.media.films import Pictures, even_size
from chirp.media.limits import MediaLimits

_RATE = 48_000
_BIT_RATE = 128_000


class Track(Protocol):
    """What becomes of the packets of one stream."""

    def feed(self, packet: Packet[Stream]) -> None:
        """Take the next packet; an empty one comes last."""

    def end(self) -> None:
        """Write what was held back."""


class Copied:
    """A stream whose packets are stored as they came."""

    def __init__(self, film: OutputContainer, source: Stream) -> None:
        self._film = film
        self._stream = film.add_stream_from_template(source)

    def feed(self, packet: Packet[Stream]) -> None:
        """Copy a packet. Raises: Unprocessable: it is not whole."""
        if packet.is_corrupt:
            raise Unprocessable("the video is truncated")
        if packet.dts is not None:
            packet.stream = self._stream
            self._film.mux(packet)

    def end(self) -> None:
        """Nothing is held back."""


class EncodedVideo:
    """Decodes a stream of pictures and encodes it as H.264."""

    def __init__(
        self, film: OutputContainer, source: VideoStream, rotation: int, limits: MediaLimits
    ) -> None:
        self._limits = limits
        self._frames = 0
        width, height = source.width, source.height
        aspect = source.codec_context.sample_aspect_ratio
        if aspect:  # pixels that are not square become square
            width = max(1, round(width * aspect))
        size = even_size(width, height, limits.video_side)
        self._pictures = Pictures(film, size, source.average_rate, limits.threads)
        if rotation:
            self._pictures.stream.set_display_rotation(rotation)

    def feed(self, packet: Packet[Stream]) -> None:
        """Encode the frames of a packet. Raises: Unprocessable: too many, or too large ones."""
        for frame in packet.decode():
            if isinstance(frame, VideoFrame):
                self._write(frame)

    def _write(self, frame: VideoFrame) -> None:
        self._frames += 1
        if self._frames > self._limits.max_frames:
            raise Unprocessable(f"a video may have at most {self._limits.max_frames:,} frames")
        check_frame(frame.width, frame.height, self._limits)
        if frame.pts is not None:
            self._pictures.write(frame, frame.time)

    def end(self) -> None:
        """Write the last frames."""
        self._pictures.end()


class EncodedAudio:
    """Decodes a stream of sound and encodes it as AAC, in stereo."""

    def __init__(self, film: OutputContainer) -> None:
        self._film = film
        self._stream = film.add_stream("aac", _RATE, layout="stereo")
        self._stream.bit_rate = _BIT_RATE

    def feed(self, packet: Packet[Stream]) -> None:
        """Encode the sound of a packet."""
        for frame in packet.decode():
            if isinstance(frame, AudioFrame):
                self._film.mux(self._stream.encode(frame))

    def end(self) -> None:
        """Write the last samples."""
        self._film.mux(self._stream.encode(None))


def check_frame(width: int, height: int, limits: MediaLimits) -> None:
    """Raise Unprocessable of a frame with too many pixels."""
    if width * height > limits.max_frame_pixels:
        raise Unprocessable(f"a video may have at most {limits.max_frame_pixels:,} pixels a frame")
