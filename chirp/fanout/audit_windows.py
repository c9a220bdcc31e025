"""Tripwires: how many different things happened around one key within a window of event time.

Invariants:
- Time is what the events say. Nothing here asks a clock, so a replay trips where the first run did.
- Memory is bounded: at most `most_keys` keys, the least recently used go first, and at most `limit`
  members a key, of which only the newest count.
- A key that tripped is silent until a window has passed: a flood is one flag, not one a tweet.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable

from chirp.model import UnixMs


class _Seen:
    """What happened around one key: members with their last times, and when it tripped."""

    __slots__ = ("members", "newest", "tripped")

    def __init__(self) -> None:
        self.members: dict[Hashable, UnixMs] = {}
        self.newest = UnixMs(0)
        self.tripped: UnixMs | None = None


class Tripwire:
    """Trips when `limit` different members met one key within a window.

    >>> wire = Tripwire(limit=2, window_ms=1_000, most_keys=10)
    >>> wire.trips("hello", ["ada"], UnixMs(0)), wire.trips("hello", ["ada"], UnixMs(5))
    (False, False)
    >>> wire.trips("hello", ["bob"], UnixMs(900)), wire.trips("hello", ["eve"], UnixMs(901))
    (True, False)
    """

    def __init__(self, *, limit: int, window_ms: int, most_keys: int) -> None:
        self._limit = limit
        self._window_ms = window_ms
        self._most_keys = most_keys
        self._seen: OrderedDict[Hashable, _Seen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def trips(self, key: Hashable, members: Iterable[Hashable], at: UnixMs) -> bool:
        """Note members at a key; say whether that trips it. O(members + limit).

        Events of several journals come in any order: what is a window older than the newest that
        this key has seen counts no more.
        """
        seen = self._find(key)
        seen.newest = max(seen.newest, at)
        self._note(seen, members, at)
        if len(seen.members) < self._limit or self._prune(seen) < self._limit:
            return False
        if seen.tripped is not None and seen.newest - seen.tripped < self._window_ms:
            return False
        seen.tripped = seen.newest
        return True

    def _find(self, key: Hashable) -> _Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen()
            if len(self._seen) > self._most_keys:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        return seen

    def _note(self, seen: _Seen, members: Iterable[Hashable], at: UnixMs) -> None:
        times = seen.members
        for member in members:
            # Out and in again: the one that was noted longest ago stands first.
            times[member] = max(at, times.pop(member, at))
            if len(times) > self._limit and self._prune(seen) > self._limit:
                del times[next(iter(times))]

    def _prune(self, seen: _Seen) -> int:
        """Forget members that are older than the window; return how many are left."""
        from_ms = seen.newest - self._window_ms
        for member in [each for each, when in seen.members.items() if when <= from_ms]:
            del seen.members[member]
        return len(seen.members)

    def check(self) -> None:
        """Assert the bounds. O(keys)."""
        assert len(self._seen) <= self._most_keys
        assert all(len(seen.members) <= self._limit for seen in self._seen.values())
