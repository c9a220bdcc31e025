"""Cached tweets, by author and by id: a hash of doubly linked lists under one byte budget.

What a list promises. `complete_from` of a list says: every tweet of this owner with an id at or
above it, *whose push has arrived* or which the loader has seen, is in the list. Entries below it
are loose (read one by one): good for `get`, never trusted by `read`. A tweet that is in the store
and whose push is still under way may or may not show; that is the same as reading a moment earlier.

What the callers promise in turn:
  - `push` comes after the tweet shows in whatever loaders read (the author index included);
  - `push`, `replace` and `delete` of one tweet arrive in the order of their commits; those of
    different tweets in any order;
  - `begin_load` comes before the loader's first read;
  - ids up to `newest_stored` may be in the store when the cache is made.

Why it holds, case by case, for a tweet X >= complete_from after each way in which that can fall
or come to be:
  - *a load finishes*: X's push came before `begin_load`: the loader saw X. Or during the load: the
    placeholder has X. Or comes later: it will be inserted then. Where two loads overlap, each
    has its own placeholder, and lists are only joined where they touch (`below` reaches up to
    `complete_from`): an eviction in between opens a gap, and the rows stay loose.
  - *a push makes a new list*, complete from that id on: X has a greater id, and its push came
    earlier, was cached and then forgotten. `_forgotten` is the greatest id that this can be true
    of; a push at or below it makes no list. Pushes arrive in nearly the order of ids, so this
    costs a late push now and then, and nothing else.
  - *an eviction* raises `complete_from` above X before X is dropped.

Invariants, on top of those of `lists`:
  - `weight_bytes <= budget_bytes` after every call;
  - a list without entries is kept only while it knows something (`complete_from` is set);
  - an open load is registered for exactly its owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from chirp.cache.eviction import find_victim
from chirp.cache.lists import ENTRY_WEIGHT_BYTES, NOTHING, OWNER_WEIGHT_BYTES, OwnerLists
from chirp.cache.loads import Load, PointLoad, Row
from chirp.cache.slab import MOST_READS, NONE

V = TypeVar("V")

SAMPLE = 8
"""One in so many reads of several tweets at once is counted."""


class Reading(NamedTuple, Generic[V]):
    """What a list gave: values, newest first.

    `complete` says that these are the first `limit`, or all there are. Otherwise the rest has ids
    below `rest_below` (None: nothing is known, begin at the newest).
    """

    values: list[V]
    complete: bool
    rest_below: int | None


class TweetCache(Generic[V]):
    """Tweets by owner and by id. V is opaque, and must not be None; make it untracked (`gc=False`).

    >>> cache: TweetCache[str] = TweetCache(budget_bytes=10_000)
    >>> with cache.begin_load(owner=7) as load:
    ...     load.finish([Row(12, "b", 1), Row(11, "a", 1)], complete_from=11)
    True
    >>> cache.push(7, 13, "c", 1)
    True
    >>> cache.read(7, below=None, limit=3)
    Reading(values=['c', 'b', 'a'], complete=True, rest_below=None)
    >>> cache.read(7, below=13, limit=3)
    Reading(values=['b', 'a'], complete=False, rest_below=11)
    """

    def __init__(self, budget_bytes: int, *, newest_stored: int = 0) -> None:
        self.budget_bytes = budget_bytes
        self.recent_from_id = NOTHING
        """Entries at or above this id are kept longer: set it to the first of the last 72 h."""
        self._lists: OwnerLists[V] = OwnerLists()
        self._forgotten = newest_stored
        self._loads: dict[int, list[Load[V]]] = {}
        self._point_loads: dict[int, PointLoad[V]] = {}
        self._hits = self._partial_hits = self._misses = 0
        self._get_hits = self._get_misses = self._calls = 0
        self._evictions = 0

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

    def concerns(self, tweet_id: int) -> bool:
        """Say whether a change of a tweet must be told: it is cached, or loads are open. O(1)."""
        return tweet_id in self._lists.by_id or bool(self._loads) or bool(self._point_loads)

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

    def _values_of(self, at: int, below: int | None, limit: int) -> list[V]:
        lists, entries = self._lists, self._lists.entries
        slot, complete_from = lists.first_below(at, below), lists.complete_from[at]
        found = list[V]()
        while slot != NONE and len(found) < limit and entries.ids[slot] >= complete_from:
            found.append(entries.values[slot])  # type: ignore[arg-type]  # in use: never None
            slot = entries.older[slot]
        return found

    def push(self, owner: int, tweet_id: int, value: V, weight_bytes: int) -> bool:
        """Insert a new tweet, only if absent; return whether it was. O(1) at the head.

        An owner without a list gets one, complete from this id on. Below `complete_from` the
        push is ignored, save by the loads that are under way.
        """
        for load in self._loads.get(owner, ()):
            load.pushed(Row(tweet_id, value, weight_bytes))
        lists = self._lists
        at = lists.owners.get(owner)
        complete_from = NOTHING if at is None else lists.complete_from[at]
        if complete_from == NOTHING:
            complete_from = self._made_complete_by(at, tweet_id)
        if tweet_id < complete_from or tweet_id in lists.by_id:
            return False
        if not self._fits(weight_bytes):
            self._lose(at, tweet_id)
            return False
        if at is None:
            at = lists.add_owner(owner, tweet_id)
        lists.insert(at, tweet_id, value, weight_bytes)
        lists.owners.move_to_end(owner)
        self._evict()
        return tweet_id in lists.by_id

    def _made_complete_by(self, at: int | None, tweet_id: int) -> int:
        """Return from where a list that trusts nothing is complete, now that this is pushed."""
        if tweet_id <= self._forgotten:
            return NOTHING
        if at is not None:
            self._lists.complete_from[at] = tweet_id
        return tweet_id

    def _fits(self, weight_bytes: int) -> bool:
        return weight_bytes + ENTRY_WEIGHT_BYTES + OWNER_WEIGHT_BYTES <= self.budget_bytes

    def _lose(self, at: int | None, tweet_id: int) -> None:
        """Withdraw what a list promises of an id that is not, or not much longer, kept. O(1)."""
        if at is None:
            self._forgotten = max(self._forgotten, tweet_id)
        elif self._lists.complete_from[at] <= tweet_id:
            self._lists.complete_from[at] = tweet_id + 1

    def put_loose(self, owner: int, tweet_id: int, value: V, weight_bytes: int) -> bool:
        """Insert a tweet that was read by id, only if absent; return whether it was.

        Only right when nothing was awaited since it was read: otherwise take `begin_point_load`.
        O(1) at either end of the list, else O(entries between there and the nearer end).
        """
        lists = self._lists
        if tweet_id in lists.by_id or not self._fits(weight_bytes):
            return False
        at = lists.owners.get(owner)
        if at is None:
            at = lists.add_owner(owner, NOTHING)
        lists.insert(at, tweet_id, value, weight_bytes)
        lists.owners.move_to_end(owner)
        self._evict()
        return tweet_id in lists.by_id

    def replace(self, owner: int, tweet_id: int, value: V, weight_bytes: int) -> bool:
        """Put a newer version in place of a cached one; return whether there was one.

        Loads under way take the newer version too. O(1) plus the open point loads.
        """
        row = Row(tweet_id, value, weight_bytes)
        for load in (*self._loads.get(owner, ()), *self._point_loads.values()):
            load.replaced(row)
        slot = self._lists.by_id.get(tweet_id)
        if slot is None:
            return False
        if self._fits(weight_bytes):
            self._lists.replace(slot, value, weight_bytes)
        else:
            at = self._lists.entries.owner_slots[slot]
            self._lose(at, tweet_id)
            self._remove(at, slot)
        self._evict()
        return True

    def delete(self, owner: int, tweet_id: int) -> bool:
        """Remove a deleted tweet; return whether it was cached. O(1) plus the open point loads.

        Loads under way will not bring it back.
        """
        for load in (*self._loads.get(owner, ()), *self._point_loads.values()):
            load.deleted(tweet_id)
        slot = self._lists.by_id.get(tweet_id)
        if slot is None:
            return False
        self._remove(self._lists.entries.owner_slots[slot], slot)
        return True

    def _remove(self, at: int, slot: int) -> None:
        self._lists.remove(slot)
        if self._lists.heads[at] == NONE and self._lists.complete_from[at] == NOTHING:
            self._lists.drop_owner(at)

    def drop_owner(self, owner: int) -> None:
        """Forget all about an owner; loads of it under way install nothing. O(its entries)."""
        for load in self._loads.get(owner, ()):
            load.voided = True
        for point_load in self._point_loads.values():
            point_load.void_owners.add(owner)
        at = self._lists.owners.get(owner)
        if at is not None:
            self._forget(at)

    def _forget(self, at: int) -> None:
        """Drop a list, and remember up to where pushes of its owner may have been in it."""
        lists = self._lists
        complete_from, head = lists.complete_from[at], lists.heads[at]
        if complete_from != NOTHING:
            newest = complete_from - 1 if head == NONE else lists.entries.ids[head]
            self._forgotten = max(self._forgotten, newest, complete_from - 1)
        lists.drop_owner(at)

    def begin_load(self, owner: int) -> Load[V]:
        """Register a load of an owner's list. Call it before the first read. O(1)."""
        load = Load(owner, self._install, self._end_load)
        self._loads.setdefault(owner, []).append(load)
        return load

    def begin_point_load(self) -> PointLoad[V]:
        """Register a load of tweets by id. Call it before the first read. O(1)."""
        load = PointLoad(self._install_loose, self._end_point_load)
        self._point_loads[id(load)] = load
        return load

    def _end_load(self, load: Load[V]) -> None:
        loads = self._loads[load.owner]
        loads.remove(load)
        if not loads:
            del self._loads[load.owner]

    def _end_point_load(self, load: PointLoad[V]) -> None:
        del self._point_loads[id(load)]

    def _install_loose(self, owner: int, row: Row[V]) -> None:
        self.put_loose(owner, *row)

    def _install(
        self, owner: int, rows: list[Row[V]], complete_from: int, below: int | None
    ) -> None:
        """Join loaded rows, newest first, to the owner's list."""
        lists = self._lists
        at = lists.owners.get(owner)
        if at is None:
            at = lists.add_owner(owner, NOTHING)
        known_from = lists.complete_from[at]
        if below is None or below >= known_from:
            heavy = [row.tweet_id for row in rows if not self._fits(row.weight_bytes)]
            lost = max((an_id for an_id in heavy if an_id < known_from), default=-1)
            lists.complete_from[at] = min(known_from, max(complete_from, lost + 1))
        self._insert_rows(at, rows)
        if lists.heads[at] == NONE and lists.complete_from[at] == NOTHING:
            lists.drop_owner(at)
        else:
            lists.owners.move_to_end(owner)
        self._evict()

    def _insert_rows(self, at: int, rows: Iterable[Row[V]]) -> None:
        lists, last = self._lists, NONE
        for row in rows:
            slot = lists.by_id.get(row.tweet_id)
            if slot is None and self._fits(row.weight_bytes):
                slot = lists.insert(at, *row, start=last)
            if slot is not None:
                last = slot

    def _evict(self) -> None:
        """Drop entries until the budget holds. O(1) an entry."""
        lists = self._lists
        while lists.weight_bytes > self.budget_bytes:
            at, slot = find_victim(lists, self.recent_from_id)
            if slot != NONE:
                # Before the entry goes, not after: a list never promises what it does not hold.
                self._lose(at, lists.entries.ids[slot])
                lists.remove(slot)
                self._evictions += 1
            if lists.heads[at] == NONE:
                self._forget(at)

    def stats(self) -> dict[str, int]:
        """Return sizes and counts; hits, partial hits and misses are those of `read`. O(1)."""
        return {
            "entries": len(self._lists.by_id),
            "owners": len(self._lists.owners),
            "weight_bytes": self._lists.weight_bytes,
            "budget_bytes": self.budget_bytes,
            "hits": self._hits,
            "partial_hits": self._partial_hits,
            "misses": self._misses,
            "get_hits": self._get_hits,
            "get_misses": self._get_misses,
            "evictions": self._evictions,
            "open_loads": sum(map(len, self._loads.values())) + len(self._point_loads),
        }

    def check(self) -> None:
        """Assert the invariants. O(all)."""
        lists = self._lists
        lists.check()
        assert lists.weight_bytes <= self.budget_bytes
        for at in lists.owners.values():
            assert lists.heads[at] != NONE or lists.complete_from[at] != NOTHING
        for owner, loads in self._loads.items():
            assert loads
            assert all(load.owner == owner for load in loads)
        assert all(value is not None for value in map(self._value_at, lists.by_id.values()))

    def _value_at(self, slot: int) -> V | None:
        return self._lists.entries.values[slot]
