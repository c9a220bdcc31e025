"""Blobs in a folder: `ab/abcdef…`, each written elsewhere, synced and renamed into its place.

Invariant: a file under its final name is whole, whatever happened while it was written.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from chirp.clock import Clock

_CHUNK_BYTES = 256 << 10


class DiskBlobs:
    """Blobs below a folder of the local disk. What blocks runs in threads."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._ages = threading.Lock()
        """Held while an age is looked at or set: what is old and what is put anew are one name."""

    async def put(self, file: Path) -> str:
        """Take a file of the same file system over. Raises: OSError: the disk's trouble."""
        return await asyncio.to_thread(self._put, file)

    def _put(self, file: Path) -> str:
        with file.open("rb") as source:
            name = hashlib.file_digest(source, "sha256").hexdigest()
            os.fsync(source.fileno())
        target = self._path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        now_s = self._clock.now_ms() / 1000
        with self._ages:
            # Also where it is there already: its age says that somebody counts on it now.
            file.replace(target)
            os.utime(target, (now_s, now_s))
        for folder in (target.parent, self._folder):
            _sync_folder(folder)
        return name

    async def open(self, name: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a range in chunks."""
        path = self._path(name)
        while length > 0:
            chunk = await asyncio.to_thread(_read, path, start, min(length, _CHUNK_BYTES))
            if not chunk:
                return
            start, length = start + len(chunk), length - len(chunk)
            yield chunk

    async def delete_older(self, name: str, than_s: float) -> None:
        """Remove a file unless it is young."""
        await asyncio.to_thread(self._delete_older, self._path(name), than_s)

    def _delete_older(self, path: Path, than_s: float) -> None:
        now_s = self._clock.now_ms() / 1000
        with self._ages, suppress(FileNotFoundError):
            if now_s - path.stat().st_mtime > than_s:
                path.unlink()

    async def names(self) -> list[str]:
        """List all files."""
        return await asyncio.to_thread(lambda: [p.name for p in self._folder.glob("??/*")])

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


def _read(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
