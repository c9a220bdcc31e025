"""Merges the tweets of many authors into one list by id: fan-out on read.

Reads each author's index in small chunks and asks for more only where the merge has used a chunk
up: O(authors + limit * log(authors)) with one range scan an author at the least.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable, Sequence

from chirp.model import UserId

Fetch = Callable[[UserId, int, int], Awaitable[Sequence[int]]]
"""Given an author, a bound and a limit: their ids beyond the bound, nearest first."""

FIRST_CHUNK = 8
SLICE_AUTHORS = 32
"""After so many authors the loop gets a turn: about 0.2 ms of range scans."""


class _Run:
    """What is known of one author's ids: a chunk, and whether more may follow."""

    __slots__ = ("author", "chunk", "ids", "place")

    def __init__(self, author: UserId, ids: Sequence[int], chunk: int) -> None:
        self.author = author
        self.ids = ids
        self.chunk = chunk
        self.place = 0


async def merge_newest(fetch: Fetch, authors: Iterable[int], below: int, limit: int) -> list[int]:
    """Return the newest `limit` ids below an id, of all authors, newest first."""
    return await _merge(fetch, authors, below, limit, sign=-1)


async def merge_above(fetch: Fetch, authors: Iterable[int], above: int, limit: int) -> list[int]:
    """Return the `limit` ids directly above an id, of all authors, oldest first."""
    return await _merge(fetch, authors, above, limit, sign=1)


async def _merge(
    fetch: Fetch, authors: Iterable[int], bound: int, limit: int, *, sign: int
) -> list[int]:
    heap = await _open_runs(fetch, authors, bound, min(limit, FIRST_CHUNK), sign)
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


async def _open_runs(
    fetch: Fetch, authors: Iterable[int], bound: int, chunk: int, sign: int
) -> list[tuple[int, int, _Run]]:
    heap: list[tuple[int, int, _Run]] = []
    for tie, author in enumerate(authors):
        ids = await fetch(UserId(author), bound, chunk)
        if ids:
            heap.append((sign * ids[0], tie, _Run(UserId(author), ids, chunk)))
        if tie % SLICE_AUTHORS == SLICE_AUTHORS - 1:
            await asyncio.sleep(0)
    heapq.heapify(heap)
    return heap


async def _refill(fetch: Fetch, run: _Run) -> None:
    """Read an author's next chunk, twice as large, unless the last one was not full."""
    if len(run.ids) < run.chunk:
        return
    run.chunk *= 2
    run.ids = await fetch(run.author, run.ids[-1], run.chunk)
    run.place = 0
