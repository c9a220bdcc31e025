"""The audit consumer: shows every posted tweet to the filters, and writes what they flag.

Invariants:
- A flag is written exactly once, with the effect mark of the tweet's event: a replay writes no
  double.
- Nothing is hidden, delayed or dropped: posts do not wait for this consumer, and a tweet that a
  filter fails on goes on to the others.
- What filters remember is made anew after a start, from the events before the cursor: flags do not
  depend on where the process was stopped, as long as a window's events are among the last
  REMEMBERED_EVENTS of each journal.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Sequence

from chirp.fanout.audit_filters import Filter
from chirp.fanout.index import settled
from chirp.fanout.journal_reader import Events
from chirp.metrics import Metrics
from chirp.model import Flag, FlagReason, Tweet
from chirp.storage.engine import Batch, Effect
from chirp.storage.events import TweetEdited, TweetPosted, unpack_event
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store

log = logging.getLogger(__name__)

AUDIT = "audit"

REMEMBERED_EVENTS = 5_000
"""How far before its cursor each journal is read again after a start."""

SLICE_TWEETS = 16
"""After so many tweets the loop gets a turn: about 0.3 ms of work."""


SLICE_EVENTS = 64
"""So many events are read again at once."""

REST_S = 0.001
"""And then others have the loop for so long: nobody waits for what was."""


class AuditConsumer:
    """Flags tweets to the moderators."""

    name = AUDIT
    durable = True

    def __init__(self, store: Store, filters: Sequence[Filter], metrics: Metrics) -> None:
        self._store = store
        self._filters = filters
        self._metrics = metrics
        self._starting = asyncio.Lock()
        self._remembered = False
        self._failed: set[str] = set()

    async def consume(self, source: int, events: Events) -> None:
        """Show the tweets of a chunk to the filters, and commit the flags. Raises: StorageError."""
        await self._remember()
        flags = []
        for number, (sequence, event) in enumerate(events, 1):
            if isinstance(event, TweetPosted | TweetEdited):
                reasons = self._look(event.tweet)
                if reasons:
                    flags.append(_batch(self._store, source, sequence, event.tweet, reasons))
            if number % SLICE_TWEETS == 0:
                await asyncio.sleep(0)
        if flags:
            await settled([self._store.engine.commit(batch) for batch in flags])

    def _look(self, tweet: Tweet, *, quiet: bool = False) -> list[FlagReason]:
        """Return all filters' reasons; `quiet`: they only are to remember the tweet."""
        if tweet.retweet_of is not None:
            return []
        found = []
        for each in self._filters:
            try:
                words = each.reasons(tweet)
            except Exception as error:  # noqa: BLE001  (a filter is a plug-in: it must not stop the others)
                self._note_failure(each.name, error)
                continue
            found += [FlagReason(each.name, text) for text in words]
        if not quiet:
            for reason in found:
                self._metrics.flags[reason.filter] += 1
        return found

    def _note_failure(self, name: str, error: Exception) -> None:
        """Count a filter's failure; the first one of each filter is logged."""
        self._metrics.filter_failures[name] += 1
        if name not in self._failed:
            self._failed.add(name)
            log.error("the filter %s failed; tweets go past it", name, exc_info=error)

    async def _remember(self) -> None:
        """Show the filters what they knew before the start. All journals wait until they do."""
        async with self._starting:
            if not self._remembered:
                await self._read_past()
                self._remembered = True

    async def _read_past(self) -> None:
        sources = range(self._store.engine.sources)
        known = [await self._tweets_before(source) for source in sources]
        # Merged by time, as they were posted; each journal keeps its own order.
        merged = heapq.merge(*known, key=lambda tweet: tweet.created_at)
        for number, tweet in enumerate(merged, 1):
            self._look(tweet, quiet=True)
            if number % SLICE_TWEETS == 0:
                await asyncio.sleep(REST_S)

    async def _tweets_before(self, source: int) -> list[Tweet]:
        """Return the tweets of the last events before the cursor, which has not moved yet."""
        engine = self._store.engine
        cursor = await engine.cursor(AUDIT, source) or 0
        after, tweets = max(0, cursor - REMEMBERED_EVENTS), []
        while rows := await engine.read_journal(source, after, SLICE_EVENTS):
            for after, raw in rows:
                event = unpack_event(raw) if after <= cursor else None
                if isinstance(event, TweetPosted | TweetEdited):
                    tweets.append(event.tweet)
            if after >= cursor:
                break
            await asyncio.sleep(REST_S)
        return tweets


def _batch(
    store: Store, source: int, sequence: int, tweet: Tweet, reasons: list[FlagReason]
) -> Batch:
    """Return the batch that writes a tweet's flag. It depends on the event and its past alone."""
    batch = Batch(DIRECTORY, effect=Effect(AUDIT, source, sequence))
    flag = Flag(tweet.tweet_id, tweet.author_id, tweet.created_at, tuple(reasons))
    store.flags.put(batch, flag)
    return batch
