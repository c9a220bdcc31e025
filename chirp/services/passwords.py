"""Password hashes: argon2id in a bounded pool, so that sign-ins cannot starve anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chirp.errors import Unavailable

# OWASP's second choice (19 MiB, 2 passes): two at once fit a 1 GB machine and take about 30 ms.
_MEMORY_KIB = 19_456
_PASSES = 2

WORKERS = 2
MOST_WAITING = 64

T = TypeVar("T")


class Passwords:
    """Hashes and verifies on pool threads (argon2 releases the GIL); refuses when too many wait."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="chirp-argon2")
        self._waiting = 0
        # Verified when there is no such account, so that a stranger cannot tell by the time.
        self._decoy = self._hasher.hash("no account has this password")

    async def hash(self, password: str) -> str:
        """Return the encoded hash, salt and parameters included. Raises: Unavailable."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Say whether the password is right; None takes as long and is wrong.

        Raises: Unavailable.
        """
        return await self._run(lambda: self._verify(password_hash, password))

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise Unavailable("too many sign-ins at once", retry_after_s=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the pool; what waits in it is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)
