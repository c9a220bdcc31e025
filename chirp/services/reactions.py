"""Reactions: favorite, retweet and bookmark tweets, and take it back."""

from __future__ import annotations

from collections.abc import Callable

from chirp.clock import Clock
from chirp.commands import Repeatable
from chirp.errors import Conflict, Forbidden, NotFound, Unavailable
from chirp.fanout.publishing import Publisher
from chirp.fanout.repeats import Repeats
from chirp.fanout.truths import ATTEMPTS, Truths
from chirp.idgen.generator import IdGenerator
from chirp.idgen.watermark import Watermark
from chirp.model import Tweet, TweetId, UserId
from chirp.readers.showing import Showing
from chirp.readers.sights import SightReader
from chirp.readers.users import UserReader
from chirp.storage.changes import (
    bookmarked,
    favorited,
    retweeted,
    unbookmarked,
    unfavorited,
    unretweeted,
)
from chirp.storage.engine import Batch
from chirp.storage.store import Store
from chirp.storage.tables.marks import Mark
from chirp.views import TweetView, Viewer, original_of

Change = Callable[[UserId, TweetId, Mark], Batch | None]
"""Given a viewer, a tweet and its mark: the batch to commit; None when nothing is to be done."""


class Reactions:
    """Changes what a viewer did to tweets. Repeated calls change nothing.

    The viewer's partition holds the truth. Of a retweet, all of it concerns the original.
    """

    def __init__(
        self,
        store: Store,
        ids: IdGenerator,
        watermark: Watermark,
        truths: Truths,
        publisher: Publisher,
        repeats: Repeats,
        showing: Showing,
        sights: SightReader,
        users: UserReader,
        clock: Clock,
    ) -> None:
        self._store = store
        self._ids = ids
        self._watermark = watermark
        self._truths = truths
        self._publisher = publisher
        self._repeats = repeats
        self._showing = showing
        self._sights = sights
        self._users = users
        self._clock = clock

    async def favorite(self, viewer: Viewer, tweet_id: TweetId) -> TweetView:
        """Favorite a tweet. Raises: NotFound, Forbidden: its author is blocked; StorageError."""

        def change(user: UserId, tweet: TweetId, mark: Mark) -> Batch | None:
            if mark.favorited_at:
                return None
            return favorited(self._store, user, tweet, mark, self._clock.now_ms())

        return await self._react(viewer, tweet_id, change)

    async def unfavorite(self, viewer: Viewer, tweet_id: TweetId) -> TweetView:
        """Take a favorite back. Raises: NotFound, Forbidden, StorageError."""

        def change(user: UserId, tweet: TweetId, mark: Mark) -> Batch | None:
            return unfavorited(self._store, user, tweet, mark) if mark.favorited_at else None

        return await self._react(viewer, tweet_id, change)

    async def bookmark(self, viewer: Viewer, tweet_id: TweetId) -> TweetView:
        """Bookmark a tweet, which nobody else sees. Raises: NotFound, Forbidden, StorageError."""

        def change(user: UserId, tweet: TweetId, mark: Mark) -> Batch | None:
            if mark.bookmarked_at:
                return None
            return bookmarked(self._store, user, tweet, mark, self._clock.now_ms())

        return await self._react(viewer, tweet_id, change)

    async def unbookmark(self, viewer: Viewer, tweet_id: TweetId) -> TweetView:
        """Take a bookmark back. Raises: NotFound, Forbidden, StorageError."""

        def change(user: UserId, tweet: TweetId, mark: Mark) -> Batch | None:
            return unbookmarked(self._store, user, tweet, mark) if mark.bookmarked_at else None

        return await self._react(viewer, tweet_id, change)

    async def _react(self, viewer: Viewer, tweet_id: TweetId, change: Change) -> TweetView:
        """Bring a mark into a state; return the tweet as it then is."""
        original = (await self._original(viewer, tweet_id)).cached.tweet.tweet_id

        async def attempt() -> Batch | None:
            mark = await self._store.marks.find(viewer.user_id, original)
            return change(viewer.user_id, original, mark)

        await self._truths.bring_about(attempt)
        return await self._done(viewer, original)

    async def retweet(
        self, viewer: Viewer, tweet_id: TweetId, repeat: Repeatable | None = None
    ) -> TweetView:
        """Retweet a tweet; return the original.

        `repeat`: a second request with the same key changes nothing, even when the retweet was
        taken back since. Raises: NotFound, Forbidden, Taken, StorageError.
        """
        original = (await self._original(viewer, tweet_id)).cached.tweet
        author = await self._users.get(viewer.user_id)
        for _ in range(ATTEMPTS):
            mark = await self._store.marks.find(viewer.user_id, original.tweet_id)
            made = mark.retweet_id or await self._repeats.find(viewer.user_id, repeat)
            if made:
                await self._watermark.wait_settled(made)
                return await self._again(viewer, original.tweet_id)
            claim = await self._repeats.claim(viewer.user_id, repeat)
            retweet_id = TweetId(await self._ids.next())
            # From here to the commit nothing waits: ids are submitted in their order.
            retweet = self._retweet(retweet_id, viewer.user_id, original)
            batch = retweeted(self._store, retweet, mark, claim)
            try:
                await self._publisher.publish(retweet, author, batch)
            except Conflict:
                continue
            return await self._done(viewer, original.tweet_id)
        raise Unavailable("too many changes at once", retry_after_s=1)

    def _retweet(self, retweet_id: TweetId, author: UserId, original: Tweet) -> Tweet:
        return Tweet(
            retweet_id,
            author,
            "",
            self._ids.layout.time_of(retweet_id),
            conversation_id=retweet_id,
            retweet_of=original.tweet_id,
        )

    async def unretweet(self, viewer: Viewer, tweet_id: TweetId) -> TweetView:
        """Take a retweet back; return the original. Raises: NotFound, Forbidden, StorageError."""
        original = (await self._original(viewer, tweet_id)).cached.tweet
        ended = TweetId(0)

        async def attempt() -> Batch | None:
            nonlocal ended
            mark = await self._store.marks.find(viewer.user_id, original.tweet_id)
            if not mark.retweet_id:
                return None
            ended = TweetId(mark.retweet_id)
            # One that is still on its way is waited for, so that its own row is deleted after it.
            await self._watermark.wait_settled(ended)
            retweet = self._retweet(ended, viewer.user_id, original)
            return unretweeted(self._store, retweet, mark, self._clock.now_ms())

        if await self._truths.bring_about(attempt):
            await self._truths.wait_partition(ended)
        return await self._again(viewer, original.tweet_id)

    async def _done(self, viewer: Viewer, original: TweetId) -> TweetView:
        """Return the tweet as it now is; take back what was done to one that was deleted meanwhile.

        The sweep of a deletion may have passed before: nobody else would.
        """
        if (await self._store.tweets.find_many([original]))[0] is None:
            await self._truths.bring_about(lambda: self._undo(viewer.user_id, original))
        return await self._again(viewer, original)

    async def _undo(self, user: UserId, original: TweetId) -> Batch | None:
        mark = await self._store.marks.find(user, original)
        if mark.favorited_at:
            return unfavorited(self._store, user, original, mark)
        if not mark.retweet_id:
            return None
        retweet = (await self._store.tweets.find_many([mark.retweet_id]))[0]
        if retweet is None:
            return None
        return unretweeted(self._store, retweet, mark, self._clock.now_ms())

    async def _original(self, viewer: Viewer, tweet_id: TweetId) -> TweetView:
        """Return the tweet, or what it retweets. Raises: NotFound, Forbidden."""
        try:
            return original_of(await self._again(viewer, tweet_id))
        except NotFound:
            sight = await self._sights.get(viewer.user_id)
            if await self._showing.is_by(sight.blocking, tweet_id):
                raise Forbidden("you block the author of this tweet") from None
            raise

    async def _again(self, viewer: Viewer, tweet_id: TweetId) -> TweetView:
        if tweet_id > self._watermark.value:
            raise NotFound("no such tweet")
        return await self._showing.get(await self._sights.get(viewer.user_id), tweet_id)
