"""Placeholders: what happens to tweets while somebody reads them from the shards.

A loader reads a snapshot and installs it later. What was pushed, replaced or deleted in between
would be lost, or come back to life. So a placeholder is registered before the loader's first read;
the cache tells it everything, and what it was told wins over what the loader read.

Invariants:
  - a placeholder is told of everything from before the first read to `finish` or `abandon`;
  - an id that was deleted meanwhile is a tombstone until the load ends, and is not installed;
  - a sweep is told of everything too, and of what the cache lets go of: it promises no such id;
  - a load that was voided (its owner was invalidated) installs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

V = TypeVar("V")


class Row(NamedTuple, Generic[V]):
    """A tweet as a loader hands it over; `weight_bytes` is the payload's."""

    tweet_id: int
    value: V
    weight_bytes: int


class _Placeholder(Generic[V]):
    """What both kinds of loads have in common: changes by id, and an end."""

    def __init__(self, end: Callable[[Any], None]) -> None:
        # None is a tombstone.
        self.changes: dict[int, Row[V] | None] = {}
        self.voided = False
        self._end = end
        self._ended = False

    def replaced(self, row: Row[V]) -> None:
        """Record a newer version, unless the tweet was deleted. O(1)."""
        if self.changes.get(row.tweet_id, row) is not None:
            self.changes[row.tweet_id] = row

    def deleted(self, tweet_id: int) -> None:
        """Leave a tombstone. O(1)."""
        self.changes[tweet_id] = None

    def abandon(self) -> None:
        """End the load and install nothing. May be called again, and after `finish`. O(1)."""
        if not self._ended:
            self._ended = True
            self._end(self)

    def _finish(self) -> bool:
        """End the load; return whether it may install. Raises: RuntimeError when it has ended."""
        if self._ended:
            raise RuntimeError("this load has ended already")
        self.abandon()
        return not self.voided

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abandon()


class Load(_Placeholder[V]):
    """One loader's read of one owner's list. Use it as a context, so that an error abandons it."""

    def __init__(
        self,
        owner: int,
        install: Callable[[int, list[Row[V]], int, int | None], None],
        end: Callable[[Self], None],
    ) -> None:
        super().__init__(end)
        self.owner = owner
        self._install = install

    def pushed(self, row: Row[V]) -> None:
        """Record a new tweet, only if absent. O(1)."""
        self.changes.setdefault(row.tweet_id, row)

    def finish(
        self, rows: Iterable[Row[V]], complete_from: int, *, below: int | None = None
    ) -> bool:
        """Install what was read; return False when the owner was invalidated meanwhile.

        `rows` are all of the owner's tweets with `complete_from <= id < below` that the loader
        found (`below` None: up to the newest); 0 says that there are none older. They extend the
        list downward when they reach up to where it is complete; else they are kept loose.
        O(n log n) in rows, plus the list's entries between the newest and oldest row.
        Raises: RuntimeError when the load has ended already.
        """
        if not self._finish():
            return False
        merged: dict[int, Row[V] | None] = {row.tweet_id: row for row in rows}
        merged.update(self.changes)
        kept = [row for row in merged.values() if row is not None]
        kept.sort(key=lambda row: row.tweet_id, reverse=True)
        self._install(self.owner, kept, complete_from, below)
        return True


class PointLoad(_Placeholder[V]):
    """One loader's read of single tweets by id, of any owners."""

    def __init__(self, install: Callable[[int, Row[V]], None], end: Callable[[Self], None]) -> None:
        super().__init__(end)
        self._install = install
        self.void_owners: set[int] = set()

    def finish(self, rows: Iterable[tuple[int, Row[V]]]) -> None:
        """Install `(owner, row)` pairs as loose entries, save what was deleted meanwhile.

        O(n), plus what each insertion costs.
        Raises: RuntimeError when the load has ended already.
        """
        if not self._finish():
            return
        for owner, row in rows:
            newest = self.changes.get(row.tweet_id, row)
            if newest is not None and owner not in self.void_owners:
                self._install(owner, newest)


