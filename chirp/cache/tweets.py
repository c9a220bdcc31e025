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
  - *a sweep finishes*: the same, for every owner's list at once. What it put was loose until then,
    and may have been let go of: nothing is promised up to the greatest id of which that is true.
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

from array import array
from collections.abc import Iterable
from sys import getsizeof
from typing import TypeVar

from chirp.cache.eviction import find_victim
from chirp.cache.lists import ENTRY_WEIGHT_BYTES, NOTHING, OWNER_WEIGHT_BYTES, OwnerLists
from chirp.cache.loads import Load, OpenLoads, PointLoad, Row, Sweep
from chirp.cache.lookup import Lookup
from chirp.cache.slab import NONE

V = TypeVar("V")


class TweetCache(Lookup[V]):
    """Tweets by owner and by id. V is opaque, and must not be None; make it untracked (`gc=False`).

    Of a tweet that a sweep has put, and nobody has read yet, only the packed row is kept. Every
    read gives None for it, as if it were not there: ask `packed_many` before the store, and put
    what was made of it by a point load, as if it came from there.

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
        super().__init__(OwnerLists())
        self._forgotten = newest_stored
        self._loads: OpenLoads[V] = OpenLoads()
        self._evictions = 0

    def concerns(self, tweet_id: int) -> bool:
        """Say whether a change of a tweet must be told: it is cached, or loads are open. O(1)."""
        return tweet_id in self._lists.by_id or bool(self._loads)

    def push(self, owner: int, tweet_id: int, value: V, weight_bytes: int) -> bool:
        """Insert a new tweet, only if absent; return whether it was. O(1) at the head.

        An owner without a list gets one, complete from this id on. Below `complete_from` the
        push is ignored, save by the loads that are under way.
        """
        self._loads.pushed(owner, Row(tweet_id, value, weight_bytes))
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
        self._loads.lost(tweet_id)
        if at is None:
            self._forgotten = max(self._forgotten, tweet_id)
        elif self._lists.complete_from[at] <= tweet_id:
            self._lists.complete_from[at] = tweet_id + 1

    def put_loose(self, owner: int, tweet_id: int, value: V, weight_bytes: int) -> bool:
        """Insert a tweet that was read by id, only if absent or packed; return whether it was.

        Only right when nothing was awaited since it was read: otherwise take `begin_point_load`.
        O(1) at either end of the list, else O(entries between there and the nearer end).
        """
        lists = self._lists
        if tweet_id in lists.by_id:
            unpacked = self._unpack(lists.by_id[tweet_id], value, weight_bytes)
            self._evict()
            return unpacked and tweet_id in lists.by_id
        if not self._fits(weight_bytes):
            self._loads.lost(tweet_id)
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
        self._loads.replaced(owner, Row(tweet_id, value, weight_bytes))
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
        self._loads.deleted(owner, tweet_id)
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
        self._loads.dropped(owner)
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
        return self._loads.begin(Load(owner, self._install, self._loads.end))

    def begin_point_load(self) -> PointLoad[V]:
        """Register a load of tweets by id. Call it before the first read. O(1)."""
        load = PointLoad(self._install_loose, self._loads.end_points)
        self._loads.of_points[id(load)] = load
        return load

    def begin_sweep(self) -> Sweep[V]:
        """Register a read of everybody's tweets. Call it before the first read. O(1)."""
        sweep = Sweep(self._put_packed, self._finish_sweep, self._loads.sweeps.remove)
        self._loads.sweeps.append(sweep)
        return sweep

    def _put_packed(self, owner: int, tweet_id: int, packed: bytes) -> bool:
        lists = self._lists
        if tweet_id in lists.by_id:
            return False
        if not self._fits(getsizeof(packed)):
            self._loads.lost(tweet_id)
            return False
        at = lists.owners.get(owner)
        if at is None:
            at = lists.add_owner(owner, NOTHING)
            # Newest come first, and whoever is read meanwhile matters more than any of them.
            lists.owners.move_to_end(owner, last=False)
        lists.insert_packed(at, tweet_id, packed)
        self._evict()
        return tweet_id in lists.by_id

    def _finish_sweep(self, sweep: Sweep[V], complete_from: int) -> None:
        """Put what came meanwhile; then let every list promise what is in it."""
        for row in sweep.changes.values():
            if row is not None and row.tweet_id >= complete_from:
                owner = sweep.owners[row.tweet_id]
                if owner not in sweep.void_owners:
                    self.put_loose(owner, *row)
        complete_from = max(complete_from, sweep.lost + 1)
        owners, known = self._lists.owners, self._lists.complete_from
        void = [
            (owners[owner], known[owners[owner]]) for owner in sweep.void_owners & owners.keys()
        ]
        # All at once: a look at each owner's list took 240 ns each, this 60 to 120, `min` 300.
        lower = [x if x < complete_from else complete_from for x in known]  # noqa: FURB136
        known[:] = array("q", lower)
        for at, known_from in void:
            known[at] = known_from

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
            if slot is not None:
                self._unpack(slot, row.value, row.weight_bytes)
            elif self._fits(row.weight_bytes):
                slot = lists.insert(at, *row, start=last)
            if slot is not None:
                last = slot

    def _unpack(self, slot: int, value: V, weight_bytes: int) -> bool:
        """Keep a value in place of its packed row; return False when it is not packed."""
        if self._lists.entries.packed[slot] is None or not self._fits(weight_bytes):
            return False
        self._lists.replace(slot, value, weight_bytes)
        return True

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
            "open_loads": len(self._loads),
        }

    def check(self) -> None:
        """Assert the invariants. O(all)."""
        lists = self._lists
        lists.check()
        assert lists.weight_bytes <= self.budget_bytes
        for at in lists.owners.values():
            assert lists.heads[at] != NONE or lists.complete_from[at] != NOTHING
        self._loads.check()
