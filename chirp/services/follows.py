"""The social graph: follow, unfollow, and who follows whom."""

from __future__ import annotations

from chirp.clock import Clock
from chirp.commands import ReadPeople
from chirp.errors import Conflict, Invalid, NotFound, Unavailable
from chirp.fanout.home import HOME
from chirp.fanout.journal import JournalRunner
from chirp.model import UnixMs, UserId
from chirp.policy import may_follow, profile_visible
from chirp.readers.relationships import relationship
from chirp.readers.users import UserReader
from chirp.storage.changes import followed, unfollowed
from chirp.storage.engine import Batch
from chirp.storage.store import Store
from chirp.storage.tables.relations import Relation
from chirp.views import Page, Position, Relationship, UserView, Viewer

_ATTEMPTS = 8
"""How often a compare and set is tried; only this viewer's own requests compete for it."""


MOST_CANDIDATES = 2_000
"""How many edges one page looks at, when those on it are hidden from the viewer."""


class Follows:
    """Changes and reads the graph. The follower's partition holds the truth."""

    def __init__(
        self, store: Store, users: UserReader, journal: JournalRunner, clock: Clock
    ) -> None:
        self._store = store
        self._users = users
        self._journal = journal
        self._clock = clock

    async def follow(self, viewer: Viewer, username: str) -> Relationship:
        """Follow somebody; repeated calls change nothing. Raises: NotFound, Invalid (oneself)."""
        followee = await self._target(viewer, username)
        for _ in range(_ATTEMPTS):
            since = await self._store.following.find(viewer.user_id, followee)
            if since is not None or await self._begin(viewer.user_id, followee):
                return await self._between(viewer, followee)
        raise Unavailable("too many changes at once", retry_after_s=1)

    async def unfollow(self, viewer: Viewer, username: str) -> Relationship:
        """End a follow; repeated calls change nothing. Raises: NotFound, Invalid (oneself)."""
        followee = await self._target(viewer, username)
        for _ in range(_ATTEMPTS):
            since = await self._store.following.find(viewer.user_id, followee)
            if since is None or await self._end(viewer.user_id, followee, since):
                return await self._between(viewer, followee)
        raise Unavailable("too many changes at once", retry_after_s=1)

    async def _target(self, viewer: Viewer, username: str) -> UserId:
        user = await self._users.get_named(username)
        if not profile_visible(user):
            raise NotFound("no such user")
        if not may_follow(viewer.user_id, user.user_id):
            raise Invalid("you cannot follow yourself", field="username")
        return user.user_id

    async def _begin(self, follower: UserId, followee: UserId) -> bool:
        now = self._clock.now_ms()
        return await self._committed(followed(self._store, follower, followee, now))

    async def _end(self, follower: UserId, followee: UserId, since: UnixMs) -> bool:
        return await self._committed(unfollowed(self._store, follower, followee, since))

    async def _committed(self, batch: Batch) -> bool:
        """Commit, and wait until the other side and the caches know; False after a Conflict."""
        self._journal.refuse_if_stopped()
        try:
            receipt = await self._store.engine.commit(batch)
        except Conflict:
            return False
        assert receipt is not None
        await self._journal.wait_applied(HOME, receipt)
        return True

    async def _between(self, viewer: Viewer, other: UserId) -> Relationship:
        between = (await relationship(self._store, viewer.user_id, [other]))[0]
        assert between is not None
        return between

    # -- lists --------------------------------------------------------------------------

    async def followers(
        self, viewer: Viewer | None, username: str, command: ReadPeople
    ) -> Page[UserView]:
        """Return a page of who follows a user, newest follow first. Raises: NotFound."""
        return await self._list(self._store.followers, viewer, username, command)

    async def following(
        self, viewer: Viewer | None, username: str, command: ReadPeople
    ) -> Page[UserView]:
        """Return a page of whom a user follows, newest follow first. Raises: NotFound."""
        return await self._list(self._store.following, viewer, username, command)

    async def _list(
        self, relation: Relation, viewer: Viewer | None, username: str, command: ReadPeople
    ) -> Page[UserView]:
        owner = await self._users.get_named(username)
        if not profile_visible(owner):
            raise NotFound("no such user")
        edges, more = await _edges(relation, owner.user_id, command)
        views = await self._views(viewer, [UserId(other) for _, other in edges])
        looked = len(edges)
        while more and edges and not views and looked < MOST_CANDIDATES:
            # A page of hidden people must not end the list for those behind them.
            command = _beyond(command, edges)
            edges, more = await _edges(relation, owner.user_id, command)
            views = await self._views(viewer, [UserId(other) for _, other in edges])
            looked += len(edges)
        if not views:
            return Page(views)
        first, last = edges[0], edges[-1]
        next_ = Position(last[1], last[0]) if more else None
        return Page(views, next_, Position(first[1], first[0]))

    async def _views(self, viewer: Viewer | None, ids: list[UserId]) -> list[UserView]:
        cached = await self._users.find_many(ids)
        counts = await self._store.users.counts_many(ids)
        viewer_id = None if viewer is None else viewer.user_id
        between = await relationship(self._store, viewer_id, ids)
        return [
            UserView(who.user, count, how)
            for who, count, how in zip(cached, counts, between, strict=True)
            if who is not None and profile_visible(who.user)
        ]


def _beyond(command: ReadPeople, edges: list[tuple[UnixMs, int]]) -> ReadPeople:
    """Return the command for the page behind `edges`, in the direction of `command`."""
    at, other = edges[-1] if command.above is None else edges[0]
    place = Position(other, at)
    if command.above is None:
        return ReadPeople(command.limit, below=place)
    return ReadPeople(command.limit, above=place)


async def _edges(
    relation: Relation, owner: UserId, command: ReadPeople
) -> tuple[list[tuple[UnixMs, int]], bool]:
    """Return a page of (since, other), newest first, and whether there are older ones."""
    if command.above is not None:
        above = (command.above.at, command.above.other)
        edges = await relation.oldest_after(owner, above, command.limit)
        return edges[::-1], True
    below = None if command.below is None else (command.below.at, command.below.other)
    edges = await relation.newest(owner, below, command.limit + 1)
    return edges[: command.limit], len(edges) > command.limit
