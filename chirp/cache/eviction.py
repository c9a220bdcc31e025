"""Which entry goes first when the budget is spent.

Candidates are the tails of the least recently used owners: their oldest entries. Of the first 16
owners, the first whose tail is both old (before the last 72 hours) and seldom read loses it. A
popular tail is passed over, and its read counter halved: a second chance, not eternal life. When
no tail qualifies, the least popular one goes, the oldest of equals.
(R74: LRU, popularity and recency. The halving is that of CLOCK with counters, as in
https://dl.acm.org/doi/10.1145/3600006.3613147, without its queues.)
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from chirp.cache.lists import OwnerLists
from chirp.cache.slab import NONE

EXAMINED_OWNERS = 16
"""How many owners are looked at for one eviction: the bound on its work."""

POPULAR_READS = 4
"""From how many point reads on a tweet is popular."""


def find_victim(lists: OwnerLists[Any], recent_from_id: int) -> tuple[int, int]:
    """Return `(owner's slot, entry's slot)` of what goes next; NONE for an entry: a list without.

    O(1): at most 16 owners are examined. There must be an owner.
    """
    ids, reads = lists.entries.ids, lists.entries.reads
    best = (NONE, NONE)
    least: tuple[int, int] | None = None
    for at in islice(lists.owners.values(), EXAMINED_OWNERS):
        slot = lists.tails[at]
        if slot == NONE:
            return at, NONE
        count = reads[slot]
        if count >= POPULAR_READS:
            reads[slot] = count >> 1
        elif ids[slot] < recent_from_id:
            return at, slot
        if least is None or (count, ids[slot]) < least:
            least, best = (count, ids[slot]), (at, slot)
    return best
