"""The process that takes one file apart: started by the workshop, ended with it, and held short.

It reads one line of JSON (the task) and writes one (what became of it). It has limits of memory,
processor time and file size, is less important than the server, and dies with it. A decoder that is
tricked can hurt nothing but this process.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chirp.errors import Refusal, Unprocessable, UnsupportedMedia
from chirp.media.animations import is_animated, process_animation
from chirp.media.photos import opened, process_photo
from chirp.media.shapes import MediaLimits, Processed
from chirp.media.sniffing import HEAD_BYTES, sniff
from chirp.media.videos import process_video

_PR_SET_PDEATHSIG = 1
_LARGEST_BYTES = 2 << 30


def process(source: Path, folder: Path, limits: MediaLimits) -> Processed:
    """Make of a file what is stored, in `folder`. Raises: UnsupportedMedia, Unprocessable."""
    with source.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
    if kind is None:
        raise UnsupportedMedia("this is none of JPEG, PNG, WebP, GIF, AVIF, MP4, WebM and MOV")
    if kind.video:
        return process_video(source, kind, folder, limits)
    with opened(source, kind, limits) as image:
        if is_animated(image):
            return process_animation(image, folder, limits)
        return process_photo(image, folder, limits)


def hold_short(limits: MediaLimits) -> None:
    """Give up what is not needed to read one file and write two."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, _LARGEST_BYTES),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.memory_mb << 20),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(10)


def answer(task: dict[str, Any]) -> dict[str, Any]:
    """Return what became of a task, as JSON can hold it."""
    limits = MediaLimits(**task["limits"])
    hold_short(limits)
    try:
        made = process(Path(task["source"]), Path(task["folder"]), limits)
    except Refusal as refusal:
        return {"refused": type(refusal).__name__, "message": refusal.message}
    except MemoryError:
        return {"refused": Unprocessable.__name__, "message": "the file takes too much memory"}
    return {"made": asdict(made)}


def main() -> None:
    """Do the one task that stands on standard input."""
    task = json.loads(sys.stdin.readline())
    sys.stdout.write(json.dumps(answer(task), default=str) + "\n")
