"""Truths: commits what people do, and waits until all who read it know.

Invariant: when `bring_about` returns, what it answers and what the next read shows agree: the
derived rows are written and the caches are told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chirp.errors import Conflict, Unavailable
from chirp.fanout.home import HOME
from chirp.fanout.journal import JournalRunner
from chirp.storage.engine import Batch, Engine

ATTEMPTS = 64
"""How often a compare and set is tried: of those who compete, one succeeds each time."""

Attempt = Callable[[], Awaitable[Batch | None]]
"""Reads what stands, and returns the batch that changes it; None when nothing is to be done."""


class Truths:
    """Compare and set, by batches that conflict when what they were made from has changed."""

    def __init__(self, engine: Engine, journal: JournalRunner) -> None:
        self._engine = engine
        self._journal = journal

    async def bring_about(self, attempt: Attempt) -> bool:
        """Make a change, tried anew after each conflict; return False when nothing was to be done.

        Raises: what `attempt` raises; Unavailable: too many conflicts; StorageError.
        """
        for _ in range(ATTEMPTS):
            batch = await attempt()
            if batch is None or await self.commit(batch):
                return batch is not None
        raise Unavailable("too many changes at once", retry_after_s=1)

    async def commit(self, batch: Batch) -> bool:
        """Commit once; False after a conflict. Raises: StorageError."""
        self._journal.refuse_if_stopped()
        try:
            receipt = await self._engine.commit(batch)
        except Conflict:
            return False
        assert receipt is not None
        await self._journal.wait_applied(HOME, receipt)
        return True

    async def wait_partition(self, partition: int) -> None:
        """Return once all know what a partition has committed until now. Raises: StorageError."""
        await self._journal.wait_partition(HOME, partition)
