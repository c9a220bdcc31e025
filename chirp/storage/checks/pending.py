"""Pending: what the events say that the index consumer has not applied yet.

The rows that such an event will write, or may have written already (a cursor lags behind), can
stand either way: the check says nothing of them and the repair leaves them alone, because an
effect that comes after a repair would count twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chirp.errors import StorageError
from chirp.storage.engine import Engine
from chirp.storage.events import (
    AccountCreated,
    AccountDeleted,
    Event,
    Followed,
    ProfileWritten,
    RegistrationApproved,
    RegistrationHeld,
    RegistrationRejected,
    TweetDeleted,
    TweetPosted,
    Unfollowed,
    unpack_event,
)
from chirp.storage.tables.users import Counter

INDEX_CONSUMER = "index"
"""The consumer that writes the derived rows."""

AUDIT_CONSUMER = "audit"
"""The consumer that writes flags: rows of its own, from which nothing else derives."""

CHUNK_EVENTS = 1_000


@dataclass(slots=True)
class Pending:
    """Unapplied events, and whom their consequences concern. Memory: O(events)."""

    events: int = 0
    tweets: set[int] = field(default_factory=set)
    edges: set[tuple[int, int]] = field(default_factory=set)
    counters: set[tuple[int, int]] = field(default_factory=set)
    users: set[int] = field(default_factory=set)

    def note(self, event: Event) -> None:
        """Take in one unapplied event."""
        self.events += 1
        match event:
            case TweetPosted(tweet=tweet):
                self._tweet(tweet.tweet_id, tweet.author_id)
            case TweetDeleted(tweet_id=tweet_id, author_id=author_id):
                self._tweet(tweet_id, author_id)
            case Followed() | Unfollowed():
                self.edges.add((event.follower_id, event.followee_id))
                self.counters.add((event.followee_id, Counter.FOLLOWERS))
            case AccountCreated(user=user) | ProfileWritten(user=user):
                self.users.add(user.user_id)
            case RegistrationApproved(user=user):
                self.users.add(user.user_id)
            case AccountDeleted(user_id=user_id):
                self.users.add(user_id)
                self.counters.update((user_id, counter) for counter in Counter)
            case RegistrationHeld() | RegistrationRejected():
                pass  # nothing follows from them elsewhere

    def _tweet(self, tweet_id: int, author_id: int) -> None:
        self.tweets.add(tweet_id)
        self.counters.add((author_id, Counter.TWEETS))


async def read_pending(engine: Engine) -> Pending:
    """Return what the index consumer has not applied. O(its events); undecodable ones count."""
    pending = Pending()
    for source in range(engine.sources):
        after = await engine.cursor(INDEX_CONSUMER, source) or 0
        while rows := await engine.read_journal(source, after, CHUNK_EVENTS):
            for after, raw in rows:  # noqa: B007  # the next chunk starts after the last
                _note(pending, raw)
    return pending


def _note(pending: Pending, raw: bytes) -> None:
    try:
        pending.note(unpack_event(raw))
    except StorageError:
        pending.events += 1
