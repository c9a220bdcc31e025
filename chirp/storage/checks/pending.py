"""Pending: what the events say that the index consumer has not applied yet.

The rows that such an event will write, or may have written already (a cursor lags behind), can
stand either way: the check says nothing of them and the repair leaves them alone, because an
effect that comes after a repair would count twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chirp.errors import StorageError
from chirp.model import Tweet
from chirp.storage.engine import Engine
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
    RegistrationHeld,
    RegistrationRejected,
    TweetDeleted,
    TweetPosted,
    TweetReserved,
    TweetWithdrawn,
    Unblocked,
    Unfavorited,
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
    marks: set[tuple[int, int]] = field(default_factory=set)
    tweet_counters: set[int] = field(default_factory=set)

    def note(self, event: Event) -> None:
        """Take in one unapplied event."""
        self.events += 1
        match event:
            case (
                TweetPosted(tweet=tweet) | TweetReserved(tweet=tweet) | TweetWithdrawn(tweet=tweet)
            ):
                self._tweet(tweet)
            case TweetDeleted():
                self._tweet(event)
            case Followed() | Unfollowed():
                self._follow(event.follower_id, event.followee_id)
            case Favorited() | Unfavorited():
                self.marks.add((event.user_id, event.tweet_id))
                self.tweet_counters.add(event.tweet_id)
            case Blocked() | Unblocked():
                self.edges.add((event.blocker_id, event.blocked_id))
                self._follow(event.blocker_id, event.blocked_id)
                self._follow(event.blocked_id, event.blocker_id)
            case AccountCreated(user=user) | ProfileWritten(user=user) | AccountClosed(user=user):
                self.users.add(user.user_id)
            case RegistrationApproved(user=user):
                self.users.add(user.user_id)
            case AccountDeleted(user_id=user_id):
                self.users.add(user_id)
                self.counters.update((user_id, counter) for counter in Counter)
            case RegistrationHeld() | RegistrationRejected():
                pass  # nothing follows from them elsewhere

    def _follow(self, follower: int, followee: int) -> None:
        self.edges.add((follower, followee))
        self.counters.add((followee, Counter.FOLLOWERS))

    def _tweet(self, tweet: Tweet | TweetDeleted) -> None:
        self.tweets.add(tweet.tweet_id)
        self.counters.add((tweet.author_id, Counter.TWEETS))
        for other in (tweet.in_reply_to_tweet_id, tweet.quote_of, tweet.retweet_of):
            if other is not None:
                self.tweet_counters.add(other)
        if tweet.retweet_of is not None:
            self.marks.add((tweet.author_id, tweet.retweet_of))


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
