"""What any keeper of blobs can do, be it a folder or an object store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol


class Blobs(Protocol):
    """Bytes by the SHA-256 of their content, in hex. The same content is kept once."""

    async def put(self, file: Path) -> str:
        """Take a file over, which is gone then; return its name. On disk when this returns."""
        ...

    def open(self, name: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield `length` bytes from `start` on. Raises: FileNotFoundError."""
        ...

    async def delete_older(self, name: str, than_s: float) -> None:
        """Forget a blob that was last put longer ago than that; one that is put now stays."""
        ...

    async def names(self) -> list[str]:
        """Return the names of all blobs."""
        ...
