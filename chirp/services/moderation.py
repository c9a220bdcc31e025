"""Moderation: flags, suspensions, tweets that moderators remove, and the trail of all that.

Invariant: a line of the trail is written in the deed's batch where that lies in the directory, else
before the deed. A line may speak of a deed that failed; none that was done is missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol

from msgspec.structs import replace

from chirp.clock import Clock
from chirp.commands import Because
from chirp.errors import Conflict, Forbidden, NotFound, Unavailable
from chirp.idgen.generator import IdGenerator
from chirp.model import (
    Account,
    Action,
    ActionId,
    ActionKind,
    Flag,
    Role,
    Tweet,
    TweetId,
    User,
    UserId,
)
from chirp.pages import ReadActions
from chirp.policy import may_moderate
from chirp.readers.roles import require_role
from chirp.readers.users import UserReader
from chirp.services.listing import page_by_id
from chirp.storage.engine import Batch
from chirp.storage.keys import DIRECTORY, FlagTag
from chirp.storage.store import Store
from chirp.views import ActionView, FlagView, Page, Viewer


class FlagState(StrEnum):
    """Which flags are asked for."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


_TAGS: dict[FlagState, tuple[FlagTag, ...]] = {
    FlagState.OPEN: (FlagTag.OPEN,),
    FlagState.CLOSED: (FlagTag.CLOSED,),
    FlagState.ALL: tuple(FlagTag),
}


class Suspend(Protocol):
    """Suspends an account, or lifts that."""

    def __call__(self, username: str, *, suspended: bool) -> Awaitable[Account]:
        """Return the changed account. Raises: NotFound, Unavailable."""
        ...


Remove = Callable[[Tweet], Awaitable[None]]
"""Deletes a tweet for good, whoever wrote it. Raises: NotFound, StorageError."""


