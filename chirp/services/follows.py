"""The social graph: follow, unfollow, and who follows whom."""

from __future__ import annotations

from chirp.clock import Clock
from chirp.errors import Forbidden, Invalid, NotFound
from chirp.fanout.truths import Truths
from chirp.model import UserId
from chirp.pages import ReadActions
from chirp.policy import may_relate, profile_visible
from chirp.readers.people import Ordered, PeopleReader
from chirp.readers.relationships import relationship_with
from chirp.readers.sights import SightReader
from chirp.readers.users import UserReader
from chirp.storage.changes import followed, unfollowed
from chirp.storage.engine import Batch
from chirp.storage.store import Store
from chirp.views import Page, Relationship, UserView, Viewer


class Follows:
    """Changes and reads the graph. The follower's partition holds the truth."""

    def __init__(
        self,
        store: Store,
        users: UserReader,
        people: PeopleReader,
        sights: SightReader,
        truths: Truths,
        clock: Clock,
    ) -> None:
        self._store = store
        self._users = users
        self._people = people
        self._sights = sights
        self._truths = truths
        self._clock = clock

    async def follow(self, viewer: Viewer, username: str) -> Relationship:
        """Follow somebody; repeated calls change nothing.

        Raises: NotFound, Invalid (oneself), Forbidden: either blocks the other; StorageError.
        """
        store, me, other = self._store, viewer.user_id, await self._target(viewer, username)

        async def attempt() -> Batch | None:
            if await store.following.find(me, other) is not None:
                return None
            await self._refuse_blocked(me, other)
            return followed(store, me, other, self._clock.now_ms())

        await self._truths.bring_about(attempt)
        return await relationship_with(store, me, other)

    async def _refuse_blocked(self, viewer: UserId, other: UserId) -> None:
        if await self._store.blocking.find(viewer, other) is not None:
            raise Forbidden("you block this user")
        if await self._store.blocked_by.find(viewer, other) is not None:
            raise Forbidden("this user blocks you")

    async def unfollow(self, viewer: Viewer, username: str) -> Relationship:
        """End a follow; repeated calls change nothing. Raises: NotFound, Invalid (oneself)."""
        store, me, other = self._store, viewer.user_id, await self._target(viewer, username)

        async def attempt() -> Batch | None:
            since = await store.following.find(me, other)
            return None if since is None else unfollowed(store, me, other, since)

        await self._truths.bring_about(attempt)
        return await relationship_with(store, me, other)

    async def _target(self, viewer: Viewer, username: str) -> UserId:
        user = await self._users.get_named(username)
        if not profile_visible(user):
            raise NotFound("no such user")
        if not may_relate(viewer.user_id, user.user_id):
            raise Invalid("you cannot follow yourself", field="username")
        return user.user_id

    # -- lists --------------------------------------------------------------------------

    async def followers(
        self, viewer: Viewer | None, username: str, command: ReadActions
    ) -> Page[UserView]:
        """Return a page of who follows a user, newest follow first. Raises: NotFound."""
        return await self._list(self._store.followers, viewer, username, command)

    async def following(
        self, viewer: Viewer | None, username: str, command: ReadActions
    ) -> Page[UserView]:
        """Return a page of whom a user follows, newest follow first. Raises: NotFound."""
        return await self._list(self._store.following, viewer, username, command)

    async def _list(
        self, ordered: Ordered, viewer: Viewer | None, username: str, command: ReadActions
    ) -> Page[UserView]:
        owner = await self._users.get_named(username)
        if not profile_visible(owner):
            raise NotFound("no such user")
        sight = await self._sights.get(None if viewer is None else viewer.user_id)
        if owner.user_id in sight.blocked:
            return Page([])
        return await self._people.page(sight, ordered, owner.user_id, command)