class Sweep(_Placeholder[V]):
    """One loader's read of everybody's tweets from an id on, newest first. Use it as a context.

    What it reads is kept packed, and at once: it would be too much to hold until the end. Only
    at the end do all lists promise to be complete from there on.
    """

    def __init__(
        self,
        put: Callable[[int, int, bytes], bool],
        finish: Callable[[Sweep[V], int], None],
        end: Callable[[Sweep[V]], None],
    ) -> None:
        super().__init__(end)
        self.void_owners: set[int] = set()
        self.owners: dict[int, int] = {}
        """Who wrote what is among the changes."""
        self.lost = -1
        """The greatest id that was, or may have been, in the cache meanwhile and is no more."""
        self._put = put
        self._install = finish

    def pushed(self, owner: int, row: Row[V]) -> None:
        """Record a new tweet, only if absent. O(1)."""
        self.changes.setdefault(row.tweet_id, row)
        self.owners[row.tweet_id] = owner

    def put(self, owner: int, tweet_id: int, packed: bytes) -> bool:
        """Keep a row that was read since the sweep began; return whether it is put.

        Not if the tweet has changed since, or is cached.
        O(1) at either end of the list, else O(entries between there and the nearer end).
        """
        return tweet_id not in self.changes and self._put(owner, tweet_id, packed)

    def finish(self, complete_from: int) -> None:
        """End the sweep: all that is in the store from `complete_from` on has been put.

        O(owners in the cache), about 0.1 µs each. Raises: RuntimeError when it has ended already.
        """
        if self._ended:
            raise RuntimeError("this sweep has ended already")
        self._install(self, complete_from)
        self.abandon()


class OpenLoads(Generic[V]):
    """The loads that are under way, and what all of them must be told. O(those concerned)."""

    def __init__(self) -> None:
        self.of_owner: dict[int, list[Load[V]]] = {}
        self.of_points: dict[int, PointLoad[V]] = {}
        self.sweeps: list[Sweep[V]] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self.of_owner.values())) + len(self.of_points) + len(self.sweeps)

    def __bool__(self) -> bool:
        """Say whether there are any. O(1)."""
        return bool(self.of_owner or self.of_points or self.sweeps)

    def begin(self, load: Load[V]) -> Load[V]:
        """Register a load of one owner's list."""
        self.of_owner.setdefault(load.owner, []).append(load)
        return load

    def end(self, load: Load[V]) -> None:
        """Tell a load of one owner's list no more."""
        loads = self.of_owner[load.owner]
        loads.remove(load)
        if not loads:
            del self.of_owner[load.owner]

    def end_points(self, load: PointLoad[V]) -> None:
        """Tell a load of single tweets no more."""
        del self.of_points[id(load)]

    def pushed(self, owner: int, row: Row[V]) -> None:
        """Tell of a new tweet."""
        for load in self.of_owner.get(owner, ()):
            load.pushed(row)
        for sweep in self.sweeps:
            sweep.pushed(owner, row)

    def replaced(self, owner: int, row: Row[V]) -> None:
        """Tell of a newer version."""
        for load in (*self.of_owner.get(owner, ()), *self.of_points.values(), *self.sweeps):
            load.replaced(row)
        for sweep in self.sweeps:
            sweep.owners[row.tweet_id] = owner

    def deleted(self, owner: int, tweet_id: int) -> None:
        """Tell of a deleted tweet."""
        for load in (*self.of_owner.get(owner, ()), *self.of_points.values(), *self.sweeps):
            load.deleted(tweet_id)

    def dropped(self, owner: int) -> None:
        """Tell that nothing of an owner may be trusted that was read before now."""
        for load in self.of_owner.get(owner, ()):
            load.voided = True
        for point_load in self.of_points.values():
            point_load.void_owners.add(owner)
        for sweep in self.sweeps:
            sweep.void_owners.add(owner)

    def lost(self, tweet_id: int) -> None:
        """Tell that a tweet is not, or not much longer, in the cache."""
        for sweep in self.sweeps:
            sweep.lost = max(sweep.lost, tweet_id)

    def check(self) -> None:
        """Assert that a load is registered for exactly its owner."""
        for owner, loads in self.of_owner.items():
            assert loads
            assert all(load.owner == owner for load in loads)
