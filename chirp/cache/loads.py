"""Placeholders: what happens to tweets while somebody reads them from the shards.

A loader reads a snapshot and installs it later. What was pushed, replaced or deleted in between
would be lost, or come back to life. So a placeholder is registered before the loader's first read;
the cache tells it everything, and what it was told wins over what the loader read.

Invariants:
  - a placeholder is told of everything from before the first read to `finish` or `abandon`;
  - an id that was deleted meanwhile is a tombstone until the load ends, and is not installed;
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
