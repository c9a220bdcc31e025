"""The sweep: long work that a small truth entails, in slices, as a consumer of its own.

A deleted tweet takes its retweets and favorites with it; a closed account takes everything. Either
is hidden at once, by a tombstone or a hidden profile; what is left is swept away here. Nobody
waits for it.

Invariants:
- Everything is ended by the same truths as if its owner had ended it, so that what derives from
  them follows by itself, and each is committed under what it expects.
- The work goes by what is found in the tables, never by what was found before: cut off anywhere,
  it is begun again and finds only what is left.
- The profile goes last: until then the sweep of its account is found again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from chirp.clock import Clock
from chirp.errors import Conflict
from chirp.fanout.journal_reader import Events
from chirp.model import MAX_ID, TweetId, UnixMs, UserId
from chirp.storage.changes import (
    account_deleted,
    tweet_deleted,
    unblocked,
    unbookmarked,
    unfavorited,
    unfollowed,
    unmuted,
    unretweeted,
)
from chirp.storage.engine import Batch
from chirp.storage.events import AccountClosed, TweetDeleted
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store

SWEEP = "sweep"

SLICE = 200
"""After so many rows the loop gets a turn: about 1 ms of work."""

Edge = tuple[UnixMs, int]
Edges = Callable[[int, tuple[int, int] | None, int], Awaitable[list[Edge]]]


class SweepConsumer:
    """Ends what depends on a deleted tweet, or on a closed account."""

    name = SWEEP
    durable = True

    def __init__(self, store: Store, clock: Clock, derived: Callable[[], Awaitable[None]]) -> None:
        """Take `derived`, which returns when all derived rows are written."""
        self._store = store
        self._clock = clock
        self._derived = derived

    async def consume(self, source: int, events: Events) -> None:
        """Do all the work that the events entail. Raises: StorageError."""
        del source
        for _, event in events:
            if isinstance(event, TweetDeleted):
                await self._sweep_tweet(event.tweet_id)
            elif isinstance(event, AccountClosed):
                await self._sweep_account(event.user.user_id)

    async def _sweep_tweet(self, tweet: TweetId) -> None:
        """End all favorites and retweets of a tweet."""
        store = self._store

        async def unfavorite(edge: Edge) -> Batch | None:
            user = UserId(edge[1])
            mark = await store.marks.find(user, tweet)
            return unfavorited(store, user, tweet, mark) if mark.favorited_at else None

        async def unretweet(edge: Edge) -> Batch | None:
            return await self._unretweet(UserId(edge[1]), tweet)

        ended = 1
        # What was under way when the tweet was deleted is derived by now, or by the next pass.
        while ended:
            await self._derived()
            ended = await self._each(store.favorited_by.newest, tweet, unfavorite)
            ended += await self._each(store.retweeted_by.newest, tweet, unretweet)

    async def _unretweet(self, user: UserId, original: TweetId) -> Batch | None:
        mark = await self._store.marks.find(user, original)
        if not mark.retweet_id:
            return None
        retweet = (await self._store.tweets.find_many([mark.retweet_id]))[0]
        if retweet is None:
            return None
        return unretweeted(self._store, retweet, mark, self._clock.now_ms())

    async def _sweep_account(self, user: UserId) -> None:
        """End everything that a user did, and then remove the profile."""
        ended = 1
        # What was under way when the account was closed is found by the next pass.
        while ended:
            await self._derived()
            ended = await self._sweep_tweets(user)
            ended += await self._sweep_marks(user)
            ended += await self._sweep_graph(user)
            await self._sweep_answers(user)
        await self._sweep_mutes_of(user)
        await self._sweep_keys(user)
        # The counters go with the profile: nothing may move them any more.
        await self._derived()
        await self._commit([account_deleted(user)])

    async def _sweep_tweets(self, user: UserId) -> int:
        below, ended = MAX_ID + 1, 0
        while ids := await self._store.tweets.ids_of(user, below, SLICE):
            found = await self._store.tweets.find_many(ids)
            now = self._clock.now_ms()
            # Retweets go with the marks: their truth is there.
            own = [t for t in found if t is not None and t.retweet_of is None]
            ended += await self._commit(tweet_deleted(self._store, t, now) for t in own)
            below = ids[-1]
        return ended

    async def _sweep_marks(self, user: UserId) -> int:
        store = self._store

        async def unfavorite(edge: Edge) -> Batch | None:
            mark = await store.marks.find(user, TweetId(edge[1]))
            if not mark.favorited_at:
                return None
            return unfavorited(store, user, TweetId(edge[1]), mark)

        async def unbookmark(edge: Edge) -> Batch | None:
            mark = await store.marks.find(user, TweetId(edge[1]))
            if not mark.bookmarked_at:
                return None
            return unbookmarked(store, user, TweetId(edge[1]), mark)

        async def unretweet(edge: Edge) -> Batch | None:
            return await self._unretweet(user, TweetId(edge[1]))

        ended = await self._each(store.favorites.newest, user, unfavorite)
        ended += await self._each(store.bookmarks.newest, user, unbookmark)
        return ended + await self._each(store.retweets.newest, user, unretweet)

    async def _sweep_graph(self, user: UserId) -> int:
        store = self._store

        async def end_own(edge: Edge) -> Batch | None:
            return unfollowed(store, user, UserId(edge[1]), edge[0])

        async def end_others(edge: Edge) -> Batch | None:
            return unfollowed(store, UserId(edge[1]), user, edge[0])

        async def unblock(edge: Edge) -> Batch | None:
            return unblocked(store, user, UserId(edge[1]), edge[0])

        async def unblock_by(edge: Edge) -> Batch | None:
            return unblocked(store, UserId(edge[1]), user, edge[0])

        async def unmute(edge: Edge) -> Batch | None:
            return unmuted(store, user, UserId(edge[1]), edge[0])

        ended = await self._each(store.following.newest, user, end_own)
        ended += await self._each(store.followers.newest, user, end_others)
        ended += await self._each(store.blocking.newest, user, unblock)
        ended += await self._each(store.blocked_by.newest, user, unblock_by)
        return ended + await self._each(store.muting.newest, user, unmute)

    async def _sweep_mutes_of(self, user: UserId) -> None:
        """End the mutes that others have of a user."""
        found = [
            unmuted(self._store, UserId(muter), user, since)
            async for muter, since in self._store.muting.owners_of(user, SLICE)
        ]
        await self._commit(found)

    async def _sweep_keys(self, user: UserId) -> None:
        """Drop keys that a crash in the middle of closing left."""
        batch = Batch(DIRECTORY)
        for key in await self._store.directory.keys_of(user):
            self._store.directory.delete_key(batch, key)
        await self._commit([batch])

    async def _sweep_answers(self, user: UserId) -> None:
        while answers := await self._store.answers.oldest(user, SLICE):
            batch = Batch(user)
            for answer in answers:
                self._store.answers.forget(batch, answer)
            await self._commit([batch])

    async def _each(
        self, edges: Edges, owner: int, end: Callable[[Edge], Awaitable[Batch | None]]
    ) -> int:
        """Commit what `end` makes of every edge, newest first, in slices; return how many ended."""
        place: tuple[int, int] | None = None
        ended = 0
        # Downward, not from the top each time: an edge that cannot be ended would stay there.
        while found := await edges(owner, place, SLICE):
            batches = [await end(edge) for edge in found]
            ended += await self._commit(batch for batch in batches if batch is not None)
            place = found[-1]
        return ended

    async def _commit(self, batches: Iterable[Batch]) -> int:
        """Commit batches, give the loop a turn, return how many were applied.

        What has changed meanwhile is left as it is.
        """
        applied = 0
        for future in [self._store.engine.commit(batch) for batch in batches]:
            with suppress(Conflict):
                await future
                applied += 1
        await asyncio.sleep(0)
        return applied
