"""The index consumer: derived rows in other partitions than the actor's.

Invariant: after it has passed an event, the author index, the lists and counters at tweets, the
followers and blocked_by relations and the profile rows say what the truth says. Its effects are
puts, deletes, adds and raises that depend on the event alone, never on what it reads. What must be
read (does the blocked one follow the blocker?) is ended by a truth of its own, under what it
expects.

Some effects have events themselves: a tweet that its author's partition has reserved is posted
by its own partition, and seen by all consumers as if it had been from the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from chirp.errors import Conflict
from chirp.fanout.journal_reader import Events
from chirp.model import TweetId
from chirp.storage.changes import deletion_of, unfollowed_by_block
from chirp.storage.engine import Batch, Effect, Receipt
from chirp.storage.events import (
    AccountClosed,
    AccountCreated,
    AccountDeleted,
    Blocked,
    Event,
    Favorited,
    Followed,
    ProfileWritten,
    RegistrationApproved,
    TweetDeleted,
    TweetPosted,
    TweetReserved,
    TweetWithdrawn,
    Unblocked,
    Unfavorited,
    Unfollowed,
    pack_event,
)
from chirp.storage.store import Store
from chirp.storage.tables.children import Children
from chirp.storage.tables.tweets import TweetCounter
from chirp.storage.tables.users import Counter

INDEX = "index"


def effects_of(store: Store, event: Event) -> list[Batch]:
    """Return the batches that an event causes in other partitions, without their effect marks."""
    made = _EFFECTS.get(type(event))
    return [] if made is None else list(made(store, event))


def _around(store: Store, event: TweetPosted | TweetDeleted) -> Iterator[Batch]:
    """Yield what follows for the author, and for the tweets that this one stands in relation to."""
    tweet = event.tweet if isinstance(event, TweetPosted) else event
    batch, amount = Batch(tweet.author_id), 1
    if isinstance(event, TweetPosted):
        store.tweets.index(batch, event.tweet)
    else:
        store.tweets.unindex(batch, event.author_id, event.tweet_id)
        amount = -1
    store.users.count(batch, tweet.author_id, Counter.TWEETS, amount)
    yield batch
    if tweet.in_reply_to_tweet_id is not None:
        batch = Batch(tweet.in_reply_to_tweet_id)
        _child(store.replies, batch, tweet.tweet_id, amount)
        store.tweets.count(batch, TweetCounter.REPLIES, amount)
        yield batch
    if tweet.quote_of is not None:
        batch = Batch(tweet.quote_of)
        _child(store.quotes, batch, tweet.tweet_id, amount)
        store.tweets.count(batch, TweetCounter.QUOTES, amount)
        yield batch
    if tweet.retweet_of is not None:
        batch = Batch(tweet.retweet_of)
        change = store.retweeted_by.put if amount > 0 else store.retweeted_by.delete
        change(batch, tweet.tweet_id, tweet.author_id)
        store.tweets.count(batch, TweetCounter.RETWEETS, amount)
        yield batch


def _child(children: Children, batch: Batch, tweet_id: TweetId, amount: int) -> None:
    if amount > 0:
        children.put(batch, tweet_id)
    else:
        children.delete(batch, tweet_id)


def _second_step(store: Store, event: TweetReserved | TweetWithdrawn) -> Iterator[Batch]:
    """Yield what writes, or deletes, the tweet that its author's partition decided on."""
    tweet = event.tweet
    if isinstance(event, TweetReserved):
        batch = Batch(tweet.tweet_id, event=pack_event(TweetPosted(tweet)))
        store.tweets.put(batch, tweet)
    else:
        batch = Batch(tweet.tweet_id, event=pack_event(deletion_of(tweet, event.at)))
        store.tweets.delete(batch, tweet)
    yield batch


def _favorite(store: Store, event: Favorited | Unfavorited) -> Iterator[Batch]:
    batch = Batch(event.tweet_id)
    if isinstance(event, Favorited):
        store.favorited_by.put(batch, event.at, event.user_id)
        store.tweets.count(batch, TweetCounter.FAVORITES, 1)
    else:
        store.favorited_by.delete(batch, event.since, event.user_id)
        store.tweets.count(batch, TweetCounter.FAVORITES, -1)
    yield batch


