"""The writer thread of one shard: takes all that waits into one transaction, syncs once.

Invariants:
- Work is applied in the order in which it was submitted.
- A future is resolved only after its group is on disk, and all futures of a group are resolved
  by one wake-up of the loop.
- A group that fails leaves nothing behind and is replayed one by one, so that each batch is
  applied exactly once and only the guilty one fails.
- After a full disk or a failed sync nothing is ever acknowledged again until the store is opened
  anew: what a failed sync left in the page cache may look written and be gone after a crash.
  (PostgreSQL learnt that in 2018: a second fsync reports success.)
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue

import lmdb

from chirp.errors import StorageError, WritesStopped
from chirp.storage.engine import Receipt
from chirp.storage.lmdb_shard import LmdbShard, Outcome, Work
from chirp.tasks import Signal

log = logging.getLogger(__name__)

MAX_GROUP = 512
"""Batches in one transaction at the most: keeps the dirty list and the answer's wait bounded."""

PATIENCE_S, PATIENCE_A_BATCH_S, MOST_PATIENCE_S = 0.002, 100e-6, 0.01
"""How long the loop stands aside at the most while a group's changes are made: three times what
they take when all pages are in memory. One that is given up for no reason takes longer, as both
then fight for the GIL; so the next one is larger, and takes longer, too."""

_GATHER_TURNS = 2
"""Turns of the loop between a group's answers and the next group. Who was answered may have more to
write, and so may who is next in line: what they submit meanwhile shares a commit. A loop with
nothing to do has taken them in microseconds."""

_LEAST_BESIDE, _MOST_BESIDE = 2, 64
"""After a group that took longer, so many are made beside the loop, and twice as many when the next
one that it waits for takes longer, too: then their pages come from a disk."""

CLOSED = "the store is closed"

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_HARMLESS = {0, errno.EINVAL, errno.EINTR}
"""Errnos that speak of the call, not of the disk; LMDB's own codes are negative."""

FULL_BELOW_BYTES = 1 << 20
"""With less than this free, a write that was cut short is laid to a full disk."""

Job = tuple[Work, "Signal[Receipt | None]"]


