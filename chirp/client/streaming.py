"""The stream of events: Server-Sent Events, taken up again where they broke.

No tweet is missed or told twice: the server is asked for what came after the last event that was
read. Edits, deletions and counts may be told again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct

from chirp.client.errors import Refused, Unreachable
from chirp.client.shapes import Count, Id, Tweet
from chirp.client.transport import Transport, may_wait, wait_s


class TweetPosted(Struct, frozen=True):
    """A tweet came into the home timeline."""

    tweet: Tweet


class TweetEdited(Struct, frozen=True):
    """A tweet has a new text."""

    tweet: Tweet


class TweetDeleted(Struct, frozen=True):
    """A tweet is gone."""

    tweet_id: Id


class CountsChanged(Struct, frozen=True):
    """A tweet was favorited, retweeted, answered or quoted, or that was taken back."""

    tweet_id: Id
    num_favorites: Count
    num_retweets: Count
    num_replies: Count
    num_quotes: Count


class Reset(Struct, frozen=True):
    """What was missed is too much or too long ago: load the timeline anew."""


Event = TweetPosted | TweetEdited | TweetDeleted | CountsChanged | Reset

_TWEETS: dict[str, type[TweetPosted | TweetEdited]] = {"tweet": TweetPosted, "edit": TweetEdited}
_OTHERS: dict[str, type[TweetDeleted | CountsChanged | Reset]] = {
    "delete": TweetDeleted,
    "counts": CountsChanged,
    "reset": Reset,
}


class Stream:
    """Follows one stream over as many connections as it takes; `last_id` is where it is."""

    def __init__(self, transport: Transport, last_id: str | None) -> None:
        self._transport = transport
        self.last_id = last_id
        self._tries = 0

    async def events(self) -> AsyncIterator[Event]:
        """Yield events for ever. Raises: Refused: for good, as when the key was revoked."""
        while True:
            try:
                async for event in self._connection():
                    yield event
                problem = Unreachable("the stream ended")
            except (Refused, Unreachable) as error:
                if not may_wait(error):
                    raise
                pause_s = wait_s(error, self._tries)
            else:
                pause_s = wait_s(problem, self._tries)
            self._tries += 1
            await asyncio.sleep(pause_s)

    async def _connection(self) -> AsyncIterator[Event]:
        headers = {"Accept": "text/event-stream"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        fields: dict[str, str] = {}
        async for line in self._transport.lines("/stream", headers):
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            event = _event(fields)
            # Only now: an event that was cut in the middle is to come again.
            self.last_id = fields.get("id") or self.last_id
            self._tries, fields = 0, {}
            if event is not None:
                yield event


def _event(fields: dict[str, str]) -> Event | None:
    """Return an event; None for a heartbeat, an end, and kinds that a later server adds."""
    kind, data = fields.get("event", ""), fields.get("data", "")
    try:
        if kind in _TWEETS:
            return _TWEETS[kind](msgspec.json.decode(data, type=Tweet))
        if kind in _OTHERS:
            return msgspec.json.decode(data or "{}", type=_OTHERS[kind])
    except msgspec.DecodeError as error:
        raise Unreachable(f"the event {kind} is not what was agreed") from error
    return None