def _follow(store: Store, event: Followed | Unfollowed) -> Iterator[Batch]:
    batch = Batch(event.followee_id)
    if isinstance(event, Followed):
        store.followers.put(batch, event.follower_id, event.at)
        store.users.count(batch, event.followee_id, Counter.FOLLOWERS, 1)
    else:
        store.followers.delete(batch, event.follower_id, event.since)
        store.users.count(batch, event.followee_id, Counter.FOLLOWERS, -1)
    yield batch


def _block(store: Store, event: Blocked | Unblocked) -> Iterator[Batch]:
    batch = Batch(event.blocked_id)
    if isinstance(event, Unblocked):
        store.blocked_by.delete(batch, event.blocker_id, event.since)
    else:
        store.blocked_by.put(batch, event.blocker_id, event.at)
        if event.followed_at:
            store.followers.delete(batch, event.blocker_id, event.followed_at)
            store.users.count(batch, event.blocked_id, Counter.FOLLOWERS, -1)
    yield batch


def _profile(
    store: Store, event: AccountCreated | ProfileWritten | RegistrationApproved | AccountClosed
) -> Iterator[Batch]:
    batch = Batch(event.user.user_id)
    store.users.put(batch, event.user)
    yield batch


def _no_profile(store: Store, event: AccountDeleted) -> Iterator[Batch]:
    batch = Batch(event.user_id)
    store.users.delete(batch, event.user_id)
    yield batch


_EFFECTS: dict[type[Event], Callable[[Store, Any], Iterator[Batch]]] = {
    TweetPosted: _around,
    TweetDeleted: _around,
    TweetReserved: _second_step,
    TweetWithdrawn: _second_step,
    Favorited: _favorite,
    Unfavorited: _favorite,
    Followed: _follow,
    Unfollowed: _follow,
    Blocked: _block,
    Unblocked: _block,
    AccountCreated: _profile,
    ProfileWritten: _profile,
    RegistrationApproved: _profile,
    AccountClosed: _profile,
    AccountDeleted: _no_profile,
}
"""What each event causes; one that is not here causes nothing in other partitions."""


class IndexConsumer:
    """Commits the effects of each event, exactly once."""

    name = INDEX
    durable = True

    def __init__(self, store: Store) -> None:
        self._store = store

    async def consume(self, source: int, events: Events) -> None:
        """Commit all effects of a chunk together. Raises: StorageError."""
        await settled([self._store.engine.commit(b) for b in self._effects(source, events)])
        for _, event in events:
            if isinstance(event, Blocked):
                await self._end_follow(event)

    def _effects(self, source: int, events: Events) -> Iterator[Batch]:
        for sequence, event in events:
            for part, batch in enumerate(effects_of(self._store, event)):
                batch.effect = Effect(INDEX, source, sequence, part)
                yield batch

    async def _end_follow(self, event: Blocked) -> None:
        """End the follow that the blocked one has of the blocker, while that block stands.

        A truth of the blocked one's partition, so it has an event of its own. Seen again after a
        crash it changes nothing: the block or the follow is then no longer as it expects.
        """
        store, follower, followee = self._store, event.blocked_id, event.blocker_id
        since = await store.following.find(follower, followee)
        if since is not None:
            batch = unfollowed_by_block(store, follower, followee, since, event.at)
            # A conflict: they unfollowed meanwhile, or the block has ended. A new follow cannot
            # have begun: it would have met the block.
            with suppress(Conflict):
                await store.engine.commit(batch)


async def settled(futures: Sequence[asyncio.Future[Receipt | None]]) -> None:
    """Wait for all; then raise the first error, if there was one."""
    errors: list[BaseException] = []
    for future in futures:
        try:
            await future
        except Exception as error:  # noqa: BLE001  (collected, the first is raised below)
            errors.append(error)
    if errors:
        raise errors[0]
