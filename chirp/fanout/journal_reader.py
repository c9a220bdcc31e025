"""Follows the journals: each consumer on each journal, woken by commits.

A consumer begins in the turn of the loop in which it is woken, and those behind it in the turn in
which it ends: whoever waits for the last of them waits for no turns between.

Invariants:
- A consumer sees the events of one journal in order, each at least once after a crash and exactly
  once otherwise; effects that it commits guard themselves (engine.Effect).
- `position` moves only after `consume` has returned, so what is before it is done.
- A durable consumer's stored cursor is never ahead of its position.
- A consumer that fails stops for good and says why: everybody who waits for it, or for one that
  goes behind it, gets the error.
- Nobody waits for a background consumer: it delays neither the start nor a post, and when it stops,
  its cursor stays and holds what it has yet to see. Its first start begins at the journal's end.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count, takewhile
from typing import Protocol

from chirp.errors import ConsumerStopped, StorageError
from chirp.storage.engine import Engine
from chirp.storage.events import Event, unpack_event
from chirp.tasks import TaskRunner

log = logging.getLogger(__name__)

Events = Sequence[tuple[int, Event]]

Applied = Callable[[ConsumerStopped | None], None]
"""Told that a consumer is done with an event, or why it never will be."""

CHUNK_EVENTS = 256
RECENT_EVENTS = 4_096


class Consumer(Protocol):
    """Draws consequences of events. `durable`: it keeps a cursor and is never skipped."""

    name: str
    durable: bool

    async def consume(self, source: int, events: Events) -> None:
        """Handle (sequence, event) pairs of one journal, in order."""
        ...


class Journals:
    """Reads and decodes the journals; the newest events are decoded once for all consumers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._recent: list[OrderedDict[int, Event]] = [OrderedDict() for _ in range(engine.sources)]
        self._told: dict[bytes, Event] = {}
        """Events that were just submitted, by their bytes: they need not be decoded."""

    def tell(self, raw: bytes, event: Event) -> None:
        """Note what the bytes of an event say that is being committed. O(1)."""
        if len(self._told) >= RECENT_EVENTS:
            self._told.clear()  # batches that failed; whatever else, it is decoded
        self._told[raw] = event

    def _event(self, raw: bytes) -> Event:
        return self._told.pop(raw, None) or unpack_event(raw)

    async def read(self, source: int, after: int, limit: int) -> Events:
        """Return up to `limit` (sequence, event) pairs above `after`. O(limit)."""
        recent = self._recent[source]
        if after + 1 in recent:
            # Up to the first that is not kept: readers at different places leave gaps in here.
            known = takewhile(recent.__contains__, range(after + 1, after + 1 + limit))
            return [(sequence, recent[sequence]) for sequence in known]
        events = [
            (sequence, self._event(raw))
            for sequence, raw in await self._engine.read_journal(source, after, limit)
        ]
        recent.update(events)
        while len(recent) > RECENT_EVENTS:
            recent.popitem(last=False)
        return events


