"""Starts workers, a few at once, and ends them: no process and no file is left of a failure."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import asdict
from pathlib import Path

import chirp
from chirp.errors import Unavailable, Unprocessable, UnsupportedMedia
from chirp.media.limits import MediaLimits
from chirp.media.results import Full, Processed, unpack_told
from chirp.media.sniffing import HEAD_BYTES, sniff

TAKEN = "JPEG, PNG, WebP, GIF and AVIF pictures and MP4, WebM and MOV videos are taken"

_ROOT = str(Path(chirp.__file__).resolve().parent.parent)
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from chirp.media.worker import main; main()"
)
"""`-m` under `-I` would find the installed Chirp, which need not be the one that runs."""
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "LC_ALL": "C.UTF-8"}
"""All that a worker knows of the server's. Each arena of glibc reserves 64 MiB of addresses."""
_RETRY_S = 30


class Workshop:
    """Turns files into what is stored, each in a process of its own.

    Invariant: a process is in `_running` from its start until it is reaped.
    """

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.workers)
        self._running: set[Process] = set()
        self._closed = False

    async def process(self, source: Path, folder: Path) -> Processed:
        """Write what is stored of `source` into `folder`, under new names; `source` stays.

        Waits while `workers` others are at work. After an error, and after a cancellation, nothing
        is left in `folder` and the worker is gone.
        Raises: UnsupportedMedia: not one of the types; Unprocessable: broken, truncated or over a
        limit; Unavailable: no room on the disk, no process to be had, or closed.
        """
        if sniff(await asyncio.to_thread(_head_of, source)) is None:
            raise UnsupportedMedia(TAKEN)
        stem = folder / secrets.token_hex(8)
        async with self._places:
            try:
                return await self._work(source, stem)
            except BaseException:
                _sweep(stem)
                raise

    async def _work(self, source: Path, stem: Path) -> Processed:
        if self._closed:
            raise Unavailable("the server is shutting down", retry_after_s=_RETRY_S)
        life, held = os.pipe()  # the worker ends when `held` closes, even if nobody closes it
        try:
            process = await self._start(source, stem, life)
            return await self._result_of(process)
        finally:
            os.close(life)
            os.close(held)

    async def _start(self, source: Path, stem: Path, life: int) -> Process:
        job = {"source": str(source), "stem": str(stem), "limits": asdict(self._limits)}
        arguments = ("-I", "-W", "ignore", "-c", _PROGRAM, _ROOT, json.dumps(job))
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, *arguments, stdin=life, stdout=PIPE, stderr=DEVNULL,
                env=_ENVIRONMENT,
            )  # fmt: skip
        except OSError as error:
            raise Unavailable("no process for media now", retry_after_s=_RETRY_S) from error

    async def _result_of(self, process: Process) -> Processed:
        self._running.add(process)
        try:
            async with asyncio.timeout(self._limits.wall_s):
                line = await _line_of(process)
        except TimeoutError as error:
            raise Unprocessable("the file takes too long to decode") from error
        finally:
            await _end(process)
            self._running.discard(process)
        return self._unpacked(line, process.returncode)

    def _unpacked(self, line: bytes, code: int | None) -> Processed:
        """Read what a worker told. One that was killed told nothing: it ran into a limit."""
        try:
            return unpack_told(line)
        except Full as error:
            raise Unavailable("no room for media", retry_after_s=_RETRY_S) from error
        except (ValueError, KeyError, TypeError) as error:
            if self._closed:
                raise Unavailable("the server is shutting down", retry_after_s=_RETRY_S) from error
            cause = RuntimeError(f"the worker ended with {code}")
            raise Unprocessable("the file takes too much to decode") from cause

    def stats(self) -> dict[str, int]:
        """Return how many workers there are now."""
        return {"running": len(self._running)}

    async def close(self) -> None:
        """Kill the workers and reap them; who waits for one gets Unavailable. Idempotent."""
        self._closed = True
        for process in tuple(self._running):
            await _end(process)


async def _line_of(process: Process) -> bytes:
    """Return the one line that a worker tells, or b"" if there is none of up to 64 KiB."""
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
    except ValueError:
        return b""
    await process.wait()
    return line


async def _end(process: Process) -> None:
    """Kill a worker that still runs, and reap it."""
    if process.returncode is None:
        process.kill()
    await process.wait()


def _head_of(source: Path) -> bytes:
    with source.open("rb") as file:
        return file.read(HEAD_BYTES)


def _sweep(stem: Path) -> None:
    """Delete what a worker began to write: its names all begin with the same random digits."""
    for path in stem.parent.glob(f"{stem.name}*"):
        path.unlink(missing_ok=True)
