"""How an id is put together out of a time, a lane and a sequence, and taken apart again.

Invariants:
  - greater tick, greater id: the time stands above everything else;
  - `time_of(id)` is the start of the id's tick, and `ids_between` agrees with it exactly;
  - two lanes of one store never compose the same id, whatever their clocks say;
  - ids start at 1: zero is composed by no generator (`position_above(0)` lies past it).

The bit pictures and worked examples are in docs/formats/ids.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chirp.errors import ChirpError
from chirp.model import UnixMs


class ClockOutOfRange(ChirpError):
    """The clock says a time that the store's id layout cannot write."""


class IdRange(NamedTuple):
    """Ids from `first` to `end`, exclusive; empty when both are equal."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to pack an id. Immutable, without state; every method is O(1).

    >>> LAYOUT_48.time_of(LAYOUT_48.compose(tick=5, lane=0, lanes=1, n=3))
    1483228805000
    """

    name: str
    epoch_ms: int
    tick_ms: int
    tick_bits: int
    lane_bits: int
    sequence_bits: int
    max_lanes: int = 16

    @property
    def low_bits(self) -> int:
        """How many bits stand below the tick: those of the lane and of the sequence."""
        return self.lane_bits + self.sequence_bits

    @property
    def max_tick(self) -> int:
        """The last tick that fits."""
        return (1 << self.tick_bits) - 1

    @property
    def end_ms(self) -> UnixMs:
        """The first millisecond that no longer fits."""
        return UnixMs(self.epoch_ms + (self.max_tick + 1) * self.tick_ms)

    def tick_at(self, now_ms: int) -> int:
        """Return the tick in which `now_ms` lies; negative before the epoch.

        >>> LAYOUT_48.tick_at(1_483_228_801_999)
        1
        """
        return (now_ms - self.epoch_ms) // self.tick_ms

    def tick_starts_ms(self, tick: int) -> UnixMs:
        """Return the first millisecond of `tick`."""
        return UnixMs(self.epoch_ms + tick * self.tick_ms)

    def time_of(self, any_id: int) -> UnixMs:
        """Return when the id was taken, down to the tick (a second or a millisecond).

        >>> LAYOUT_64.time_of(1_700_000_000_123 << 16 | 77)
        1700000000123
        """
        return UnixMs(self.epoch_ms + (any_id >> self.low_bits) * self.tick_ms)

    def ids_between(self, from_ms: UnixMs, until_ms: UnixMs) -> IdRange:
        """Return the range of all ids whose `time_of` lies in `[from_ms, until_ms)`.

        Times outside the layout are cut to what it can hold. This makes a time range a key
        range, without an index on time (R65).

        >>> LAYOUT_48.ids_between(UnixMs(1_483_228_800_000), UnixMs(1_483_228_802_000))
        IdRange(first=1, end=262144)
        """
        first = max(self._first_at_or_after(from_ms), 1)
        return IdRange(first, max(first, self._first_at_or_after(until_ms)))

    def _first_at_or_after(self, time_ms: int) -> int:
        # Rounded up: a tick that began before `time_ms` has its `time_of` before it too.
        tick = -((self.epoch_ms - time_ms) // self.tick_ms)
        return min(max(tick, 0), self.max_tick + 1) << self.low_bits

    def check_lane(self, lane: int, lanes: int) -> None:
        """Raise ValueError unless `lane` is one of `lanes`, and those are few enough."""
        if not 1 <= lanes <= self.max_lanes:
            raise ValueError(f"a store has 1 to {self.max_lanes} lanes, not {lanes}")
        if not 0 <= lane < lanes:
            raise ValueError(f"lane {lane} is not one of 0 to {lanes - 1}")

    def stride(self, lanes: int) -> int:
        """Return the distance between one lane's consecutive ids within a tick."""
        return 1 if self.lane_bits else lanes

    def capacity(self, lane: int, lanes: int) -> int:
        """Return how many ids a lane can take within one tick.

        >>> LAYOUT_48.capacity(lane=1, lanes=2), LAYOUT_64.capacity(lane=1, lanes=2)
        (65536, 4096)
        """
        if self.lane_bits:
            return 1 << self.sequence_bits
        return ((1 << self.sequence_bits) - lane + lanes - 1) // lanes

    def compose(self, tick: int, lane: int, lanes: int, n: int) -> int:
        """Return the `n`-th id, from 0, of one lane in one tick.

        Without lane bits, lane k of n takes only sequences with `sequence % n == k` (R63).

        >>> [LAYOUT_48.compose(0, lane=1, lanes=2, n=n) for n in range(3)]
        [1, 3, 5]
        >>> LAYOUT_64.compose(1_000, lane=2, lanes=3, n=1) == 1_000 << 16 | 2 << 12 | 1
        True
        """
        if self.lane_bits:
            return tick << self.low_bits | lane << self.sequence_bits | n
        return tick << self.low_bits | (lane + n * lanes)

    def lane_of(self, any_id: int, lanes: int) -> int:
        """Return which of `lanes` took the id.

        >>> LAYOUT_48.lane_of(5, lanes=2), LAYOUT_64.lane_of(3 << 12 | 9, lanes=16)
        (1, 3)
        """
        low = any_id & ((1 << self.low_bits) - 1)
        return low >> self.sequence_bits if self.lane_bits else low % lanes

    def position_above(self, any_id: int, lane: int, lanes: int) -> tuple[int, int]:
        """Return `(tick, n)` of the lane's first id above `any_id`, whoever took that.

        `n` equals the capacity when the lane has nothing left above it in that tick.

        >>> LAYOUT_48.position_above(4, lane=1, lanes=2)  # 5 is the third odd sequence
        (0, 2)
        """
        tick, low = any_id >> self.low_bits, any_id & ((1 << self.low_bits) - 1)
        at_or_below = (low - self.compose(0, lane, lanes, 0)) // self.stride(lanes) + 1
        return tick, min(max(at_or_below, 0), self.capacity(lane, lanes))


LAYOUT_48 = Layout("48", 1_483_228_800_000, 1_000, tick_bits=31, lane_bits=0, sequence_bits=17)
"""31 bits of seconds since 2017-01-01T00:00:00Z, 17 bits of sequence; lasts until 2085."""

LAYOUT_64 = Layout("64", 0, 1, tick_bits=47, lane_bits=4, sequence_bits=12)
"""47 bits of Unix milliseconds, 4 of lane, 12 of sequence; lasts until the year 6429."""

_BY_NAME = {layout.name: layout for layout in (LAYOUT_48, LAYOUT_64)}


def layout_named(name: str) -> Layout:
    """Return the layout that a manifest or a setting names.

    Raises: ValueError, naming the choices.

    >>> layout_named("48").tick_ms
    1000
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ValueError(f"an id layout is one of {sorted(_BY_NAME)}, not {name!r}") from None
