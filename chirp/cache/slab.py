"""Cached entries side by side in arrays, so that half a million of them are few objects.

An entry is a slot number; its fields stand at that index of each array. Rejected: one Python
object per entry, with links to its neighbours: 258 B each without the payload, and a full garbage
collection of 137 ms at 500,000 of them, since the collector must visit every node. Arrays and
untracked payloads cost it nothing.

A payload may be packed: then the bytes that it can be made of stand beside it, and None in its
place. Whoever takes payloads must look for None in any case, so packed ones cost them nothing.

Invariants:
  - a slot is either in use or on the free chain (linked through `older`), never both;
  - a slot in use holds a payload or a packed one, never both;
  - a free slot holds no payload;
  - all arrays have the same length, which is the greatest number of entries ever held.
"""

from __future__ import annotations

from array import array
from typing import Generic, TypeVar

V = TypeVar("V")

NONE = -1
"""No slot: the end of a list."""

MOST_READS = 255
"""Where the read counter stops."""


class Slab(Generic[V]):
    """Entries by slot. The arrays are public to the cache: a method call a field is too dear.

    >>> slab: Slab[str] = Slab()
    >>> slot = slab.take(7, owner_slot=0, value="hello", weight_bytes=5)
    >>> slab.ids[slot], slab.values[slot], len(slab)
    (7, 'hello', 1)
    >>> slab.release(slot)
    >>> len(slab)
    0
    """

    def __init__(self) -> None:
        self.ids = array("q")
        self.newer = array("i")
        self.older = array("i")
        self.owner_slots = array("i")
        self.weights = array("i")
        self.reads = bytearray()
        self.values: list[V | None] = []
        self.packed: list[bytes | None] = []
        self._free = NONE
        self._used = 0

    def __len__(self) -> int:
        """Return how many slots are in use. O(1)."""
        return self._used

    def take(self, an_id: int, owner_slot: int, value: V | None, weight_bytes: int) -> int:
        """Return a slot with these fields, no reads and no neighbours. Amortised O(1).

        Without a value, set `packed` of the slot.
        """
        self._used += 1
        slot = self._free
        if slot == NONE:
            return self._grow(an_id, owner_slot, value, weight_bytes)
        self._free = self.older[slot]
        self.ids[slot] = an_id
        self.newer[slot] = self.older[slot] = NONE
        self.owner_slots[slot] = owner_slot
        self.weights[slot] = weight_bytes
        self.reads[slot] = 0
        self.values[slot] = value
        return slot

    def _grow(self, an_id: int, owner_slot: int, value: V | None, weight_bytes: int) -> int:
        self.ids.append(an_id)
        self.newer.append(NONE)
        self.older.append(NONE)
        self.owner_slots.append(owner_slot)
        self.weights.append(weight_bytes)
        self.reads.append(0)
        self.values.append(value)
        self.packed.append(None)
        return len(self.values) - 1

    def release(self, slot: int) -> None:
        """Give the slot back; its payload is let go at once. O(1)."""
        self._used -= 1
        self.values[slot] = self.packed[slot] = None
        self.owner_slots[slot] = NONE
        self.older[slot] = self._free
        self._free = slot

    def check(self) -> None:
        """Assert the invariants. O(slots)."""
        free, slot = set[int](), self._free
        while slot != NONE:
            assert slot not in free, "the free chain has no ring"
            free.add(slot)
            assert self.values[slot] is self.packed[slot] is None
            assert self.owner_slots[slot] == NONE
            slot = self.older[slot]
        assert self._used + len(free) == len(self.ids)
        links = (self.newer, self.older, self.owner_slots, self.weights, self.reads)
        assert all(len(field) == len(self.ids) for field in (*links, self.values, self.packed))
        for slot, (value, packed) in enumerate(zip(self.values, self.packed, strict=True)):
            assert slot in free or (value is None) != (packed is None)
