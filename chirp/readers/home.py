"""Reads home timelines: the viewer's window of pushed ids, pulled authors merged in, or a merge.

Invariant: whichever way an id list comes about, it is the newest ids of the viewer and their
followees below the bound, unfiltered; what is pushed and what is pulled cannot be told apart.
"""

from __future__ import annotations

from array import array
from functools import partial

from chirp.cache.flight import SingleFlight
from chirp.cache.homes import HomeTimelines
from chirp.cache.lru import LruMap
from chirp.model import UserId
from chirp.policy import at_home
from chirp.readers.graph import GraphReader, contains
from chirp.readers.merge import merge_above, merge_latest, merge_newest
from chirp.readers.showing import Wants
from chirp.storage.store import Store
from chirp.views import Sight

_NOTES_BYTES, _NOTE_BYTES = 4 << 20, 250
"""What is noted of viewers in all, and of one of them."""


class HomeReader:
    """Home timelines as lists of ids."""

    def __init__(
        self,
        store: Store,
        homes: HomeTimelines,
        graph: GraphReader,
        flight: SingleFlight[int, None],
    ) -> None:
        self._tweets = store.tweets
        self._homes = homes
        self._graph = graph
        self._flight = flight
        self.pulled: set[int] = set()
        """Authors whose tweets are not pushed. Never shrinks: what was not pushed stays pulled."""
        self._pulls_nobody: LruMap[int, tuple[int, int]] = LruMap(_NOTES_BYTES)
        """Viewers who follow none of them, with the graph's version and how many there were."""

    def find_newest(self, viewer: UserId, below: int, limit: int) -> list[int] | None:
        """Return what `newest` would if the viewer's window holds it all, else None."""
        if self.pulled and self._may_pull(viewer):
            return None
        return self._homes.newest(viewer, below, limit)

    def _may_pull(self, viewer: UserId) -> bool:
        """Say whether some of a viewer's timeline is pulled, or may be: memory does not tell."""
        now = (self._homes.graph_version(viewer), len(self.pulled))
        if self._pulls_nobody.get(viewer) == now:
            return False
        followees = self._graph.find_followees(viewer)
        if followees is None or self._pulled_among(viewer, followees):
            return True
        self._pulls_nobody.put(viewer, now, _NOTE_BYTES)
        return False

    def graph_version(self, viewer: UserId) -> int:
        """Return the number of the viewer's graph: another one after each change of it. O(1)."""
        return self._homes.graph_version(viewer)

    def find_wants(self, viewer: UserId, sight: Sight) -> Wants | None:
        """Return what `wants` does if it is in memory. O(1)."""
        followees = self._graph.find_followees(viewer)
        return None if followees is None else partial(at_home, sight, followees)

    async def wants(self, viewer: UserId, sight: Sight) -> Wants:
        """Return what says of a visible tweet whether it stands in the viewer's home timeline."""
        return partial(at_home, sight, await self._graph.followees(viewer))

    async def newest(self, viewer: UserId, below: int, limit: int) -> list[int]:
        """Return the newest `limit` ids below an id; fewer only when there are no more."""
        found = self.find_newest(viewer, below, limit)
        if found is not None:
            return found
        window = self._homes.read(viewer, below, limit)
        if window is None:
            await self._flight.get(viewer, lambda: self._build(viewer))
            window = self._homes.read(viewer, below, limit)
        if window is None or not window.complete:
            authors = await self._authors(viewer)
            return await merge_newest(self._tweets.ids_of_many, authors, below, limit)
        pulled = await self._pulled_by(viewer) if self.pulled else []
        if not pulled:
            return window.ids
        others = await merge_newest(self._tweets.ids_of_many, pulled, below, limit)
        return sorted({*window.ids, *others}, reverse=True)[:limit]

    async def directly_above(self, viewer: UserId, above: int, limit: int) -> list[int]:
        """Return the `limit` ids directly above an id, oldest first; fewer: there are no more."""
        if not self.pulled or not self._may_pull(viewer):
            window = self._homes.read_above(viewer, above, limit)
            if window is not None and window.complete:
                return window.ids
        authors = await self._authors(viewer)
        return await merge_above(self._tweets.ids_above_many, authors, above, limit)

    async def _build(self, viewer: UserId) -> None:
        """Fill the viewer's window by a merge, unless their graph changes meanwhile."""
        keep = self._homes.keep
        with self._homes.begin_build(viewer) as build:
            authors = await self._authors(viewer)
            tweets = self._tweets
            ids = await merge_latest(tweets.ids_of_many, tweets.newest_of, authors, keep)
            build.install(ids, complete_from=ids[-1] if len(ids) == keep else 0)

    async def _authors(self, viewer: UserId) -> list[int]:
        return [viewer, *await self._graph.followees(viewer)]

    async def _pulled_by(self, viewer: UserId) -> list[int]:
        return self._pulled_among(viewer, await self._graph.followees(viewer))

    def _pulled_among(self, viewer: UserId, followees: array[int]) -> list[int]:
        return [a for a in self.pulled if a == viewer or contains(followees, a)]
