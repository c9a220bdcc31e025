"""Background tasks have an owner: it names them, reports their errors and ends them.

And what need not be one, as long as it has nothing to wait for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

from chirp.errors import ConsumerStopped, WritesStopped

log = logging.getLogger(__name__)

Result = TypeVar("Result")

MOST_FAILURES = 16
"""How many errors are kept, with the frames that they hold on to."""


class TaskRunner:
    """Starts, names and ends tasks. A failure is logged once; the last ones are in `failures`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._last_failures: deque[BaseException] = deque(maxlen=MOST_FAILURES)
        self._failed = 0

    @property
    def failures(self) -> list[BaseException]:
        """The last errors that ended a task, oldest first."""
        return list(self._last_failures)

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` as a task that this runner owns. O(1)."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._failed += 1
            self._last_failures.append(error)
            # What follows from a disk that is full was said where that was found.
            if isinstance(error, WritesStopped | ConsumerStopped):
                log.error("task %s has ended: %s", task.get_name(), error)
            else:
                log.error("task %s failed", task.get_name(), exc_info=error)

    def stats(self) -> dict[str, int]:
        """Return how many tasks run now and how many have failed since the start."""
        return {"running": len(self._tasks), "failed": self._failed}

    async def close(self) -> None:
        """Cancel what still runs and wait until it has ended. Errors were reported already."""
        pending = list(self._tasks)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


class Resumed(Generic[Result]):
    """What was run, by `send(None)`, until it had to wait: awaited, it goes on."""

    def __init__(
        self, rest: Coroutine[Any, Any, Result], waits_for: asyncio.Future[Any] | None
    ) -> None:
        self._rest = rest
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, None, Result]:
        try:
            yield self._waits_for
        except BaseException:
            self._rest.close()
            raise
        return (yield from self._rest.__await__())
