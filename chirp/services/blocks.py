"""Blocks and mutes: whom a viewer does not want to hear of."""

from __future__ import annotations

from chirp.clock import Clock
from chirp.errors import Invalid, NotFound
from chirp.fanout.truths import Truths
from chirp.model import UserId
from chirp.policy import may_relate, profile_visible
from chirp.readers.relationships import relationship_with
from chirp.readers.users import UserReader
from chirp.storage.changes import blocked, muted, unblocked, unmuted
from chirp.storage.engine import Batch
from chirp.storage.store import Store
from chirp.views import Relationship, Viewer


class Blocks:
    """Blocking and muting. Repeated calls change nothing; the viewer's partition holds the truth.

    A block ends the follows in both directions before it is answered.
    """

    def __init__(self, store: Store, users: UserReader, truths: Truths, clock: Clock) -> None:
        self._store = store
        self._users = users
        self._truths = truths
        self._clock = clock

    async def block(self, viewer: Viewer, username: str) -> Relationship:
        """Block somebody. Raises: NotFound, Invalid (oneself), StorageError."""
        store, me, other = self._store, viewer.user_id, await self._target(viewer, username)

        async def attempt() -> Batch | None:
            if await store.blocking.find(me, other) is not None:
                return None
            followed_at = await store.following.find(me, other)
            return blocked(store, me, other, self._clock.now_ms(), followed_at)

        await self._truths.bring_about(attempt)
        # The other one's follow is ended in their partition, in the wake of the block.
        await self._truths.wait_partition(other)
        return await relationship_with(store, me, other)

    async def unblock(self, viewer: Viewer, username: str) -> Relationship:
        """End a block. Raises: NotFound, Invalid (oneself), StorageError."""
        store, me, other = self._store, viewer.user_id, await self._target(viewer, username)

        async def attempt() -> Batch | None:
            since = await store.blocking.find(me, other)
            return None if since is None else unblocked(store, me, other, since)

        await self._truths.bring_about(attempt)
        return await relationship_with(store, me, other)

    async def mute(self, viewer: Viewer, username: str) -> Relationship:
        """Mute somebody. Raises: NotFound, Invalid (oneself), StorageError."""
        store, me, other = self._store, viewer.user_id, await self._target(viewer, username)

        async def attempt() -> Batch | None:
            if await store.muting.find(me, other) is not None:
                return None
            return muted(store, me, other, self._clock.now_ms())

        await self._truths.bring_about(attempt)
        return await relationship_with(store, me, other)

    async def unmute(self, viewer: Viewer, username: str) -> Relationship:
        """End a mute. Raises: NotFound, Invalid (oneself), StorageError."""
        store, me, other = self._store, viewer.user_id, await self._target(viewer, username)

        async def attempt() -> Batch | None:
            since = await store.muting.find(me, other)
            return None if since is None else unmuted(store, me, other, since)

        await self._truths.bring_about(attempt)
        return await relationship_with(store, me, other)

    async def _target(self, viewer: Viewer, username: str) -> UserId:
        user = await self._users.get_named(username)
        if not profile_visible(user):
            raise NotFound("no such user")
        if not may_relate(viewer.user_id, user.user_id):
            raise Invalid("you cannot do that to yourself", field="username")
        return user.user_id
