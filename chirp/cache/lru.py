"""A map under a byte budget that forgets what was used least recently.

For whatever is read by key alone: users, sessions, rendered segments. It knows of no loads under
way: a value that was read before an `await` may be stale when it is put. Put it under a key that
carries a version, let `SingleFlight` load it and compare versions, or compare `deletions`.

Invariants:
  - `weight_bytes` is the sum of all entries' weights, and at most `budget_bytes`;
  - entries stand in the order in which they were used, the least recent first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruMap(Generic[K, V]):
    """Values by key. Every method is O(1), save `check`; `put` amortised.

    >>> users: LruMap[int, str] = LruMap(budget_bytes=20)
    >>> for user_id, name in ((1, "ada"), (2, "bob"), (3, "eve")):
    ...     users.put(user_id, name, weight_bytes=10)
    >>> users.get(1), users.get(3)
    (None, 'eve')
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.deletions = 0
        """How often something was deleted, kept or not: equal before and after a read that no
        deletion overtook."""
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight_bytes = 0
        self._hits = self._misses = self._evictions = 0

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """Return the value and mark it as used, or None."""
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, weight_bytes: int) -> None:
        """Set the value, whatever was there; one heavier than the whole budget is not kept."""
        self._remove(key)
        if weight_bytes > self.budget_bytes:
            return
        self._entries[key] = (value, weight_bytes)
        self._weight_bytes += weight_bytes
        while self._weight_bytes > self.budget_bytes:
            _, (_, evicted_bytes) = self._entries.popitem(last=False)
            self._weight_bytes -= evicted_bytes
            self._evictions += 1

    def grow(self, key: K, more_bytes: int) -> None:
        """Note that a value that is there weighs that much more."""
        value, weight_bytes = self._entries[key]
        self.put(key, value, weight_bytes + more_bytes)

    def delete(self, key: K) -> bool:
        """Forget the key; return whether it was there."""
        self.deletions += 1
        return self._remove(key)

    def _remove(self, key: K) -> bool:
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._weight_bytes -= entry[1]
        return True

    def stats(self) -> dict[str, int]:
        """Return sizes and counts."""
        return {
            "entries": len(self._entries),
            "weight_bytes": self._weight_bytes,
            "budget_bytes": self.budget_bytes,
            "hits": self._hits,
            "misses": self._misses,
            "evictions": self._evictions,
        }

    def check(self) -> None:
        """Assert the invariants. O(entries)."""
        assert self._weight_bytes == sum(weight for _, weight in self._entries.values())
        assert self._weight_bytes <= self.budget_bytes
