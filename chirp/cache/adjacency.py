"""Who is at the other end of a user's edges: all followers, or all followees, in one sorted array.

Used once for each direction. A user's array is whole or absent.

What the callers promise: `begin_load` comes before the loader's first read; `add` and `remove` come
after what loaders read shows the change, and those of one edge come in order.

Invariants:
  - an array rises strictly;
  - `weight_bytes` is the sum over users, and at most `budget_bytes` after every call;
  - an open load is registered for exactly its user.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

USER_WEIGHT_BYTES = 240
"""What a user costs before the first edge: the array and the ordered hash. Measured: 217."""

_ID_BYTES = 8


class AdjacencyLoad:
    """One loader's read of one user's edges. Use it as a context, so that an error abandons it."""

    def __init__(
        self,
        user: int,
        install: Callable[[int, array[int]], None],
        end: Callable[[AdjacencyLoad], None],
    ) -> None:
        self.user = user
        self.changes: dict[int, bool] = {}
        """Edges added (True) or removed (False) since the load began."""
        self.voided = False
        self._install = install
        self._end = end
        self._ended = False

    def finish(self, others: Iterable[int]) -> array[int]:
        """Return the user's sorted array, changed by what came meanwhile; keep it if it fits.

        `others` are all of the user's edges, in any order. O(n log n), O(n) when sorted.
        Raises: RuntimeError when the load has ended already.
        """
        if self._ended:
            raise RuntimeError("this load has ended already")
        self.abandon()
        loaded = set(others)
        for other, present in self.changes.items():
            (loaded.add if present else loaded.discard)(other)
        ids = array("q", sorted(loaded))
        if not self.voided:
            self._install(self.user, ids)
        return ids

    def abandon(self) -> None:
        """End the load and install nothing. May be called again, and after `finish`. O(1)."""
        if not self._ended:
            self._ended = True
            self._end(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abandon()


class AdjacencyCache:
    """Sorted arrays of ids by user; the least recently used users are evicted.

    >>> followers = AdjacencyCache(budget_bytes=10_000)
    >>> with followers.begin_load(7) as load:
    ...     _ = load.finish([3, 1])
    >>> followers.add(7, 2)
    True
    >>> followers.find(7)
    array('q', [1, 2, 3])
    >>> followers.find(8) is None
    True
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._arrays: OrderedDict[int, array[int]] = OrderedDict()
        self._loads: dict[int, list[AdjacencyLoad]] = {}
        self._weight_bytes = 0
        self._hits = self._misses = self._evictions = 0

    def find(self, user: int) -> array[int] | None:
        """Return the user's sorted array, or None when it is not cached. O(1).

        It is the cache's own: do not change it, and copy it to keep it across an `await`.
        """
        ids = self._arrays.get(user)
        if ids is None:
            self._misses += 1
        else:
            self._hits += 1
            self._arrays.move_to_end(user)
        return ids

    def contains(self, user: int, other: int) -> bool | None:
        """Return whether the edge exists, or None when the user is not cached. O(log n)."""
        ids = self.find(user)
        if ids is None:
            return None
        at = bisect_left(ids, other)
        return at < len(ids) and ids[at] == other

    def add(self, user: int, other: int) -> bool:
        """Add an edge, if the user is cached and it is absent; return whether it was.

        Loads under way record it. O(n) to move what stands behind it: 1 ms in a million.
        """
        self._record(user, other, present=True)
        ids = self._arrays.get(user)
        if ids is None:
            return False
        at = bisect_left(ids, other)
        if at < len(ids) and ids[at] == other:
            return False
        ids.insert(at, other)
        self._weight_bytes += _ID_BYTES
        self._evict()
        return True

    def remove(self, user: int, other: int) -> bool:
        """Remove an edge, if the user is cached; return whether it was there. O(n).

        Loads under way will not bring it back.
        """
        self._record(user, other, present=False)
        ids = self._arrays.get(user)
        if ids is None:
            return False
        at = bisect_left(ids, other)
        if at == len(ids) or ids[at] != other:
            return False
        del ids[at]
        self._weight_bytes -= _ID_BYTES
        return True

    def _record(self, user: int, other: int, *, present: bool) -> None:
        for load in self._loads.get(user, ()):
            load.changes[other] = present

    def drop(self, user: int) -> None:
        """Forget a user; loads of it under way install nothing. O(1)."""
        for load in self._loads.get(user, ()):
            load.voided = True
        self._forget(user)

    def _forget(self, user: int) -> None:
        ids = self._arrays.pop(user, None)
        if ids is not None:
            self._weight_bytes -= USER_WEIGHT_BYTES + len(ids) * _ID_BYTES

    def begin_load(self, user: int) -> AdjacencyLoad:
        """Register a load. Call it before the first read. O(1)."""
        load = AdjacencyLoad(user, self._install, self._end_load)
        self._loads.setdefault(user, []).append(load)
        return load

    def _end_load(self, load: AdjacencyLoad) -> None:
        loads = self._loads[load.user]
        loads.remove(load)
        if not loads:
            del self._loads[load.user]

    def _install(self, user: int, ids: array[int]) -> None:
        weight_bytes = USER_WEIGHT_BYTES + len(ids) * _ID_BYTES
        if weight_bytes > self.budget_bytes:
            return  # nothing else shall go for what cannot stay
        self._forget(user)
        self._arrays[user] = ids
        self._weight_bytes += weight_bytes
        self._evict()

    def _evict(self) -> None:
        while self._weight_bytes > self.budget_bytes:
            self._forget(next(iter(self._arrays)))
            self._evictions += 1

    def stats(self) -> dict[str, int]:
        """Return sizes and counts. O(1)."""
        return {
            "users": len(self._arrays),
            "weight_bytes": self._weight_bytes,
            "budget_bytes": self.budget_bytes,
            "hits": self._hits,
            "misses": self._misses,
            "evictions": self._evictions,
            "open_loads": sum(map(len, self._loads.values())),
        }

    def check(self) -> None:
        """Assert the invariants. O(all)."""
        weight_bytes = 0
        for ids in self._arrays.values():
            assert ids.tolist() == sorted(set(ids)), "ids rise"
            weight_bytes += USER_WEIGHT_BYTES + len(ids) * _ID_BYTES
        assert self._weight_bytes == weight_bytes <= self.budget_bytes
        for user, loads in self._loads.items():
            assert loads
            assert all(load.user == user for load in loads)
