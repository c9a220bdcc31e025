"""Videos: H.264 and AAC are copied into an MP4 that starts at once, all else is encoded so."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NoReturn

import av
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from chirp.errors import Unprocessable
from chirp.media.containers import check_whole
from chirp.media.films import finished, open_film
from chirp.media.limits import MediaLimits
from chirp.media.results import Processed
from chirp.media.sniffing import WEBM, Sniffed
from chirp.media.tracks import Copied, EncodedAudio, EncodedVideo, Track, check_frame
from chirp.model import MediaKind

_VIDEO_CODECS = {"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mjpeg", "prores"}
_AUDIO_CODECS = {
    "aac", "mp3", "mp3float", "opus", "libopus", "vorbis", "alac", "ac3", "eac3", "amrnb",
    "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_f32le", "pcm_u8",
}  # fmt: skip
_WHITELIST = ",".join(sorted(_VIDEO_CODECS | _AUDIO_CODECS))


def process_video(source: Path, sniffed: Sniffed, stem: Path, limits: MediaLimits) -> Processed:
    """Write the stored video and its poster beside `stem`.

    Raises: Unprocessable, and whatever PyAV raises of broken files.
    """
    check_whole(source, sniffed)
    path = stem.with_name(f"{stem.name}.mp4")
    rotation = _first_frame_of(source, sniffed, limits).rotation
    with (
        source.open("rb") as file,
        _open(file, sniffed, limits) as container,
        open_film(path) as film,
    ):
        tracks = _tracks_of(container, film, sniffed, rotation, limits)
        _run(container, tracks, limits)
    return finished(MediaKind.VIDEO, path, stem, limits)


def _open(file: BinaryIO, sniffed: Sniffed, limits: MediaLimits) -> InputContainer:
    """Open a video with the one demuxer of its type, from bytes alone.

    A playlist, a reference to another file or an address cannot be followed: nothing is opened
    by name, no protocol is allowed, and the decoders are those of the list.
    """
    return av.open(
        file,
        "r",
        format="matroska" if sniffed is WEBM else "mov",
        options={"max_pixels": str(limits.max_frame_pixels), "threads": "1"},
        container_options={"protocol_whitelist": "none", "codec_whitelist": _WHITELIST},
        metadata_errors="replace",
        io_open=_open_nothing,
    )


def _open_nothing(*_: object) -> NoReturn:
    raise PermissionError("a video may not refer to other files")


def _first_frame_of(source: Path, sniffed: Sniffed, limits: MediaLimits) -> VideoFrame:
    """Decode one frame: it tells how the video is turned, and that it can be decoded at all."""
    with source.open("rb") as file, _open(file, sniffed, limits) as container:
        video = _video_of(container, limits)
        for frame in container.decode(video):
            check_frame(frame.width, frame.height, limits)
            return frame
    raise Unprocessable("the video has no picture")


def _video_of(container: InputContainer, limits: MediaLimits) -> VideoStream:
    if (container.duration or 0) > limits.max_video_s * 1_000_000:
        raise Unprocessable(_too_long(limits))
    video = container.streams.best("video")
    if not isinstance(video, VideoStream) or video.disposition & Disposition.attached_pic:
        raise Unprocessable("there is no video in the file")
    _check_codec(video, _VIDEO_CODECS)
    check_frame(video.width, video.height, limits)
    if video.frames > limits.max_frames:
        raise Unprocessable(f"a video may have at most {limits.max_frames:,} frames")
    video.codec_context.options = {"max_pixels": str(limits.max_frame_pixels)}
    video.codec_context.thread_count = limits.threads
    return video


def _check_codec(stream: Stream, taken: set[str]) -> None:
    # PyAV's types say that there always is a context; there is none without a decoder.
    context: CodecContext | None = stream.codec_context
    if context is None or context.name not in taken:
        raise Unprocessable(f"the {stream.type} is encoded in a way that is not taken")


def _too_long(limits: MediaLimits) -> str:
    return f"a video may take at most {limits.max_video_s} s"


def _tracks_of(
    container: InputContainer,
    film: OutputContainer,
    sniffed: Sniffed,
    rotation: int,
    limits: MediaLimits,
) -> dict[int, Track]:
    """Return what becomes of the best video and the best sound; the other streams are dropped."""
    video, audio = _video_of(container, limits), container.streams.best("audio")
    tracks: dict[int, Track] = {}
    if sniffed is not WEBM and _plays_as_it_is(video, limits):
        tracks[video.index] = Copied(film, video)
    else:
        tracks[video.index] = EncodedVideo(film, video, rotation, limits)
    if isinstance(audio, AudioStream):
        _check_codec(audio, _AUDIO_CODECS)
        copied = sniffed is not WEBM and audio.codec_context.name == "aac"
        tracks[audio.index] = Copied(film, audio) if copied else EncodedAudio(film)
    return tracks


def _plays_as_it_is(video: VideoStream, limits: MediaLimits) -> bool:
    context = video.codec_context
    small = max(video.width, video.height) <= limits.remux_side
    return context.name == "h264" and small and context.pix_fmt in {"yuv420p", "yuvj420p"}


def _run(container: InputContainer, tracks: dict[int, Track], limits: MediaLimits) -> None:
    """Feed the tracks until the file ends, whatever its header said of its length."""
    packets = 0
    for packet in container.demux([container.streams[index] for index in tracks]):
        packets += packet.stream.type == "video"
        if packets > limits.max_frames:
            raise Unprocessable(f"a video may have at most {limits.max_frames:,} frames")
        if _ends_at_s(packet) > limits.max_video_s + 1:
            raise Unprocessable(_too_long(limits))
        tracks[packet.stream.index].feed(packet)
    for track in tracks.values():
        track.end()


def _ends_at_s(packet: Packet[Stream]) -> float:
    if packet.pts is None or packet.time_base is None:
        return 0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)
