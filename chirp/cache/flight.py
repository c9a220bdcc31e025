"""One load per key at a time: callers who want the same thing wait for the same load.

Invariants:
  - a flight is registered from the call that starts it until its task has ended;
  - an error goes to everyone who waits, and to nobody who comes later;
  - a caller that is cancelled leaves; the load goes on for the others, and for the cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from chirp.tasks import TaskRunner

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(Generic[V]):
    """A load under way: its task, who waits for it, and the error it ended with."""

    def __init__(self) -> None:
        self.task: asyncio.Task[V | None] | None = None
        self.waiters = 0
        self.error: Exception | None = None


class SingleFlight(Generic[K, V]):
    """Shares loads by key. Tasks belong to the runner; `name` says in logs what they load.

    >>> async def demo() -> None:
    ...     flights: SingleFlight[int, str] = SingleFlight("users", TaskRunner())
    ...     async def load() -> str:
    ...         print("once")
    ...         return "ada"
    ...     print(await asyncio.gather(flights.get(7, load), flights.get(7, load)))
    >>> asyncio.run(demo())
    once
    ['ada', 'ada']
    """

    def __init__(self, name: str, runner: TaskRunner) -> None:
        self._name = name
        self._runner = runner
        self._flights: dict[K, _Flight[V]] = {}
        self._started = self._joined = self._failed = 0

    async def get(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """Return what `load` returns, or what a load of the same key under way does. O(1).

        Raises: what the load raises; the same error object, for all who wait.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._start(key, load)
        else:
            self._joined += 1
        return await self._wait(flight)

    def _start(self, key: K, load: Callable[[], Awaitable[V]]) -> _Flight[V]:
        self._started += 1
        flight: _Flight[V] = _Flight()
        self._flights[key] = flight
        flight.task = self._runner.start(f"{self._name} {key}", self._fly(flight, key, load))
        # A task that is cancelled before its first step never runs `_fly`, and so not its end.
        flight.task.add_done_callback(lambda _: self._land(key, flight))
        return flight

    async def _fly(self, flight: _Flight[V], key: K, load: Callable[[], Awaitable[V]]) -> V | None:
        try:
            return await load()
        except Exception as error:
            self._failed += 1
            if flight.waiters == 0:
                raise  # nobody is left to hear of it: the runner reports it
            flight.error = error
            return None
        finally:
            self._land(key, flight)

    def _land(self, key: K, flight: _Flight[V]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    @staticmethod
    async def _wait(flight: _Flight[V]) -> V:
        assert flight.task is not None
        flight.waiters += 1
        try:
            value = await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
        if flight.error is not None:
            raise flight.error
        return value  # type: ignore[return-value]  # None only beside an error, or as V

    def stats(self) -> dict[str, int]:
        """Return flights under way, and how many were started, joined and failed. O(1)."""
        return {
            "flights": len(self._flights),
            "started": self._started,
            "joined": self._joined,
            "failed": self._failed,
        }

    def check(self) -> None:
        """Assert the invariants. O(flights)."""
        for flight in self._flights.values():
            assert flight.task is not None
            assert flight.waiters >= 0
