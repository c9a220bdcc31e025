"""What goes into the workshop, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chirp.model import MediaKind


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """How large a file may be once it is unpacked, and what unpacking it may take."""

    max_pixels: int = 64_000_000
    """Width times height of a picture."""
    max_side: int = 4096
    """Longer sides of photos are shrunk to this; pixels."""
    max_video_side: int = 1280
    """The same for videos that have to be encoded anew."""
    preview_side: int = 640
    max_frames: int = 20_000
    max_video_s: int = 140
    memory_mb: int = 1536
    """Address space of the process that does it, libraries included."""
    cpu_s: int = 300
    wall_s: int = 420
    workers: int = 2
    """Files in work at once; others wait."""


@dataclass(frozen=True, slots=True)
class ProducedFile:
    """A file that the workshop made."""

    path: Path
    content_type: str
    extension: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Processed:
    """A picture or a video, ready to be stored. Sizes in pixels; `duration_ms` of what moves."""

    kind: MediaKind
    original: ProducedFile
    preview: ProducedFile
    width: int
    height: int
    duration_ms: int | None
    blurhash: str
