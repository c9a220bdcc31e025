"""Videos: a poster, and an MP4 with H.264 and AAC that begins to play at once, without metadata.

What is H.264 and AAC already is copied, all else is encoded anew. Only the format that the file was
sniffed as is opened, from an open file: playlists, other files and addresses are out of reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from chirp.errors import Unprocessable
from chirp.media.encoding import THREADS, Encoder, Turner, even, open_mp4
from chirp.media.photos import hash_of, preview_of, refuse_large
from chirp.media.shapes import MediaLimits, Processed, ProducedFile
from chirp.media.sniffing import MP4, Sniffed
from chirp.model import MediaKind

MP4_TYPE = "video/mp4"
_DARK = 24
"""A frame whose brightest spot is below this (of 255) makes no poster."""
_POSTER_FRAMES = 45
_SLACK = 0.8
"""A file that ends before so much of the time that it promises is incomplete."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a first look at a video tells: `rotation` in degrees, counter-clockwise."""

    poster: Image.Image
    rotation: int
    promised_s: float


def process_video(source: Path, kind: Sniffed, folder: Path, limits: MediaLimits) -> Processed:
    """Make of a video what is stored. Raises: Unprocessable."""
    try:
        with _opened(source, kind) as reader:
            seen = _look(reader, limits)
        target = folder / "original.mp4"
        with _opened(source, kind) as reader:
            if _may_be_copied(reader, kind):
                size, lasts_s = _copy(reader, target, seen, limits)
            else:
                size, lasts_s = _encode(reader, target, seen, limits)
    except (FFmpegError, OSError, ValueError, EOFError, IndexError) as error:
        raise Unprocessable("the video is broken or incomplete") from error
    if lasts_s < seen.promised_s * _SLACK:
        raise Unprocessable("the video ends before its time: it is incomplete")
    return processed(MediaKind.VIDEO, target, seen.poster, size, lasts_s, limits)


def processed(
    kind: MediaKind,
    target: Path,
    poster: Image.Image,
    size: tuple[int, int],
    lasts_s: float,
    limits: MediaLimits,
) -> Processed:
    """Return what an MP4 at `target` is, with a preview made of its poster."""
    original = ProducedFile(target, MP4_TYPE, "mp4", target.stat().st_size)
    preview = preview_of(poster, target.parent, limits)
    return Processed(kind, original, preview, *size, round(lasts_s * 1000), hash_of(poster))


@contextmanager
def _opened(source: Path, kind: Sniffed) -> Iterator[InputContainer]:
    with (
        source.open("rb") as file,
        av.open(file, "r", format=kind.name, metadata_errors="replace") as reader,
    ):
        yield reader


def _video_of(reader: InputContainer) -> VideoStream:
    """Return the video's stream. Raises: Unprocessable: there is none."""
    stream = reader.streams.best("video")
    if stream is None:
        raise Unprocessable("there is no video in the file")
    return cast("VideoStream", stream)


def _look(reader: InputContainer, limits: MediaLimits) -> _Seen:
    """Find a poster: an early frame that is not black, else the last one that was looked at."""
    stream = _video_of(reader)
    refuse_large(stream.codec_context.width, stream.codec_context.height, limits)
    stream.codec_context.thread_count = THREADS
    promised_s = (reader.duration or 0) / av.time_base
    _refuse_long(promised_s, limits)
    frame: VideoFrame | None = None
    image: Image.Image | None = None
    for number, frame in enumerate(reader.decode(stream)):
        refuse_large(frame.width, frame.height, limits)
        image = image_of(frame)
        if number >= _POSTER_FRAMES or image.convert("L").getextrema()[1] >= _DARK:  # type: ignore[operator]
            break
    if image is None or frame is None:
        raise Unprocessable("the video has no frames")
    rotation = round(frame.rotation / 90) * 90 % 360
    return _Seen(image.rotate(rotation, expand=True), rotation, promised_s)


def image_of(frame: VideoFrame) -> Image.Image:
    """Return a frame as a picture."""
    return cast("Image.Image", frame.to_image())  # type: ignore[no-untyped-call]


def _refuse_long(lasts_s: float, limits: MediaLimits) -> None:
    if lasts_s > limits.max_video_s + 1:
        raise Unprocessable(f"the video is longer than {limits.max_video_s} seconds")


def _may_be_copied(reader: InputContainer, kind: Sniffed) -> bool:
    """Say whether browsers play the streams as they are."""
    video, audio = _video_of(reader).codec_context, reader.streams.best("audio")
    plain = video.name == "h264" and video.pix_fmt == "yuv420p"
    return kind is MP4 and plain and (audio is None or audio.codec_context.name == "aac")


# -- copying ------------------------------------------------------------------------------


def _copy(
    reader: InputContainer, target: Path, seen: _Seen, limits: MediaLimits
) -> tuple[tuple[int, int], float]:
    """Copy the streams into a new file; return pixels as they are seen, and seconds."""
    video, audio = _video_of(reader), reader.streams.best("audio")
    taken: list[Stream] = [video] if audio is None else [video, audio]
    with open_mp4(target) as out:
        copies = {one.index: out.add_stream_from_template(one) for one in taken}
        for copied in copies.values():
            copied.metadata.clear()
        lasts_s, frames = 0.0, 0
        for packet in reader.demux(taken):
            if packet.dts is None:
                continue
            frames += packet.stream is video
            lasts_s = max(lasts_s, _end_of(packet))
            _refuse_much(frames, lasts_s, limits)
            packet.stream = copies[packet.stream.index]
            out.mux(packet)
    return seen.poster.size, lasts_s


def _end_of(packet: Packet[Any]) -> float:
    start = packet.pts if packet.pts is not None else packet.dts
    ticks = (start or 0) + (packet.duration or 0)
    return float(ticks * packet.time_base)


def _refuse_much(frames: int, lasts_s: float, limits: MediaLimits) -> None:
    """Raise Unprocessable where a file holds more than it said."""
    if frames > limits.max_frames:
        raise Unprocessable(f"the video has more than {limits.max_frames} frames")
    _refuse_long(lasts_s, limits)


# -- encoding anew ------------------------------------------------------------------------


def _encode(
    reader: InputContainer, target: Path, seen: _Seen, limits: MediaLimits
) -> tuple[tuple[int, int], float]:
    """Encode the streams anew; return pixels and seconds."""
    video, audio = _video_of(reader), reader.streams.best("audio")
    video.codec_context.thread_count = THREADS
    taken: list[Stream] = [video] if audio is None else [video, audio]
    size = fitting(seen.poster.size, limits.max_video_side)
    turner = Turner(video, seen.rotation, *size)
    lasts_s, frames = 0.0, 0
    with Encoder(target, *size, sound=audio is not None) as encoder:
        for frame in reader.decode(taken):
            if isinstance(frame, AudioFrame):
                encoder.play(frame)
            elif isinstance(frame, VideoFrame):
                frames += 1
                lasts_s = max(lasts_s, frame.time or 0.0)
                _refuse_much(frames, lasts_s, limits)
                encoder.show_all(turner.turned(frame), frame.time or 0.0)
    return size, lasts_s + lasts_s / max(1, frames - 1)


def fitting(size: tuple[int, int], most: int) -> tuple[int, int]:
    """Return the even size that a video of `size` has with no side above `most`.

    >>> fitting((1921, 1080), 1280)
    (1280, 718)
    """
    factor = min(1.0, most / max(size))
    return even(int(size[0] * factor)), even(int(size[1] * factor))
