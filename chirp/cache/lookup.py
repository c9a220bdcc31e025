"""What the tweet cache is asked: tweets by id, and pages of an author's list.

The half of the cache that only reads, and counts what is read; `tweets` keeps and lets go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from chirp.cache.lists import NOTHING, OwnerLists
from chirp.cache.slab import MOST_READS, NONE

V = TypeVar("V")

SAMPLE = 8
"""One in so many reads of several tweets at once is counted."""


class Reading(NamedTuple, Generic[V]):
    """What a list gave: values, newest first, None in place of those that are packed.

    `complete` says that these are the first `limit`, or all there are. Otherwise the rest has ids
    below `rest_below` (None: nothing is known, begin at the newest).
    """

    values: list[V | None]
    complete: bool
    rest_below: int | None


class Lookup(Generic[V]):
    """Reads of the lists of all owners. None stands for what is not cached, or kept packed."""

    def __init__(self, lists: OwnerLists[V]) -> None:
        self._lists = lists
        self._hits = self._partial_hits = self._misses = 0
        self._get_hits = self._get_misses = self._calls = 0

    def get(self, tweet_id: int) -> V | None:
        """Return the tweet, or None when it is not cached. O(1).

        Counts a read of the tweet, and marks its owner as recently used.
        """
        return self.get_many((tweet_id,))[0]

    def get_many(self, tweet_ids: Sequence[int]) -> list[V | None]:
        """Return the tweets in the order of `tweet_ids`, None where one is not cached. O(n).

        Of calls for several tweets only every SAMPLE-th counts as reads and uses: popularity is a
        matter of proportions, and counting takes as long as finding (5.2 µs a page, 2.2 without).
        """
        values = self._lists.entries.values
        slots = [self._lists.by_id.get(tweet_id) for tweet_id in tweet_ids]
        found = [None if slot is None else values[slot] for slot in slots]
        misses = slots.count(None)
        self._get_misses += misses
        self._get_hits += len(slots) - misses
        self._calls += 1
        if len(slots) == 1 or self._calls % SAMPLE == 0:
            self._count_reads(slots)
        return found

    def _count_reads(self, slots: Sequence[int | None]) -> None:
        entries, lists = self._lists.entries, self._lists
        for slot in slots:
            if slot is None:
                continue
            if entries.reads[slot] < MOST_READS:
                entries.reads[slot] += 1
            lists.owners.move_to_end(lists.owner_ids[entries.owner_slots[slot]])

    def peek(self, tweet_id: int) -> V | None:
        """Return the tweet, or None when it is not cached, without counting a read. O(1)."""
        slot = self._lists.by_id.get(tweet_id)
        return None if slot is None else self._lists.entries.values[slot]

    def peek_many(self, tweet_ids: Sequence[int]) -> list[V | None]:
        """Return the tweets in the order of `tweet_ids`; reads are counted now and then. O(n)."""
        by_id, values = self._lists.by_id, self._lists.entries.values
        self._calls += 1
        if self._calls % SAMPLE == 0:
            self._count_reads([by_id.get(tweet_id) for tweet_id in tweet_ids])
        try:
            return list(map(values.__getitem__, map(by_id.__getitem__, tweet_ids)))
        except KeyError:
            return [self.peek(tweet_id) for tweet_id in tweet_ids]

    def packed_many(self, tweet_ids: Sequence[int]) -> list[bytes | None]:
        """Return the rows of those that are kept packed; None of others. O(n)."""
        by_id, packed = self._lists.by_id, self._lists.entries.packed
        slots = [by_id.get(tweet_id) for tweet_id in tweet_ids]
        return [None if slot is None else packed[slot] for slot in slots]

    def read(self, owner: int, below: int | None, limit: int) -> Reading[V]:
        """Return the owner's newest `limit` tweets with ids below `below`, as far as known.

        O(limit) from the head or from a cursor that is itself in the list.
        """
        at = self._lists.owners.get(owner)
        if at is None:
            self._misses += 1
            return Reading([], complete=False, rest_below=below)
        self._lists.owners.move_to_end(owner)
        complete_from = self._lists.complete_from[at]
        values = self._values_of(at, below, limit) if below is None or below > complete_from else []
        if len(values) == limit or complete_from == 0:
            self._hits += 1
            return Reading(values, complete=True, rest_below=None)
        if values:
            self._partial_hits += 1
        else:
            self._misses += 1
        if complete_from != NOTHING and (below is None or below > complete_from):
            below = complete_from
        return Reading(values, complete=False, rest_below=below)

    def ids_of(self, owner: int, below: int | None, limit: int) -> list[int]:
        """Return the ids of what `read` gives of a list that it trusts, in that order. O(limit)."""
        at, ids = self._lists.owners[owner], self._lists.entries.ids
        return [ids[slot] for slot in self._slots_of(at, below, limit)]

    def _values_of(self, at: int, below: int | None, limit: int) -> list[V | None]:
        values = self._lists.entries.values
        return [values[slot] for slot in self._slots_of(at, below, limit)]

    def _slots_of(self, at: int, below: int | None, limit: int) -> list[int]:
        lists, entries = self._lists, self._lists.entries
        slot, complete_from = lists.first_below(at, below), lists.complete_from[at]
        found = list[int]()
        while slot != NONE and len(found) < limit and entries.ids[slot] >= complete_from:
            found.append(slot)
            slot = entries.older[slot]
        return found
