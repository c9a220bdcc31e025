"""The bus: tells open streams what happens, in process.

Invariants:
- Tweets are told in the order of their ids, each once: they wait here until the watermark has
  passed them. The home consumer hands them in before their posts settle, so none comes too late.
- What is told was told to the caches before: whoever reads then finds it.
- A place names what was told before it: the greatest tweet id, and for each journal a sequence up
  to which all other events were told. Tweets that still wait hold their journal's sequence back,
  so from a place on nothing is missed; edits, deletions and counts may be told twice.
- Nobody waits for a stream: one that does not keep up is dropped, with a reason.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import re
from array import array
from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from chirp.clock import Clock
from chirp.errors import Invalid, StorageError
from chirp.fanout.journal import JournalRunner
from chirp.fanout.journal_reader import Events
from chirp.idgen.watermark import Watermark
from chirp.model import MAX_ID, UserId
from chirp.readers.graph import GraphReader, contains
from chirp.readers.tweets import TweetReader
from chirp.storage.events import (
    AccountClosed,
    Event,
    Favorited,
    ProfileWritten,
    TweetDeleted,
    TweetEdited,
    TweetPosted,
    Unfavorited,
)

log = logging.getLogger(__name__)

MOST_WAITING = 1_000
"""How many items may wait in one stream before it counts as too slow."""

MOST_RESUMED = 10_000
"""How many events are read again for a stream that was away; after more it must begin anew."""

COUNTS_EVERY_S = 0.5
"""New counts of a tweet are told at most so often."""

WOKEN_AT_ONCE = 16
"""So many readers make and send their event before others get a turn of the loop. With a thousand,
a tweet for 8,000 readers kept everybody else waiting for seconds (bench/streams)."""

_PLACE = re.compile(r"[0-9a-f]{1,16}(\.[0-9a-f]{1,16}){1,256}")


class ItemKind(StrEnum):
    """What an item tells of."""

    TWEET = "tweet"
    DELETE = "delete"
    EDIT = "edit"
    COUNTS = "counts"


class Place(NamedTuple):
    """What a stream was told up to: a tweet id, and a sequence of each journal."""

    tweet_id: int
    sequences: tuple[int, ...]

    def __str__(self) -> str:
        return ".".join(f"{number:x}" for number in (self.tweet_id, *self.sequences))


def parse_place(text: str, sources: int) -> Place:
    """Return the place that a Last-Event-ID names. Raises: Invalid: it is not one of ours."""
    numbers = [int(part, 16) for part in text.split(".")] if _PLACE.fullmatch(text) else []
    if len(numbers) != sources + 1 or max(numbers) > MAX_ID:
        raise Invalid("Last-Event-ID is not one that this server gave", field="Last-Event-ID")
    return Place(numbers[0], tuple(numbers[1:]))


class Item(NamedTuple):
    """Something that happened to a tweet, and the place behind it.

    `number`: how many were told before, since the start; 0 of what is read again.
    """

    kind: ItemKind
    tweet_id: int
    author_id: int
    place: Place
    number: int = 0


class Missed(NamedTuple):
    """What was told between a place and now, `place`; None when it is too much or gone.

    Items up to `number` are among it: a stream that was open already gets them once more.
    """

    items: list[Item] | None
    place: Place
    number: int


class Stream:
    """What waits to be told to one reader."""

    __slots__ = ("_items", "_woken", "begun", "ended", "user_id")

    def __init__(self, user_id: UserId, begun: Place) -> None:
        self.user_id = user_id
        self.begun = begun
        """The place from which on it is told."""
        self.ended: str | None = None
        """Why nothing more will come, in words; None while the stream is open."""
        self._items: deque[Item] = deque()
        self._woken: asyncio.Future[None] | None = None

    def offer(self, item: Item) -> None:
        """Let an item wait, or end the stream when too many do. O(1)."""
        if len(self._items) >= MOST_WAITING:
            self.end("too slow: more than 1,000 events were waiting")
        elif self.ended is None:
            self._items.append(item)
            self._wake()

    def end(self, why: str) -> None:
        """Tell no more; what waits is forgotten. O(1)."""
        if self.ended is None:
            self.ended = why
            self._items.clear()
            self._wake()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def take(self, timeout_s: float) -> list[Item]:
        """Return what waits; nothing when the stream has ended or the time is up."""
        if not self._items and self.ended is None:
            self._woken = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._woken], timeout=timeout_s)
            self._woken = None
        items = list(self._items)
        self._items.clear()
        return items


class Bus:
    """All open streams, and what is to be told to them."""

    def __init__(
        self,
        journal: JournalRunner,
        graph: GraphReader,
        tweets: TweetReader,
        watermark: Watermark,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._graph = graph
        self._tweets = tweets
        self._watermark = watermark
        self._clock = clock
        self._streams: dict[int, list[Stream]] = {}
        self._open = 0
        self._held: list[tuple[int, int, int, int]] = []
        """A heap of tweets above the watermark: (tweet id, author id, source, sequence)."""
        self._handled = [0] * journal.sources
        self._released = 0
        self._counted: dict[int, None] = {}
        self._to_tell: deque[Item] = deque()
        self._number = self._delivered = 0
        self._told_to = self.place()
        self._woken = asyncio.Event()
        self._count_changed = asyncio.Event()
        self._told = self._dropped = 0

    # -- what happens -------------------------------------------------------------------

    def begin(self) -> None:
        """Start from what is settled and handled now."""
        self._released = self._watermark.value
        self._handled = self._journal.ends()
        self._watermark.subscribe(self._release)

    def take(self, source: int, events: Events) -> None:
        """Take in a chunk of one journal, in order, which the caches know of already."""
        for sequence, event in events:
            self._handled[source] = sequence
            if isinstance(event, TweetPosted):
                tweet = event.tweet
                heapq.heappush(self._held, (tweet.tweet_id, tweet.author_id, source, sequence))
            elif isinstance(event, AccountClosed | ProfileWritten) and event.user.suspended:
                self._end_streams(event.user.user_id, "the account is suspended or closed")
            if self._streams:
                self._note(event)
        self._release(self._watermark.value)

    def _note(self, event: Event) -> None:
        if isinstance(event, TweetDeleted):
            self._tell(ItemKind.DELETE, event.tweet_id, event.author_id)
        elif isinstance(event, TweetEdited):
            self._tell(ItemKind.EDIT, event.tweet.tweet_id, event.tweet.author_id)
        if isinstance(event, TweetPosted | TweetDeleted | Favorited | Unfavorited):
            self._counted |= dict.fromkeys(counted_by(event))
            self._count_changed.set()

    def _release(self, settled: int) -> None:
        """Tell of all tweets that the watermark has passed, in the order of their ids."""
        while self._held and self._held[0][0] <= settled:
            tweet_id, author_id, _, _ = heapq.heappop(self._held)
            self._released = max(self._released, tweet_id)
            if self._streams:
                self._tell(ItemKind.TWEET, tweet_id, author_id)

    def _tell(self, kind: ItemKind, tweet_id: int, author_id: int) -> None:
        self._number += 1
        self._to_tell.append(Item(kind, tweet_id, author_id, self.place(), self._number))
        self._woken.set()

    def place(self) -> Place:
        """Return the place behind all that was told or is about to be. O(tweets held)."""
        sequences = list(self._handled)
        for _, _, source, sequence in self._held:
            sequences[source] = min(sequences[source], sequence - 1)
        return Place(self._released, tuple(sequences))

    def told(self) -> Place:
        """Return the place behind what open streams were offered. O(tweets held).

        Unlike `place`, a reader may come back with it who has taken all that waited.
        """
        if self._delivered == self._number:
            self._told_to = self.place()
        return self._told_to

    # -- telling ------------------------------------------------------------------------

    async def run(self) -> None:
        """Tell streams what happens to tweets, as long as the process lives."""
        while True:
            if not self._to_tell:
                self._woken.clear()
                await self._woken.wait()
            while self._to_tell:
                item = self._to_tell.popleft()
                await self._deliver(item)
                self._delivered, self._told_to = item.number, item.place

    async def run_counts(self) -> None:
        """Tell streams of new counts, now and then, as long as the process lives."""
        while True:
            if not self._counted:
                self._count_changed.clear()
                await self._count_changed.wait()
            self._tell_counts()
            await self._clock.sleep(COUNTS_EVERY_S)

    def _tell_counts(self) -> None:
        counted, self._counted = list(self._counted), {}
        for cell in self._tweets.cached(counted):
            # What no cache holds, nobody has on the screen.
            if cell is not None and self._streams:
                self._tell(ItemKind.COUNTS, cell.tweet.tweet_id, cell.tweet.author_id)

    async def _deliver(self, item: Item) -> None:
        if not self._streams:
            return
        try:
            followers = await self._graph.followers(UserId(item.author_id))
        except StorageError:
            log.exception("a stream cannot be told what happens")
            self.end_all("the store could not be read")
            return
        for done, user_id in enumerate(self._readers(item.author_id, followers), 1):
            for stream in self._streams.get(user_id, ()):
                stream.offer(item)
                self._told += 1
            if done % WOKEN_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _readers(self, author: int, followers: array[int]) -> Iterator[int]:
        """Yield who has a stream and follows the author, and the author. O(the fewer of both)."""
        yield author
        if len(followers) <= len(self._streams):
            yield from (f for f in followers.tolist() if f in self._streams)
        else:
            yield from (u for u in list(self._streams) if contains(followers, u))

    # -- streams ------------------------------------------------------------------------

    def open(self, user_id: UserId) -> Stream:
        """Return a stream of what happens from now on. O(1)."""
        stream = Stream(user_id, self.told())
        self._streams.setdefault(user_id, []).append(stream)
        self._open += 1
        return stream

    def close(self, stream: Stream) -> None:
        """Let go of a stream. O(streams of that user)."""
        if stream.ended is not None and stream.ended.startswith("too slow"):
            self._dropped += 1
        streams = self._streams.get(stream.user_id, [])
        if stream in streams:
            streams.remove(stream)
            self._open -= 1
        if not streams:
            self._streams.pop(stream.user_id, None)

    def count_of(self, user_id: UserId) -> int:
        """Return how many streams a user has open. O(1)."""
        return len(self._streams.get(user_id, ()))

    def __len__(self) -> int:
        """Return how many streams are open. O(1)."""
        return self._open

    def _end_streams(self, user_id: UserId, why: str) -> None:
        for stream in self._streams.get(user_id, ()):
            stream.end(why)

    def end_all(self, why: str) -> None:
        """End every stream."""
        for streams in self._streams.values():
            for stream in streams:
                stream.end(why)

    async def missed(self, after: Place) -> Missed:
        """Return what was told between a place and now.

        To be called when the stream is open already: what is told meanwhile waits there.
        """
        here, number = self.place(), self._number
        found: list[Item] = []
        room = MOST_RESUMED
        for source, begin in enumerate(after.sequences):
            events = await self._journal.read_between(source, begin, self._handled[source], room)
            if events is None:
                return Missed(None, here, number)
            room -= len(events)
            found += _items(events, after, here)
        tweets = sorted((i for i in found if i.kind is ItemKind.TWEET), key=lambda i: i.tweet_id)
        others = [item for item in found if item.kind is not ItemKind.TWEET]
        return Missed(tweets + others, here, number)

    def stats(self) -> dict[str, float]:
        """Return how many streams are open, and what was told and dropped."""
        return {
            "open": len(self),
            "held": len(self._held),
            "waiting": len(self._to_tell),
            "told": self._told,
            "dropped": self._dropped,
        }


def counted_by(event: Event) -> Iterator[int]:
    """Yield the tweets whose counts an event changes."""
    if isinstance(event, Favorited | Unfavorited):
        yield event.tweet_id
    elif isinstance(event, TweetPosted | TweetDeleted):
        tweet = event.tweet if isinstance(event, TweetPosted) else event
        for other in (tweet.in_reply_to_tweet_id, tweet.quote_of, tweet.retweet_of):
            if other is not None:
                yield other


def _items(events: Events, after: Place, here: Place) -> Iterator[Item]:
    """Yield what events of the past tell; tweets that were told before or wait still are not.

    Who is cut off amid these comes back for the tweets that are left and for all others again:
    sequences stay those of `after` until the last was told.
    """
    counted: dict[int, None] = {}
    behind = Place(here.tweet_id, after.sequences)
    for _, event in events:
        if (
            isinstance(event, TweetPosted)
            and after.tweet_id < event.tweet.tweet_id <= here.tweet_id
        ):
            tweet = event.tweet
            place = Place(tweet.tweet_id, after.sequences)
            yield Item(ItemKind.TWEET, tweet.tweet_id, tweet.author_id, place)
        elif isinstance(event, TweetDeleted):
            yield Item(ItemKind.DELETE, event.tweet_id, event.author_id, behind)
        elif isinstance(event, TweetEdited):
            yield Item(ItemKind.EDIT, event.tweet.tweet_id, event.tweet.author_id, behind)
        counted |= dict.fromkeys(counted_by(event))
    yield from (Item(ItemKind.COUNTS, tweet_id, 0, behind) for tweet_id in counted)
