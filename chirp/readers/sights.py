"""Reads what keeps tweets and people from a viewer: blocks, either way, and mutes.

Invariant: what is kept is what the tables say, once the home consumer has passed the change; a
read that a change overtook is not kept.
"""

from __future__ import annotations

from chirp.cache.lru import LruMap
from chirp.model import UserId
from chirp.storage.store import Store
from chirp.views import ANONYMOUS, Sight

_FIXED_WEIGHT_BYTES = 400
_MEMBER_WEIGHT_BYTES = 70


class SightReader:
    """Sights of viewers; those in use stay in memory."""

    def __init__(self, store: Store, cache: LruMap[int, Sight]) -> None:
        self._store = store
        self._cache = cache
        self._changes = 0

    def find(self, viewer: UserId) -> Sight | None:
        """Return a viewer's sight if it is in memory. O(1)."""
        return self._cache.get(viewer)

    async def get(self, viewer: UserId | None) -> Sight:
        """Return a viewer's sight: O(1) when it is in memory, else O(blocks + mutes)."""
        if viewer is None:
            return ANONYMOUS
        return self._cache.get(viewer) or await self._load(viewer)

    async def _load(self, viewer: UserId) -> Sight:
        before = self._changes
        blocking = frozenset(await self._store.blocking.members(viewer))
        blocked_by = frozenset(await self._store.blocked_by.members(viewer))
        muted = frozenset(await self._store.muting.members(viewer))
        sight = Sight(viewer, blocking | blocked_by, blocking, muted)
        if before == self._changes:
            members = len(sight.blocked) + len(blocking) + len(muted)
            weight_bytes = _FIXED_WEIGHT_BYTES + members * _MEMBER_WEIGHT_BYTES
            self._cache.put(viewer, sight, weight_bytes)
        return sight

    def forget(self, viewer: UserId) -> None:
        """Drop what is known of a viewer, whose rows have changed. O(1)."""
        self._changes += 1
        self._cache.delete(viewer)
