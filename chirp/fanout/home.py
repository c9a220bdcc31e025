"""The home consumer: pushes new ids into the home timelines of active followers, takes deleted out.

Invariants:
- It runs behind the index consumer, so what it delivers a rebuild would also find.
- An author above the push limit becomes a pulled author before the first id is not pushed; a
  reader that merges pulled authors therefore misses nothing.
- A follow or unfollow bumps the follower's graph version when its rows are on disk: a window that
  was built from the older graph is dropped or never installed.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator

from chirp.cache.homes import HomeTimelines
from chirp.clock import Clock
from chirp.fanout.bus import Bus
from chirp.fanout.journal_reader import Events
from chirp.metrics import Metrics
from chirp.model import Tweet, TweetId, UserId
from chirp.readers.graph import GraphReader
from chirp.readers.home import HomeReader
from chirp.readers.marks import MarkReader
from chirp.readers.sights import SightReader
from chirp.readers.tweets import TweetReader
from chirp.readers.users import UserReader
from chirp.storage.events import (
    AccountClosed,
    AccountCreated,
    AccountDeleted,
    Blocked,
    Bookmarked,
    Event,
    Favorited,
    Followed,
    Muted,
    ProfileWritten,
    RegistrationApproved,
    TweetDeleted,
    TweetEdited,
    TweetPosted,
    TweetReserved,
    TweetWithdrawn,
    Unblocked,
    Unbookmarked,
    Unfavorited,
    Unfollowed,
    Unmuted,
)

HOME = "home"

_PROFILES = AccountCreated | ProfileWritten | RegistrationApproved | AccountClosed

SLICE_FOLLOWERS = 2_000
"""After so many deliveries the loop gets a turn: about 0.3 ms of work."""


class HomeConsumer:
    """Delivers tweets and keeps the cached graph and profiles in step with the tables."""

    name = HOME
    durable = False

    def __init__(
        self,
        homes: HomeTimelines,
        home_reader: HomeReader,
        graph: GraphReader,
        users: UserReader,
        tweets: TweetReader,
        sights: SightReader,
        marks: MarkReader,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
        *,
        push_limit: int = 10_000,
    ) -> None:
        self._homes = homes
        self._home_reader = home_reader
        self._graph = graph
        self._users = users
        self._tweets = tweets
        self._sights = sights
        self._marks = marks
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._push_limit = push_limit

    async def consume(self, source: int, events: Events) -> None:
        """Handle a chunk of one journal, in order."""
        changed: dict[TweetId, None] = {}
        for _, event in events:
            if isinstance(event, TweetPosted):
                await self._deliver(event.tweet)
            elif isinstance(event, TweetDeleted):
                await self._withdraw(event.author_id, event.tweet_id)
            elif not self._note(event):
                await self._note_mark(event)
            for other in _changed_by(event):
                changed[other] = None
        if changed:
            await self._tweets.refresh(list(changed))
        # Last, so that streams tell of nothing that the caches do not know; and before this
        # returns, so that no tweet settles before the bus has it.
        self._bus.take(source, events)

    def _note(self, event: Event) -> bool:
        """Take in what changed about people; return False when the event is about tweets."""
        if isinstance(event, Followed):
            self._graph.followed(event.follower_id, event.followee_id)
            self._homes.bump(event.follower_id)
        elif isinstance(event, Unfollowed):
            self._graph.unfollowed(event.follower_id, event.followee_id)
            self._homes.bump(event.follower_id)
        elif isinstance(event, Blocked | Unblocked):
            self._note_block(event)
        elif isinstance(event, Muted | Unmuted):
            self._sights.forget(event.muter_id)
        elif isinstance(event, _PROFILES):
            self._users.remember(event.user)
        elif isinstance(event, AccountDeleted):
            self._users.forget(event.user_id)
        else:
            return False
        return True

    def _note_block(self, event: Blocked | Unblocked) -> None:
        if isinstance(event, Blocked) and event.followed_at:
            self._graph.unfollowed(event.blocker_id, event.blocked_id)
        for user_id in (event.blocker_id, event.blocked_id):
            self._sights.forget(user_id)
            self._homes.bump(user_id)

    async def _note_mark(self, event: Event) -> None:
        """Take in what a viewer did to a tweet."""
        if isinstance(event, Favorited | Unfavorited | Bookmarked | Unbookmarked):
            await self._marks.refresh(event.user_id, event.tweet_id)
        elif isinstance(event, TweetReserved | TweetWithdrawn):
            original = event.tweet.retweet_of
            if original is not None:
                await self._marks.refresh(event.tweet.author_id, original)

    async def _deliver(self, tweet: Tweet) -> None:
        """Push one tweet to all active followers, or mark its author as pulled."""
        author = tweet.author_id
        self._homes.push(author, tweet.tweet_id)
        known = self._graph.find_followers(author)
        if known is not None and len(known) <= min(SLICE_FOLLOWERS, self._push_limit):
            # Nearly every author: without a coroutine.
            if known:
                self._metrics.deliveries += self._homes.push_all(known, tweet.tweet_id)
        elif await self._is_pulled(author):
            self._home_reader.pulled.add(author)
            return
        else:
            async for followers in self._slices(author):
                self._metrics.deliveries += self._homes.push_all(followers, tweet.tweet_id)
        lag_s = (self._clock.now_ms() - tweet.created_at) / 1000
        self._metrics.delivery_lag_s.observe(max(0.0, lag_s))

    async def _withdraw(self, author: UserId, tweet_id: TweetId) -> None:
        """Take a deleted tweet out of the windows that it was pushed into.

        Nobody sees it there: the cache forgets it first. But ids of nothing push what is alive out
        of the windows, and who posts and deletes in turn would make every page of their followers
        a merge. Whoever deletes, author, moderator or operator, it comes here.
        """
        self._tweets.forget(author, tweet_id)
        self._homes.remove(author, tweet_id)
        if await self._is_pulled(author):
            return
        async for followers in self._slices(author):
            for follower in followers:
                self._homes.remove(follower, tweet_id)

    async def _is_pulled(self, author: UserId) -> bool:
        return await self._graph.count_followers(author) > self._push_limit

    async def _slices(self, author: UserId) -> AsyncIterator[array[int]]:
        """Yield all followers in the order of their ids, with a turn for the loop in between.

        The array is asked for anew for each slice: it may have changed, and who has unfollowed
        meanwhile may have a new window, in which the author's tweets have no place.
        """
        last = 0
        while True:
            followers = await self._graph.followers(author)
            start = bisect_right(followers, last)
            part = followers[start : start + SLICE_FOLLOWERS]
            yield part
            if start + SLICE_FOLLOWERS >= len(followers):
                return
            last = part[-1]
            await asyncio.sleep(0)


def _changed_by(event: Event) -> Iterator[TweetId]:
    """Yield the tweets that look different now: their text or their counts."""
    if isinstance(event, TweetEdited):
        yield event.tweet.tweet_id
    elif isinstance(event, Favorited | Unfavorited):
        yield event.tweet_id
    elif isinstance(event, TweetPosted | TweetDeleted):
        tweet = event.tweet if isinstance(event, TweetPosted) else event
        for other in (tweet.in_reply_to_tweet_id, tweet.quote_of, tweet.retweet_of):
            if other is not None:
                yield other