class Moderation:
    """What moderators do. `suspend` and `remove` do the deeds that other services own."""

    def __init__(
        self,
        store: Store,
        users: UserReader,
        ids: IdGenerator,
        clock: Clock,
        suspend: Suspend,
        remove: Remove,
    ) -> None:
        self._store = store
        self._users = users
        self._ids = ids
        self._clock = clock
        self._suspend = suspend
        self._remove = remove

    # -- flags --------------------------------------------------------------------------

    async def flags(self, viewer: Viewer, command: ReadActions, state: FlagState) -> Page[FlagView]:
        """Return a page of flags, newest tweet first. Raises: Forbidden."""
        await require_role(self._store, viewer, Role.MODERATOR)
        table, tags = self._store.flags, _TAGS[state]
        page = await page_by_id(
            command,
            lambda below, limit: table.newest(tags, below, limit),
            lambda above, limit: table.oldest_above(tags, above, limit),
            lambda flag: flag.tweet_id,
        )
        return Page(await self._views(page.items), page.next, page.prev)

    async def _views(self, flags: list[Flag]) -> list[FlagView]:
        tweets = await self._store.tweets.find_many([flag.tweet_id for flag in flags])
        authors = await self._people([flag.author_id for flag in flags])
        closers = await self._people([flag.closed_by or UserId(0) for flag in flags])
        return [
            FlagView(flag, author, tweet, closer)
            for flag, author, tweet, closer in zip(flags, authors, tweets, closers, strict=True)
        ]

    async def _people(self, ids: list[UserId]) -> list[User | None]:
        return [None if who is None else who.user for who in await self._users.find_many(ids)]

    async def close_flag(self, viewer: Viewer, tweet_id: TweetId, because: Because) -> FlagView:
        """Close the flag of a tweet with a note; a closed one stays as it is.

        Raises: Forbidden, NotFound, Unavailable.
        """
        await require_role(self._store, viewer, Role.MODERATOR)
        flag = await self._store.flags.find(tweet_id)
        if flag is None:
            raise NotFound("no such flag")
        if flag.closed_by is None:
            flag = await self._close(viewer, flag, because)
        return (await self._views([flag]))[0]

    async def _close(self, viewer: Viewer, flag: Flag, because: Because) -> Flag:
        now, actor = self._clock.now_ms(), viewer.user_id
        closed = replace(flag, closed_by=actor, closed_at=now, note=because.why)
        author = (await self._people([flag.author_id]))[0]
        action = await self._action(
            viewer, ActionKind.CLOSE_FLAG, flag.tweet_id, _name_of(author), because
        )
        batch = Batch(DIRECTORY)
        self._store.flags.replace(batch, flag, closed)
        self._store.actions.put(batch, action)
        try:
            await self._store.engine.commit(batch)
        except Conflict:
            raise Unavailable("somebody else closes this flag now", retry_after_s=1) from None
        return closed

    # -- deeds --------------------------------------------------------------------------

    async def suspend(
        self, viewer: Viewer, username: str, because: Because, *, suspended: bool
    ) -> User:
        """Suspend somebody or lift that; it holds from the next request on.

        Raises: NotFound; Forbidden: oneself, or somebody whom this role may not act on.
        """
        role = await require_role(self._store, viewer, Role.MODERATOR)
        user = await self._users.get_named(username)
        account = await self._store.directory.find_account(user.user_id)
        if account is None:
            raise NotFound("no such user")
        if account.user_id == viewer.user_id:
            raise Forbidden("you cannot suspend yourself")
        if not may_moderate(role, account.role):
            raise Forbidden("moderators act on plain users alone")
        if account.suspended != suspended:
            kind = ActionKind.SUSPEND if suspended else ActionKind.UNSUSPEND
            await self._record(viewer, kind, user.user_id, user.username, because)
            await self._suspend(user.username, suspended=suspended)
        return (await self._users.get(user.user_id)).user

    async def remove_tweet(self, viewer: Viewer, tweet_id: TweetId, because: Because) -> None:
        """Delete somebody's tweet for good. Raises: Forbidden, NotFound, StorageError."""
        role = await require_role(self._store, viewer, Role.MODERATOR)
        tweet = (await self._store.tweets.find_many([tweet_id]))[0]
        if tweet is None:
            raise NotFound("no such tweet")
        account = await self._store.directory.find_account(tweet.author_id)
        if account is not None and not may_moderate(role, account.role):
            raise Forbidden("moderators act on plain users alone")
        name = "" if account is None else account.username
        await self._record(viewer, ActionKind.REMOVE_TWEET, tweet_id, name, because)
        await self._remove(tweet)

    # -- the trail ----------------------------------------------------------------------

    async def actions(self, viewer: Viewer, command: ReadActions) -> Page[ActionView]:
        """Return a page of what moderators did, newest first. Raises: Forbidden."""
        await require_role(self._store, viewer, Role.MODERATOR)
        table = self._store.actions
        page = await page_by_id(command, table.newest, table.oldest_above, lambda a: a.action_id)
        actors = await self._people([action.actor_id for action in page.items])
        lines = [ActionView(action, who) for action, who in zip(page.items, actors, strict=True)]
        return Page(lines, page.next, page.prev)

    async def _action(
        self, viewer: Viewer, kind: ActionKind, subject: int, username: str, because: Because
    ) -> Action:
        action_id, now = ActionId(await self._ids.next()), self._clock.now_ms()
        return Action(action_id, kind, viewer.user_id, subject, username, now, because.why)

    async def _record(
        self, viewer: Viewer, kind: ActionKind, subject: int, username: str, because: Because
    ) -> None:
        """Write a line of the trail by itself, before a deed in another partition."""
        batch = Batch(DIRECTORY)
        action = await self._action(viewer, kind, subject, username, because)
        self._store.actions.put(batch, action)
        await self._store.engine.commit(batch)


def _name_of(user: User | None) -> str:
    return "" if user is None else user.username
