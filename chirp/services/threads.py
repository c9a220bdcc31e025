"""Threads: what a tweet answers, what answers it, and what quotes it."""

from __future__ import annotations

from collections.abc import Sequence

from chirp.errors import NotFound
from chirp.idgen.watermark import Watermark
from chirp.model import TweetId
from chirp.pages import ReadTweets
from chirp.readers.pages import Listing, TweetPages
from chirp.readers.showing import Showing
from chirp.readers.sights import SightReader
from chirp.readers.tweets import TweetReader
from chirp.storage.store import Store
from chirp.storage.tables.children import Children
from chirp.views import (
    Page,
    Sight,
    ThreadView,
    Tombstone,
    TweetView,
    Viewer,
    original_of,
)

MOST_ANCESTORS = 500
"""How far up a thread is shown; what is above is reached from the topmost ancestor."""


class Threads:
    """Reads threads and quotes for viewers. Of a retweet, they are those of the original."""

    def __init__(
        self,
        store: Store,
        pager: TweetPages,
        tweets: TweetReader,
        showing: Showing,
        sights: SightReader,
        watermark: Watermark,
    ) -> None:
        self._store = store
        self._pager = pager
        self._tweets = tweets
        self._showing = showing
        self._sights = sights
        self._watermark = watermark

    async def thread(
        self, viewer: Viewer | None, tweet_id: TweetId, command: ReadTweets
    ) -> ThreadView:
        """Return a tweet with its ancestors and a page of direct replies. Raises: NotFound."""
        sight, view = await self._view(viewer, tweet_id)
        ancestors = await self._ancestors(sight, view)
        replies = await self._children(sight, self._store.replies, view, command)
        return ThreadView(ancestors, view, replies)

    async def quotes(
        self, viewer: Viewer | None, tweet_id: TweetId, command: ReadTweets
    ) -> Page[TweetView]:
        """Return a page of the tweets that quote a tweet, newest first. Raises: NotFound."""
        sight, view = await self._view(viewer, tweet_id)
        return await self._children(sight, self._store.quotes, view, command)

    async def _view(self, viewer: Viewer | None, tweet_id: TweetId) -> tuple[Sight, TweetView]:
        sight = await self._sights.get(None if viewer is None else viewer.user_id)
        if tweet_id > self._watermark.value:
            raise NotFound("no such tweet")
        return sight, original_of(await self._showing.get(sight, tweet_id))

    async def _children(
        self, sight: Sight, children: Children, view: TweetView, command: ReadTweets
    ) -> Page[TweetView]:
        tweet_id = view.cached.tweet.tweet_id

        async def newest(below: int, limit: int) -> Sequence[int]:
            return await children.ids_below(tweet_id, below, limit)

        async def above(above: int, limit: int) -> Sequence[int]:
            return await children.ids_above(tweet_id, above, limit)

        return await self._pager.page(Listing(sight, newest, above), command)

    async def _ancestors(self, sight: Sight, view: TweetView) -> list[TweetView | Tombstone]:
        """Return what a tweet answers, from the root down; a tombstone for what is not shown."""
        found: list[TweetView | Tombstone] = []
        parent = view.cached.tweet.in_reply_to_tweet_id
        while parent is not None and len(found) < MOST_ANCESTORS:
            views = await self._showing.by_ids(sight, [parent])
            found.append(views[0] if views else Tombstone(parent))
            parent = await self._parent_of(parent)
        found.reverse()
        return found

    async def _parent_of(self, tweet_id: TweetId) -> TweetId | None:
        """Return what a tweet replies to, whether it is visible, hidden or deleted."""
        cached = (await self._tweets.find_many([tweet_id]))[0]
        if cached is not None:
            return cached.tweet.in_reply_to_tweet_id
        return (await self._tweets.parents_above([tweet_id]))[0]
