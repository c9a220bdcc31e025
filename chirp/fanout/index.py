"""The index consumer: derived rows in other partitions than the actor's.

Invariant: after it has passed an event, the author index, the followers relation, the counters
and the profile rows say what the truth says. Its effects are puts, deletes and adds that depend
on the event alone, never on what it reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from chirp.fanout.journal import Events
from chirp.storage.engine import Batch, Effect, Receipt
from chirp.storage.events import (
    AccountDeleted,
    Event,
    Followed,
    RegistrationHeld,
    RegistrationRejected,
    TweetDeleted,
    TweetPosted,
    Unfollowed,
)
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.storage.tables.users import Counter

INDEX = "index"


def effect_of(store: Store, event: Event) -> Batch:
    """Return the batch that an event causes in another partition, without its effect mark."""
    if isinstance(event, TweetPosted):
        batch = Batch(event.tweet.author_id)
        store.tweets.index(batch, event.tweet)
        store.users.count(batch, event.tweet.author_id, Counter.TWEETS, 1)
    elif isinstance(event, TweetDeleted):
        batch = Batch(event.author_id)
        store.tweets.unindex(batch, event.author_id, event.tweet_id)
        store.users.count(batch, event.author_id, Counter.TWEETS, -1)
    elif isinstance(event, Followed):
        batch = Batch(event.followee_id)
        store.followers.put(batch, event.follower_id, event.at)
        store.users.count(batch, event.followee_id, Counter.FOLLOWERS, 1)
    elif isinstance(event, Unfollowed):
        batch = Batch(event.followee_id)
        store.followers.delete(batch, event.follower_id, event.since)
        store.users.count(batch, event.followee_id, Counter.FOLLOWERS, -1)
    elif isinstance(event, AccountDeleted):
        batch = Batch(event.user_id)
        store.users.delete(batch, event.user_id)
    elif isinstance(event, RegistrationHeld | RegistrationRejected):
        # Who waits has no profile: nothing of them is public, and nothing of them remains.
        batch = Batch(DIRECTORY)
    else:
        batch = Batch(event.user.user_id)
        store.users.put(batch, event.user)
    return batch


class IndexConsumer:
    """Commits the effects of each event, exactly once."""

    name = INDEX
    durable = True

    def __init__(self, store: Store) -> None:
        self._store = store

    async def consume(self, source: int, events: Events) -> None:
        """Commit all effects of a chunk together. Raises: StorageError."""
        await settled([self._store.engine.commit(b) for b in self._effects(source, events)])

    def _effects(self, source: int, events: Events) -> Iterator[Batch]:
        for sequence, event in events:
            batch = effect_of(self._store, event)
            batch.effect = Effect(INDEX, source, sequence)
            yield batch


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
