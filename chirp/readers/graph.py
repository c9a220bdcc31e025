"""Reads who follows whom as sorted arrays of ids, kept for those in use."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from chirp.cache.adjacency import AdjacencyCache
from chirp.model import UserId
from chirp.storage.store import Store
from chirp.storage.tables.relations import Relation


class GraphReader:
    """Followees and followers of users."""

    def __init__(self, store: Store, followees: AdjacencyCache, followers: AdjacencyCache) -> None:
        self._store = store
        self._followees = followees
        self._followers = followers

    async def followees(self, user_id: UserId) -> array[int]:
        """Return whom a user follows, by ascending id. Not to be changed. O(1) when cached."""
        return await _read(self._followees, self._store.following, user_id)

    def find_followees(self, user_id: UserId) -> array[int] | None:
        """Return what `followees` does if it is in memory. O(1)."""
        return self._followees.find(user_id)

    async def followers(self, user_id: UserId) -> array[int]:
        """Return who follows a user, by ascending id. Not to be changed. O(1) when cached."""
        return await _read(self._followers, self._store.followers, user_id)

    def find_followers(self, user_id: UserId) -> array[int] | None:
        """Return what `followers` does if it is in memory. O(1)."""
        return self._followers.find(user_id)

    async def count_followers(self, user_id: UserId) -> int:
        """Return how many follow a user, without loading who they are. O(1)."""
        cached = self._followers.find(user_id)
        if cached is not None:
            return len(cached)
        return (await self._store.users.counts_many([user_id]))[0].followers

    def followed(self, follower: UserId, followee: UserId) -> None:
        """Record a follow whose rows are on disk, in whatever is cached or being loaded."""
        self._followees.add(follower, followee)
        self._followers.add(followee, follower)

    def unfollowed(self, follower: UserId, followee: UserId) -> None:
        """Record the end of a follow whose rows are gone from disk."""
        self._followees.remove(follower, followee)
        self._followers.remove(followee, follower)


async def _read(cache: AdjacencyCache, relation: Relation, owner: int) -> array[int]:
    cached = cache.find(owner)
    if cached is not None:
        return cached
    with cache.begin_load(owner) as load:
        return load.finish(await relation.members(owner))


def contains(ids: array[int], wanted: int) -> bool:
    """Say whether a sorted array holds an id. O(log n).

    >>> contains(array("q", [1, 5]), 5), contains(array("q", [1, 5]), 4)
    (True, False)
    """
    place = bisect_left(ids, wanted)
    return place < len(ids) and ids[place] == wanted