class _Aside:
    """The loop stands aside until a group's changes are made, so that nobody fights for the GIL.

    py-lmdb lets go of it at each change. A loop that runs on meanwhile is asked to give it back
    every time, six times a post, and each time costs both threads a turn of the machine.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, most_s: float) -> bool:
        """Wait on the loop; say whether the changes were made in that time."""
        return self._lock.acquire(timeout=most_s)

    def end(self) -> None:
        """Let the loop go on. May be called again."""
        if self._lock.locked():
            self._lock.release()


class LmdbWriter:
    """Owns the write transactions of one shard."""

    def __init__(
        self,
        shard: LmdbShard,
        source: int,
        loop: asyncio.AbstractEventLoop,
        on_grown: Callable[[int, int], None],
    ) -> None:
        self._shard = shard
        self._source = source
        self._loop = loop
        self._on_grown = on_grown
        self._queue: SimpleQueue[tuple[list[Job], _Aside] | None] = SimpleQueue()
        self._gathered: list[Job] = []
        """What was submitted since the last group was handed over."""
        self._is_due = self._is_busy = False
        self._beside, self._next_beside = 0, _LEAST_BESIDE
        self._aside = _Aside()
        self.stopped: str | None = None
        self._closed = False
        self.commits = self.batches = self.conflicts = 0
        self._thread = threading.Thread(
            target=self._run, name=f"chirp-writer-{shard.path.stem}", daemon=True
        )
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Receipt | None]:
        """Queue work; the future resolves on the loop when it is durable. O(1)."""
        future: Signal[Receipt | None] = Signal(loop=self._loop)
        if self._closed or self.stopped is not None:
            future.set_exception(WritesStopped(self.stopped or CLOSED))
        else:
            if not self._is_due and not self._is_busy:
                # One wake-up of the thread for all of a turn of the loop.
                self._is_due = True
                self._loop.call_soon(self._hand_over)
            self._gathered.append((work, future))
        return future

    def _hand_over(self) -> None:
        """Give the thread what was gathered, and stand aside until its changes are made."""
        self._is_due = False
        if self._is_busy or not self._gathered:
            return
        self._is_busy = True
        group, self._gathered = self._gathered[:MAX_GROUP], self._gathered[MAX_GROUP:]
        aside = _Aside()
        self._queue.put((group, aside))
        if self._beside:
            self._beside -= 1
        elif aside.wait(min(PATIENCE_S + len(group) * PATIENCE_A_BATCH_S, MOST_PATIENCE_S)):
            self._next_beside = _LEAST_BESIDE
        else:
            self._beside = self._next_beside
            self._next_beside = min(2 * self._beside, _MOST_BESIDE)

    async def close(self) -> None:
        """Apply what is queued, then end the thread. What is submitted meanwhile is refused."""
        self._closed = True
        self._queue.put((self._gathered, _Aside()))
        self._gathered = []
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self.stopped = self.stopped or CLOSED

    # -- on the thread ------------------------------------------------------------------

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            group, self._aside = job
            if group:
                self._finish(group)

    def _finish(self, group: Sequence[Job]) -> None:
        before = self._shard.last_sequence
        outcomes = self._outcomes([work for work, _ in group])
        self._aside.end()
        grown = self._shard.last_sequence > before
        answers = [(future, out) for (_, future), out in zip(group, outcomes, strict=True)]
        try:
            self._loop.call_soon_threadsafe(self._answer, answers, grown)
        except RuntimeError:
            # The loop was closed under us: nobody is left to answer.
            log.warning("%d batches were stored after the loop had ended", len(group))

    def _outcomes(self, group: list[Work]) -> list[Outcome]:
        if self.stopped is not None:
            return [WritesStopped(self.stopped) for _ in group]
        try:
            return self._commit(group)
        except lmdb.MapFullError:
            return self._grow_and_retry(group)
        except Exception as error:  # noqa: BLE001  # a dead writer lets all wait for ever
            return self._after_failure(group, error)

    def _commit(self, group: list[Work]) -> list[Outcome]:
        outcomes = self._shard.apply_group(group, self._aside.end)
        self.commits += 1
        self.batches += len(group)
        self.conflicts += sum(isinstance(outcome, StorageError) for outcome in outcomes)
        return outcomes

    def _after_failure(self, group: list[Work], error: Exception) -> list[Outcome]:
        if _is_fatal(error):
            self.stopped = _words(error, self._shard.path)
            log.error("writes to %s stopped: %s", self._shard.path, error)
            return [_chained(WritesStopped(self.stopped), error) for _ in group]
        if len(group) == 1:
            log.error("a batch for %s was not stored: %s", self._shard.path, error)
            self._shard.refuse_after(group[0])
            return [_chained(StorageError("the write was not stored"), error)]
        return [outcome for work in group for outcome in self._outcomes([work])]

    def _grow_and_retry(self, group: list[Work]) -> list[Outcome]:
        """Double the map on the loop, where none of its reads can be open, and try again."""
        self._aside.end()
        done = threading.Event()
        problem: list[lmdb.Error] = []

        def grow() -> None:
            try:
                with self._shard.gate.shut():
                    env = self._shard.env
                    env.set_mapsize(env.info()["map_size"] * 2)
            except lmdb.Error as error:
                problem.append(error)
            finally:
                done.set()

        self._loop.call_soon_threadsafe(grow)
        done.wait()
        if problem:
            return self._after_failure(group, problem[0])
        log.warning("the map of %s was full and is now twice as large", self._shard.path)
        return self._outcomes(group)

    # -- on the loop --------------------------------------------------------------------

    def _answer(self, answers: list[tuple[Signal[Receipt | None], Outcome]], grown: bool) -> None:
        for future, outcome in answers:
            if future.cancelled():
                continue
            if isinstance(outcome, StorageError):
                future.set_exception(outcome)
            elif outcome is None:
                future.set_result(None)
            else:
                future.set_result(Receipt(self._source, outcome))
        self._is_busy, self._is_due = False, True
        self._gather(_GATHER_TURNS)
        for future, _ in answers:
            future.wake()
        if grown:
            self._on_grown(self._source, self._shard.last_sequence)

    def _gather(self, turns: int) -> None:
        """Hand over what is submitted within so many turns of the loop."""
        if turns:
            self._loop.call_soon(self._gather, turns - 1)
        else:
            self._hand_over()


def _is_fatal(error: Exception) -> bool:
    if isinstance(error, lmdb.PanicError | lmdb.CorruptedError):
        return True
    return _code(error) > 0 and _code(error) not in _HARMLESS


def _code(error: Exception) -> int:
    """Return the errno of an LMDB error; 0 when it is not the operating system's."""
    return getattr(error, "code", 0)


def _words(error: Exception, path: Path) -> str:
    # LMDB reports a write that the system cut short, as on the last free bytes, as EIO.
    if _code(error) in _FULL or (_code(error) == errno.EIO and _is_full(path)):
        return "the disk is full"
    return "the disk failed to store a write"


def _is_full(path: Path) -> bool:
    try:
        disk, size_bytes = os.statvfs(path), path.stat().st_size
    except OSError:
        return False  # a disk that answers nothing (XFS after an error): the thread must live on
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    at_limit = limit != resource.RLIM_INFINITY and size_bytes >= limit
    return at_limit or disk.f_bavail * disk.f_frsize < FULL_BELOW_BYTES


def _chained(error: StorageError, cause: Exception) -> StorageError:
    error.__cause__ = cause
    return error
