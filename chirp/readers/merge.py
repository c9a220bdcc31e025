"""Merges the tweets of many authors into one list by id: fan-out on read.

Reads small chunks of all authors' indexes, many authors at once, and asks for more only where the
merge has used a chunk up: O(authors + limit * log(authors)) with one range an author at the least.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Sequence

Fetch = Callable[[Sequence[int], int, int], Awaitable[Sequence[Sequence[int]]]]
"""Given authors, a bound and a limit: for each their ids beyond the bound, nearest first."""

MOST_FIRST, LEAST_FIRST = 8, 4
"""How many ids are read of an author at first. Of very many most give one or none; those who give
more are asked again, one by one."""
TOGETHER = 256
"""Authors asked at once: they keep a disk busy, and their ids take 0.5 ms of the loop."""


class _Run:
    """What is known of one author's ids: a chunk, and whether more may follow."""

    __slots__ = ("author", "chunk", "ids", "place")

    def __init__(self, author: int, ids: Sequence[int], chunk: int) -> None:
        self.author = author
        self.ids = ids
        self.chunk = chunk
        self.place = 0


async def merge_newest(fetch: Fetch, authors: Sequence[int], below: int, limit: int) -> list[int]:
    """Return the newest `limit` ids below an id, of all authors, newest first."""
    return await _merge(fetch, authors, below, limit, sign=-1)


async def merge_above(fetch: Fetch, authors: Sequence[int], above: int, limit: int) -> list[int]:
    """Return the `limit` ids directly above an id, of all authors, oldest first."""
    return await _merge(fetch, authors, above, limit, sign=1)


async def _merge(
    fetch: Fetch, authors: Sequence[int], bound: int, limit: int, *, sign: int
) -> list[int]:
    heap = await _open_runs(fetch, authors, bound, _first_chunk(len(authors), limit), sign)
    merged: list[int] = []
    while heap and len(merged) < limit:
        _, tie, run = heap[0]
        merged.append(run.ids[run.place])
        run.place += 1
        if run.place == len(run.ids):
            await _refill(fetch, run)
        if run.place < len(run.ids):
            heapq.heapreplace(heap, (sign * run.ids[run.place], tie, run))
        else:
            heapq.heappop(heap)
    return merged


def _first_chunk(authors: int, limit: int) -> int:
    """Return four times an author's share in the answer, within bounds."""
    share = 4 * limit // max(1, authors)
    return min(limit, MOST_FIRST, max(LEAST_FIRST, share))


async def _open_runs(
    fetch: Fetch, authors: Sequence[int], bound: int, chunk: int, sign: int
) -> list[tuple[int, int, _Run]]:
    heap: list[tuple[int, int, _Run]] = []
    for first in range(0, len(authors), TOGETHER):
        asked = authors[first : first + TOGETHER]
        for tie, ids in enumerate(await fetch(asked, bound, chunk), first):
            if ids:
                heap.append((sign * ids[0], tie, _Run(authors[tie], ids, chunk)))
    heapq.heapify(heap)
    return heap


async def _refill(fetch: Fetch, run: _Run) -> None:
    """Read an author's next chunk, twice as large, unless the last one was not full."""
    if len(run.ids) < run.chunk:
        return
    run.chunk *= 2
    (run.ids,) = await fetch([run.author], run.ids[-1], run.chunk)
    run.place = 0
