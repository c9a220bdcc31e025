"""What any keeper of blobs can do, be it a folder or an object store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple, Protocol


class BlobStat(NamedTuple):
    """A blob's size, and how long ago, in seconds, it was last put."""

    size_bytes: int
    age_s: float


class Blobs(Protocol):
    """Bytes by the SHA-256 of their content, in hex. The same content is kept once."""

    async def put(self, file: Path) -> str:
        """Take a file over, which is gone then; return its name. On disk when this returns."""
        ...

    def open(self, name: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield `length` bytes from `start` on. Raises: FileNotFoundError."""
        ...

    async def stat(self, name: str) -> BlobStat | None:
        """Return what is known of a blob; None: there is none."""
        ...

    async def delete(self, name: str) -> None:
        """Forget a blob, if there is one."""
        ...

    async def names(self) -> list[str]:
        """Return the names of all blobs."""
        ...