class JournalReader:
    """One consumer on one journal. `upstream`: go no further than that reader has gone."""

    def __init__(
        self,
        engine: Engine,
        tasks: TaskRunner,
        journals: Journals,
        consumer: Consumer,
        source: int,
        upstream: JournalReader | None,
        *,
        background: bool = False,
    ) -> None:
        self._engine = engine
        self._tasks = tasks
        self._name = f"{consumer.name}-{source}"
        self._journals = journals
        self.consumer = consumer
        self.source = source
        self._upstream = upstream
        self.background = background
        self.downstream: list[JournalReader] = []
        self._is_busy = True
        """It consumes, or knows not yet where to begin."""
        self._waiters: list[tuple[int, int, Applied]] = []
        self._tickets = count()
        self.position = 0
        self.stored = 0
        self.failure: BaseException | None = None
        if upstream is not None:
            upstream.downstream.append(self)

    def wake(self) -> None:
        """Consume what is new, here and now as far as nothing has to be waited for. Raises nothing.

        In the background nothing is begun here: the loop gets a turn before.
        """
        if self._is_busy or self.failure is not None:
            return  # at its end, or when it starts, it looks for what is new
        self._is_busy = True
        start = self._tasks.start if self.background else self._tasks.run
        start(self._name, self._consume())

    @property
    def limit(self) -> int:
        """How far this reader may go now."""
        if self._upstream is not None:
            return self._upstream.position
        return self._engine.last_sequence(self.source)

    @property
    def passed(self) -> int:
        """Up to which event this reader never asks again, whatever happens."""
        return self.stored if self.consumer.durable else self.position

    async def start_at(self) -> None:
        """Take the stored cursor, or the journal's end when the consumer keeps none."""
        if self.consumer.durable:
            stored = await self._engine.cursor(self.consumer.name, self.source)
            if stored is None and self.background:
                # Stored at once: what comes from now on is not skipped by the next start.
                stored = self._engine.last_sequence(self.source)
                with suppress(StorageError):  # a full disk: reads go on
                    await self._engine.advance(self.consumer.name, self.source, stored)
            self.position = self.stored = stored or 0
        else:
            self.position = self.limit
        self._is_busy = False

    async def _consume(self) -> None:
        """Consume all that there is. Raises what the consumer raised, when all who wait know."""
        try:
            while self.position < self.limit:
                await self._step()
            self._stop_with_upstream()
        except Exception as error:
            self.failure = error
            self._resolve()
            for reader in self.downstream:
                reader.wake()
            raise
        finally:
            self._is_busy = False

    def _stop_with_upstream(self) -> None:
        """Raise when nothing more will ever come, so that nobody waits for it for ever."""
        if self._upstream is not None and self._upstream.failure is not None:
            raise self._upstream._refusal() from self._upstream.failure  # noqa: SLF001  (a peer)

    async def _step(self) -> None:
        room = min(CHUNK_EVENTS, self.limit - self.position)
        events = await self._journals.read(self.source, self.position, room)
        if not events or events[0][0] != self.position + 1:
            self._meet_gap(events)
        await self.consumer.consume(self.source, events)
        self.position = events[-1][0]
        self._resolve()
        for reader in self.downstream:
            reader.wake()

    def _meet_gap(self, events: Events) -> None:
        """Go on behind a gap in the background; anything else would miss a consequence: raise."""
        if not self.background or not events:
            raise StorageError(f"journal {self.source} has a gap above {self.position}")
        # A version of Chirp without this consumer has trimmed what it had not seen.
        words = "the %s consumer misses events %d to %d of journal %d: they were trimmed"
        missing = (self.position + 1, events[0][0] - 1)
        log.warning(words, self.consumer.name, *missing, self.source)

    def _resolve(self) -> None:
        waiters = self._waiters
        while waiters and (self.failure is not None or waiters[0][0] <= self.position):
            _, _, told = heapq.heappop(waiters)
            try:
                told(None if self.failure is None else self._refusal())
            except Exception:  # their mistake is not the consumer's
                log.exception("nobody could be told what the %s has done", self.consumer.name)

    def _refusal(self) -> ConsumerStopped:
        error = ConsumerStopped(f"the {self.consumer.name} consumer has stopped")
        error.__cause__ = self.failure
        return error

    def when_applied(self, sequence: int, told: Applied) -> None:
        """Call `told` once the consumer is done with `sequence`: now, or in the turn when it is."""
        if sequence <= self.position:
            told(None)
        elif self.failure is not None:
            told(self._refusal())
        else:
            heapq.heappush(self._waiters, (sequence, next(self._tickets), told))

    async def wait_applied(self, sequence: int) -> None:
        """Return once the consumer is done with `sequence`. Raises: ConsumerStopped."""
        if sequence <= self.position:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def told(refusal: ConsumerStopped | None) -> None:
            if future.done():
                return
            if refusal is None:
                future.set_result(None)
            else:
                future.set_exception(refusal)

        self.when_applied(sequence, told)
        await future

    async def store(self) -> None:
        """Store the cursor when the consumer keeps one and it moved."""
        position = self.position
        if self.consumer.durable and position > self.stored:
            await self._engine.advance(self.consumer.name, self.source, position)
            self.stored = position
