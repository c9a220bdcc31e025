"""Takes ids, one after the other, from a clock that may step back and a sequence that may run out.

Invariants:
  - each id is greater than every id that this generator took before, and greater than `after`;
  - the tick of an id is never behind the wall clock, and ahead of it only after a step back, a
    start with `after` in the future, or a spent tick on a slow wall clock;
  - nobody waits longer than about one tick, whatever the clock did.

**When the wall clock steps back** (or `after` lies in the future), ids cannot follow it. Waiting
until it has caught up would refuse posts for as long as the step was. So logical time goes on
from the last tick by the monotonic clock: at half its rate, since at its full rate the wall clock
could never catch up, and a store that once ran a day ahead would stay a day ahead for ever. (The
slewing of adjtime(3) is the same idea.) When a tick's sequence is spent, the next tick begins as
soon as a whole tick has passed on the monotonic clock: at its full rate, then.
Rejected: standing still on the last tick until it is spent; it catches up twice as fast, but all
that is posted meanwhile would claim the same moment.
"""

from __future__ import annotations

from chirp.clock import Clock
from chirp.idgen.layout import ClockOutOfRange, Layout

# Whole ticks are counted out of floating point seconds: 0.003 - 0.002 is a little below 0.001.
_ROUNDING = 1e-6
_SHORTEST_WAIT_S = 0.000_1


class IdGenerator:
    """Takes the ids of one lane, strictly increasing, also across restarts.

    `after` is the greatest id on disk: of any lane, and at any time, also in the future.

    >>> from chirp.clock import ManualClock
    >>> from chirp.idgen.layout import LAYOUT_48
    >>> from chirp.model import UnixMs
    >>> ids = IdGenerator(LAYOUT_48, ManualClock(UnixMs(1_483_228_800_000)))
    >>> [ids.try_next() for _ in range(3)]
    [1, 2, 3]
    """

    def __init__(
        self, layout: Layout, clock: Clock, *, lane: int = 0, lanes: int = 1, after: int = 0
    ) -> None:
        layout.check_lane(lane, lanes)
        if not 0 <= after < 1 << (layout.tick_bits + layout.low_bits):
            raise ValueError(f"{after} is no id of the {layout.name}-bit layout")
        self.layout = layout
        self.lane = lane
        self.lanes = lanes
        self._clock = clock
        self._capacity = layout.capacity(lane, lanes)
        self._stride = layout.stride(lanes)
        self._issued = 0
        self._waits = 0
        self._start_above(after)

    def _start_above(self, after: int) -> None:
        self._last = after
        self._tick, self._n = self.layout.position_above(after, self.lane, self.lanes)
        self._next_id = self.layout.compose(self._tick, self.lane, self.lanes, self._n)
        self._entered_s = self._clock.monotonic_s()

    def skip_to(self, after: int) -> None:
        """Take only ids above `after` from now on: a greater one was found on disk. O(1)."""
        if after > self._last:
            self._start_above(after)

    @property
    def last(self) -> int:
        """The id that was taken last, or `after`."""
        return self._last

    def try_next(self) -> int | None:
        """Return the next id, or None when the tick's sequence is spent. O(1).

        Raises: ClockOutOfRange; nothing was taken then.
        """
        tick = self.layout.tick_at(self._clock.now_ms())
        if tick > self._tick:
            self._enter(tick)
        elif tick < self._tick or self._n >= self._capacity:
            self._go_on_without(tick)
        if self._n >= self._capacity:
            return None
        self._n += 1
        self._issued += 1
        self._last = self._next_id
        self._next_id += self._stride
        return self._last

    async def next(self) -> int:
        """Return the next id; wait, about one tick at most, while the sequence is spent.

        Nothing is awaited between taking the id and returning it: a caller that submits before
        its own next `await` submits in the order of ids. Waiters are not served in the order of
        their calls, nor need they be: an id belongs to the moment it is taken.
        Raises: ClockOutOfRange.
        """
        while (taken := self.try_next()) is None:
            self._waits += 1
            await self._clock.sleep(self._until_next_tick_s())
        return taken

    def _enter(self, tick: int) -> None:
        if tick > self.layout.max_tick:
            raise ClockOutOfRange(self._out_of_range("after the last"))
        self._tick = tick
        self._n = 0
        self._next_id = self.layout.compose(tick, self.lane, self.lanes, 0)
        self._entered_s = self._clock.monotonic_s()

    def _go_on_without(self, wall_tick: int) -> None:
        """Move logical time forward by the monotonic clock: the wall clock is of no help."""
        if wall_tick < 0:
            raise ClockOutOfRange(self._out_of_range("before the first"))
        elapsed_ms = (self._clock.monotonic_s() - self._entered_s) * 1000
        ticks = int(elapsed_ms / self.layout.tick_ms + _ROUNDING)
        steps = ticks // 2
        if steps == 0 and ticks and self._n >= self._capacity:
            steps = 1
        if steps:
            self._enter(self._tick + steps)

    def _until_next_tick_s(self) -> float:
        entered_ago_s = self._clock.monotonic_s() - self._entered_s
        by_monotonic_s = self.layout.tick_ms / 1000 - entered_ago_s
        next_ms = self.layout.tick_starts_ms(self._tick + 1)
        by_wall_s = (next_ms - self._clock.now_ms()) / 1000
        return max(min(by_monotonic_s, by_wall_s), _SHORTEST_WAIT_S)

    def _out_of_range(self, where: str) -> str:
        layout = self.layout
        return (
            f"the clock says {self._clock.now_ms()} ms and the last id was {self._last}: the next"
            f" id would be {where} of the {layout.name}-bit layout, which holds"
            f" {layout.epoch_ms} to {layout.end_ms} ms; set the clock right"
        )

    def stats(self) -> dict[str, int]:
        """Return ids taken, waits for a tick, and how far ids run ahead of the wall clock."""
        ahead_ms = self.layout.tick_starts_ms(self._tick) - self._clock.now_ms()
        return {
            "issued": self._issued,
            "waits": self._waits,
            "behind_ms": max(0, ahead_ms),
            "last_id": self._last,
        }

    def check(self) -> None:
        """Assert the invariants. O(1)."""
        layout = self.layout
        assert 0 <= self._n <= self._capacity
        if self._n < self._capacity:
            assert self._next_id > self._last, "ids only grow"
            assert self._next_id == layout.compose(self._tick, self.lane, self.lanes, self._n)
            assert layout.lane_of(self._next_id, self.lanes) == self.lane
            assert self._next_id >> layout.low_bits == self._tick
