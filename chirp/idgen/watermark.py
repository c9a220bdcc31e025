"""Up to which id everything is settled: what makes the order of ids an order of appearance.

Ids are taken in order and commit in any order. A client that polls with `since_id` would miss,
for ever, a tweet that appears after a greater id did. So a post is acknowledged, readable,
delivered and streamed only once every smaller id is settled, that is committed or failed.

Invariants:
  - `value` only rises;
  - every id that was opened and is <= `value` is settled;
  - the next id in order, if there is one, is not settled: `value` is as high as it can be;
  - whoever `wait_settled` waits for is above `value` and was opened.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from chirp.tasks import Signal


class Watermark:
    """The order of settlement, in memory. Every method is amortised O(1).

    >>> mark = Watermark(start=10)
    >>> mark.open(11)
    >>> mark.open(12)
    >>> mark.settle(12)  # 11 is still open
    >>> mark.value
    10
    >>> mark.settle(11)
    >>> mark.value
    12
    """

    def __init__(self, *, start: int = 0) -> None:
        self._value = start
        self._newest = start
        self._announced = start
        self._announcing = False
        # In order of ids: all that are open, and those settled that a smaller open one holds back.
        self._order: deque[int] = deque()
        self._open: set[int] = set()
        self._held: set[int] = set()
        self._waiters: dict[int, list[Signal[None]]] = {}
        self._callbacks: dict[int, Callable[[int], None]] = {}
        self._subscriptions = 0

    @property
    def value(self) -> int:
        """The greatest id up to which all opened ones are settled; at first `start`."""
        return self._value

    def skip_to(self, an_id: int) -> None:
        """Take everything up to `an_id` as settled: it was on disk before the first id was opened.

        Raises: RuntimeError when ids are open already.
        """
        if self._order:
            raise RuntimeError("ids are open: what is settled is known by them")
        self._value = self._newest = self._announced = max(self._value, an_id)

    def open(self, new_id: int) -> None:
        """Announce an id that was taken and is not settled yet.

        Raises: ValueError unless `new_id` is greater than all before; nothing changed then.
        """
        if new_id <= self._newest:
            raise ValueError(f"{new_id} was opened after {self._newest}: ids open in order")
        self._newest = new_id
        self._order.append(new_id)
        self._open.add(new_id)

    def settle(self, an_id: int) -> None:
        """Record that `an_id` is committed or has failed; raise `value` where that allows it.

        Subscribers have been called when this returns. What a subscriber raises propagates; the
        value has risen and the waiters are woken all the same.
        Raises: KeyError unless the id is open.
        """
        self._open.remove(an_id)
        self._held.add(an_id)
        if self._order[0] != an_id:
            return
        woken: list[Signal[None]] = []
        while self._order and self._order[0] in self._held:
            self._value = self._order.popleft()
            self._held.remove(self._value)
            woken += self._waiters.pop(self._value, ())
        try:
            self._announce()
        finally:
            self._wake(woken)

    def fail(self, an_id: int) -> None:
        """Settle an id of which nothing will come: who waits for it waits for no smaller one.

        Raises: as `settle` does.
        """
        woken = self._waiters.pop(an_id, [])
        try:
            self.settle(an_id)
        finally:
            self._wake(woken)

    @staticmethod
    def _wake(waiters: list[Signal[None]]) -> None:
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
                waiter.wake()

    def _announce(self) -> None:
        # A subscriber may settle ids itself: the outer call then announces the newer value after
        # this one, so that every subscriber sees values rise.
        if self._announcing:
            return
        self._announcing = True
        try:
            while self._announced < self._value:
                self._announced = self._value
                for callback in tuple(self._callbacks.values()):
                    callback(self._announced)
        finally:
            self._announcing = False

    def subscribe(self, callback: Callable[[int], None]) -> Callable[[], None]:
        """Call `callback(value)`, synchronously, whenever the value rises; return how to end it.

        >>> mark = Watermark()
        >>> end = mark.subscribe(print)
        >>> mark.open(7)
        >>> mark.settle(7)
        7
        >>> end()
        """
        self._subscriptions += 1
        number = self._subscriptions
        self._callbacks[number] = callback

        def end() -> None:
            self._callbacks.pop(number, None)

        return end

    async def wait_settled(self, an_id: int) -> None:
        """Return once `an_id` and all smaller opened ids are settled, or `an_id` has failed.

        Does not suspend when they are already. A cancelled waiter leaves nothing behind.
        Raises: KeyError when the id is above `value` and was never opened.
        """
        if an_id <= self._value:
            return
        if an_id not in self._open and an_id not in self._held:
            raise KeyError(an_id)
        waiter: Signal[None] = Signal()
        self._waiters.setdefault(an_id, []).append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            self._forget(an_id, waiter)
            raise

    def _forget(self, an_id: int, waiter: Signal[None]) -> None:
        waiters = self._waiters.get(an_id)
        if waiters is None:
            return  # woken and cancelled in the same round of the loop
        waiters.remove(waiter)
        if not waiters:
            del self._waiters[an_id]

    def stats(self) -> dict[str, int]:
        """Return how many ids are open, how many wait behind those, and the value."""
        return {
            "open": len(self._open),
            "held": len(self._held),
            "waiting": sum(map(len, self._waiters.values())),
            "value": self._value,
        }

    def check(self) -> None:
        """Assert the invariants. O(ids in flight)."""
        order = list(self._order)
        assert order == sorted(set(order)), "in order, each once"
        assert set(order) == self._open | self._held
        assert not self._open & self._held
        assert not order or order[0] in self._open, "the value is as high as it can be"
        assert all(an_id > self._value for an_id in order)
        assert self._newest == (order[-1] if order else self._value)
        assert set(self._waiters) <= set(order)
        assert all(self._waiters.values()), "no empty list of waiters is kept"
