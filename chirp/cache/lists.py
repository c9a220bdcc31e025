"""A hash of doubly linked lists: owner to entries, newest first; and a second hash by id.

Only structure lives here: what to keep and what may be trusted is decided in `tweets`.

Invariants:
  - each list is linked both ways, and its ids fall strictly from head to tail;
  - an entry is in the hash by id, and in exactly the list of its owner;
  - `weight_bytes` is the sum of all entries' and owners' weights;
  - owners stand in the order in which they were used, the least recent first.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterator
from sys import getsizeof
from typing import Generic, TypeVar

from chirp.cache.slab import NONE, Slab

V = TypeVar("V")

NOTHING = 2**63 - 1
"""The `complete_from` of a list that is complete from nowhere on: no id reaches it."""

ENTRY_WEIGHT_BYTES = 168
"""What an entry costs beside its payload: fields, the hash by id, ints. Measured: 145 to 201."""

OWNER_WEIGHT_BYTES = 200
"""What a list costs before its first entry: fields and the ordered hash. Measured: 190."""


class OwnerLists(Generic[V]):
    """The lists of all owners, over one slab.

    >>> lists: OwnerLists[str] = OwnerLists()
    >>> ada = lists.add_owner(7, complete_from=0)
    >>> for tweet_id in (11, 13, 12):
    ...     _ = lists.insert(ada, tweet_id, "text", 4)
    >>> [lists.entries.ids[slot] for slot in lists.walk(ada)]
    [13, 12, 11]
    """

    def __init__(self) -> None:
        self.entries: Slab[V] = Slab()
        self.by_id: dict[int, int] = {}
        # An OrderedDict and not links of our own: `move_to_end` is one call of C, 60 ns.
        self.owners: OrderedDict[int, int] = OrderedDict()
        self.owner_ids = array("q")
        self.heads = array("i")
        self.tails = array("i")
        self.complete_from = array("q")
        self.weight_bytes = 0
        self._free_owners = array("i")

    def add_owner(self, owner: int, complete_from: int) -> int:
        """Return the slot of a new, empty list, as the one most recently used. O(1)."""
        self.weight_bytes += OWNER_WEIGHT_BYTES
        if self._free_owners:
            at = self._free_owners.pop()
            self.owner_ids[at] = owner
            self.complete_from[at] = complete_from
        else:
            at = len(self.heads)
            self.owner_ids.append(owner)
            self.complete_from.append(complete_from)
            self.heads.append(NONE)
            self.tails.append(NONE)
        self.owners[owner] = at
        return at

    def drop_owner(self, at: int) -> None:
        """Remove a list with all its entries. O(entries of it)."""
        while (slot := self.tails[at]) != NONE:
            self.remove(slot)
        self.weight_bytes -= OWNER_WEIGHT_BYTES
        del self.owners[self.owner_ids[at]]
        self._free_owners.append(at)

    def insert(
        self, at: int, an_id: int, value: V | None, weight_bytes: int, start: int = NONE
    ) -> int:
        """Link a new entry where its id belongs; return its slot. The id must be absent.

        O(1) at the head and the tail, else O(entries between there and the nearer end), or
        between there and `start`, an entry known to be newer.
        """
        newer = self.newer_neighbour(at, an_id, start)
        entries = self.entries
        slot = entries.take(an_id, at, value, weight_bytes + ENTRY_WEIGHT_BYTES)
        older = self.heads[at] if newer == NONE else entries.older[newer]
        self._join(at, newer, slot)
        self._join(at, slot, older)
        self.by_id[an_id] = slot
        self.weight_bytes += weight_bytes + ENTRY_WEIGHT_BYTES
        return slot

    def insert_packed(self, at: int, an_id: int, packed: bytes) -> int:
        """Link a new entry of which only the packed payload is kept; return its slot. As above."""
        slot = self.insert(at, an_id, None, getsizeof(packed))
        self.entries.packed[slot] = packed
        return slot

    def _join(self, at: int, newer: int, older: int) -> None:
        """Make two entries neighbours; NONE stands for the end of the list."""
        if newer == NONE:
            self.heads[at] = older
        else:
            self.entries.older[newer] = older
        if older == NONE:
            self.tails[at] = newer
        else:
            self.entries.newer[older] = newer

    def newer_neighbour(self, at: int, an_id: int, start: int = NONE) -> int:
        """Return the slot of the oldest entry with an id greater than `an_id`, or NONE."""
        ids, head, tail = self.entries.ids, self.heads[at], self.tails[at]
        if head == NONE or ids[head] <= an_id:
            return NONE
        if ids[tail] > an_id:
            return tail
        if start == NONE and ids[head] - an_id > an_id - ids[tail]:
            return self._up_from_tail(at, an_id)
        slot, older = head if start == NONE else start, self.entries.older
        while ids[older[slot]] > an_id:
            slot = older[slot]
        return slot

    def _up_from_tail(self, at: int, an_id: int) -> int:
        ids, newer, slot = self.entries.ids, self.entries.newer, self.tails[at]
        while ids[slot] <= an_id:
            slot = newer[slot]
        return slot

    def first_below(self, at: int, below: int | None) -> int:
        """Return the slot of the newest entry with an id below `below`, or NONE.

        O(1) when `below` is None or itself in the list (a page's cursor usually is), else O(entries
        between there and the nearer end).
        """
        if below is None:
            return self.heads[at]
        slot = self.by_id.get(below, NONE)
        if slot != NONE and self.entries.owner_slots[slot] == at:
            return self.entries.older[slot]
        newer = self.newer_neighbour(at, below)
        return self.heads[at] if newer == NONE else self.entries.older[newer]

    def remove(self, slot: int) -> None:
        """Unlink an entry and let go of it. The list stays, even when it is empty. O(1)."""
        entries = self.entries
        self._join(entries.owner_slots[slot], entries.newer[slot], entries.older[slot])
        self.weight_bytes -= entries.weights[slot]
        del self.by_id[entries.ids[slot]]
        entries.release(slot)

    def replace(self, slot: int, value: V, weight_bytes: int) -> None:
        """Give an entry another payload, or the first one if it was packed. O(1)."""
        entries = self.entries
        self.weight_bytes += weight_bytes + ENTRY_WEIGHT_BYTES - entries.weights[slot]
        entries.weights[slot] = weight_bytes + ENTRY_WEIGHT_BYTES
        entries.values[slot], entries.packed[slot] = value, None

    def walk(self, at: int) -> Iterator[int]:
        """Yield the slots of a list from newest to oldest. O(entries)."""
        slot = self.heads[at]
        while slot != NONE:
            yield slot
            slot = self.entries.older[slot]

    def check(self) -> None:
        """Assert the invariants. O(all)."""
        self.entries.check()
        assert len(self.entries) == len(self.by_id)
        assert len(self.owners) + len(self._free_owners) == len(self.heads)
        seen = sum(self._check_list(owner, at) for owner, at in self.owners.items())
        assert seen == len(self.by_id), "each entry is in one list"
        weights = sum(self.entries.weights[slot] for slot in self.by_id.values())
        assert self.weight_bytes == weights + OWNER_WEIGHT_BYTES * len(self.owners)
        for at in self._free_owners:
            assert self.heads[at] == self.tails[at] == NONE

    def _check_list(self, owner: int, at: int) -> int:
        assert self.owner_ids[at] == owner
        entries, newer, count = self.entries, NONE, 0
        for slot in self.walk(at):
            assert entries.newer[slot] == newer
            assert newer == NONE or entries.ids[slot] < entries.ids[newer], "ids fall"
            assert entries.owner_slots[slot] == at
            assert self.by_id[entries.ids[slot]] == slot
            newer, count = slot, count + 1
        assert self.tails[at] == newer
        return count
