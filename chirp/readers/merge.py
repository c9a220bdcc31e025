"""Merges the tweets of many authors into one list by id: fan-out on read.

Reads small chunks of the authors' indexes, many authors at once, and asks for more only where the
merge has used a chunk up: O(authors + limit * log(authors)). The newest of very many authors come
from those who wrote last: where it is known when each did, the others are not asked at all.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Sequence
from operator import itemgetter

from chirp.model import MAX_ID

Fetch = Callable[[Sequence[int], int, int], Awaitable[Sequence[Sequence[int]]]]
"""Given authors, a bound and a limit: for each their ids beyond the bound, nearest first."""

NewestOf = Callable[[Sequence[int]], Awaitable[Sequence[int]]]
"""Given authors: of each an id that none of their tweets is above; 0: they never wrote."""

MOST_FIRST, LEAST_FIRST = 8, 4
"""How many ids are read of an author at first. Of very many most give one or none; those who give
more are asked again, one by one."""
NOTED_TOGETHER = 1_024
"""Authors of whom it is asked at once when they wrote last."""
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
    return await _Merge(fetch, authors, below, limit, sign=-1).run()


async def merge_above(fetch: Fetch, authors: Sequence[int], above: int, limit: int) -> list[int]:
    """Return the `limit` ids directly above an id, of all authors, oldest first."""
    return await _Merge(fetch, authors, above, limit, sign=1).run()


async def merge_latest(
    fetch: Fetch, newest_of: NewestOf, authors: Sequence[int], limit: int
) -> list[int]:
    """Return the newest `limit` ids of all authors, newest first.

    What `merge_newest` does, but few of very many authors are asked for ids: who wrote last.
    O(authors * log(authors)), with one row an author.
    """
    if len(authors) <= 2 * limit:
        return await merge_newest(fetch, authors, MAX_ID + 1, limit)
    newest: list[int] = []
    for first in range(0, len(authors), NOTED_TOGETHER):
        newest += await newest_of(authors[first : first + NOTED_TOGETHER])
    # Their last ids stand for them, until those of others are smaller than what was merged.
    last = sorted(filter(itemgetter(0), zip(newest, authors, strict=True)), reverse=True)
    wrote, falling = [author for _, author in last], [tweet_id for tweet_id, _ in last]
    return await _Merge(fetch, wrote, MAX_ID + 1, limit, sign=-1, newest=falling).run()


class _Merge:
    """A merge under way: the authors, of whom the first were asked, and what they gave."""

    def __init__(
        self,
        fetch: Fetch,
        authors: Sequence[int],
        bound: int,
        limit: int,
        *,
        sign: int,
        newest: Sequence[int] = (),
    ) -> None:
        self._newest = newest
        """Of each author an id that none of theirs is above, falling; else all are asked."""
        self._fetch = fetch
        self._authors = authors
        self._bound = bound
        self._limit = limit
        self._sign = sign
        self._asked = 0
        self._chunk = _first_chunk(len(authors), limit)
        self._heap: list[tuple[int, int, _Run]] = []

    async def run(self) -> list[int]:
        """Return the merged ids."""
        while self._asked < (1 if self._newest else len(self._authors)):
            await self._ask()
        heap, merged = self._heap, list[int]()
        while len(merged) < self._limit:
            if self._may_come_first():
                await self._ask()
            elif heap:
                merged.append(await self._next())
            else:
                break
        return merged

    def _may_come_first(self) -> bool:
        """Say whether who was not asked yet may have an id above all that is known."""
        if self._asked >= len(self._authors):
            return False
        return not self._heap or self._newest[self._asked] > -self._heap[0][0]

    async def _ask(self) -> None:
        """Read the first chunks of the next authors."""
        first = self._asked
        asked = self._authors[first : first + TOGETHER]
        self._asked += len(asked)
        for tie, ids in enumerate(await self._fetch(asked, self._bound, self._chunk), first):
            if ids:
                run = _Run(self._authors[tie], ids, self._chunk)
                heapq.heappush(self._heap, (self._sign * ids[0], tie, run))

    async def _next(self) -> int:
        """Take the first id of all that is known."""
        _, tie, run = self._heap[0]
        taken = run.ids[run.place]
        run.place += 1
        if run.place == len(run.ids):
            await self._refill(run)
        if run.place < len(run.ids):
            heapq.heapreplace(self._heap, (self._sign * run.ids[run.place], tie, run))
        else:
            heapq.heappop(self._heap)
        return taken

    async def _refill(self, run: _Run) -> None:
        """Read an author's next chunk, twice as large, unless the last one was not full."""
        if len(run.ids) < run.chunk:
            return
        run.chunk *= 2
        (run.ids,) = await self._fetch([run.author], run.ids[-1], run.chunk)
        run.place = 0


def _first_chunk(authors: int, limit: int) -> int:
    """Return four times an author's share in the answer, within bounds."""
    share = 4 * limit // max(1, authors)
    return min(limit, MOST_FIRST, max(LEAST_FIRST, share))
