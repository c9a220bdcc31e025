"""How much a file of a stranger may cost, and how large what is stored may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Limits of one file and of its worker. A file beyond one of them is Unprocessable."""

    max_pixels: int = 50_000_000
    """Width by height of a photo as it arrives; what most phones take at their best."""
    max_frame_pixels: int = 9_500_000
    """Width by height of a video or a moving picture as it arrives; a little more than 4K."""
    max_frames: int = 10_000
    """Frames of a video or a moving picture."""
    max_video_s: int = 140
    """Seconds that a video or one round of a moving picture may take."""
    max_side: int = 4096
    """Pixels; a photo with a longer side is stored smaller."""
    remux_side: int = 1920
    """Pixels; a video of H.264 with a longer side is encoded anew."""
    video_side: int = 1280
    """Pixels; the longest side of what is encoded anew."""
    preview_side: int = 640
    """Pixels; the longest side of previews."""
    memory_mb: int = 1024
    """Address space of one worker, in MiB; about 300 of it are code and stacks."""
    output_mb: int = 256
    """The largest file that a worker may write, in MiB."""
    photo_cpu_s: int = 20
    """Seconds of processor time for a picture."""
    cpu_s: int = 300
    """Seconds of processor time for a video or a moving picture."""
    wall_s: float = 600
    """Seconds by the clock until a worker is killed; time in the queue does not count."""
    workers: int = 2
    """How many work at once; the others wait in line."""
    threads: int = 2
    """Threads that one worker decodes and encodes videos with."""
