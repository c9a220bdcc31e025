"""Background tasks have an owner: it names them, reports their errors and ends them.

And what need not be a task, as long as it waits for nothing, or for signals alone: a task goes on a
turn of the loop later than what it waits for, and on a busy loop a turn is what makes people wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Generic, TypeVar

from chirp.errors import ConsumerStopped, WritesStopped

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Awaited = TypeVar("Awaited", bound="asyncio.Future[Any] | None")

MOST_FAILURES = 16
"""How many errors are kept, with the frames that they hold on to."""


class Signal(asyncio.Future[Result]):
    """A future: who waits for it in `TaskRunner.run` goes on in the turn in which it is done."""

    resume: Callable[[], None] | None = None
    """Lets go on the one who does; a second waits as for any future."""

    def wake(self) -> None:
        """Let go on who waits without a task. To be called when it is done; else the loop does."""
        resume, self.resume = self.resume, None
        if resume is not None:
            resume()


class TaskRunner:
    """Starts, names and ends tasks. A failure is logged once; the last ones are in `failures`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._last_failures: deque[BaseException] = deque(maxlen=MOST_FAILURES)
        self._failed = 0
        self._suspended: dict[Coroutine[Any, Any, None], str] = {}
        """What waits for a signal, with its name."""
        self._closed = False

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

    def run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` here and now, and behind each signal that it waits for; else as a task.

        Never within somebody's task, where it could not be told from that one: then it gets its
        own. Raises nothing.
        """
        if self._closed:
            self._close(name, work)
        elif asyncio.current_task() is not None:
            self.start(name, work)
        else:
            self._step(name, work)

    def _step(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            waits_for = work.send(None)
        except (StopIteration, asyncio.CancelledError):
            return
        except Exception as error:  # noqa: BLE001  (the top: logged once)
            self._report(name, error)
            return
        if isinstance(waits_for, Signal) and not waits_for.done() and waits_for.resume is None:
            _awaiting(waits_for, False)
            self._suspended[work] = name
            waits_for.resume = partial(self._resume, work, waits_for)
            waits_for.add_done_callback(Signal.wake)
        else:
            self.start(name, _awaited(Resumed(work, waits_for)))

    def _resume(self, work: Coroutine[Any, Any, None], signal: Signal[Any]) -> None:
        name = self._suspended.pop(work, None)
        if name is None:
            return  # closed meanwhile
        if asyncio.current_task() is None:
            self._step(name, work)
        else:
            self.start(name, _awaited(Resumed(work, signal)))

    def _close(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            work.close()
        except RuntimeError as error:  # it waits for something at its end
            self._report(name, error)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._report(task.get_name(), error)

    def _report(self, name: str, error: BaseException) -> None:
        self._failed += 1
        self._last_failures.append(error)
        # What follows from a disk that is full was said where that was found.
        if isinstance(error, WritesStopped | ConsumerStopped):
            log.error("task %s has ended: %s", name, error)
        else:
            log.error("task %s failed", name, exc_info=error)

    def stats(self) -> dict[str, int]:
        """Return how many tasks run or wait for a signal, and how many have failed so far."""
        return {"running": len(self._tasks) + len(self._suspended), "failed": self._failed}

    async def close(self) -> None:
        """Cancel what still runs and wait until it has ended. Errors were reported already."""
        self._closed = True
        while self._suspended:
            work, name = self._suspended.popitem()
            self._close(name, work)
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
        self._waits_for = _awaiting(waits_for, False)

    def __await__(self) -> Generator[Any, None, Result]:
        try:
            yield _awaiting(self._waits_for, True)
        except BaseException:
            self._rest.close()
            raise
        return (yield from self._rest.__await__())


def _awaiting(future: Awaited, it_is: bool) -> Awaited:
    """Note whether a future is on its way from an `await` to a task, as that does which gets it.

    Left as it is, the next `await` of that future fails.
    """
    if future is not None:
        future._asyncio_future_blocking = it_is  # noqa: SLF001  (the only way)
    return future


async def _awaited(rest: Resumed[Result]) -> Result:
    return await rest
