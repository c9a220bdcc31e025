"""Follows the journals: one owned task for each consumer and journal, woken by commits.

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
from collections.abc import Sequence
from contextlib import suppress
from itertools import count, takewhile
from typing import Protocol

from chirp.clock import Clock
from chirp.errors import ConsumerStopped, StorageError
from chirp.storage.engine import Batch, Engine, Receipt
from chirp.storage.events import Event, unpack_event
from chirp.tasks import TaskRunner

log = logging.getLogger(__name__)

Events = Sequence[tuple[int, Event]]

CHUNK_EVENTS = 256
RECENT_EVENTS = 4_096
STORE_EVERY_S = 1.0
TRIM_EVERY_S = 60.0


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
        journals: Journals,
        consumer: Consumer,
        source: int,
        upstream: JournalReader | None,
        *,
        background: bool = False,
    ) -> None:
        self._engine = engine
        self._journals = journals
        self.consumer = consumer
        self.source = source
        self._upstream = upstream
        self.background = background
        self.downstream: list[JournalReader] = []
        self._awake = asyncio.Event()
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._tickets = count()
        self.position = 0
        self.stored = 0
        self.failure: BaseException | None = None
        if upstream is not None:
            upstream.downstream.append(self)

    def wake(self) -> None:
        """Look for new events. O(1)."""
        self._awake.set()

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

    async def run(self) -> None:
        """Consume for ever. Raises what the consumer raised, after telling all who wait."""
        try:
            while True:
                if self.position >= self.limit:
                    self._stop_with_upstream()
                    self._awake.clear()
                    await self._awake.wait()
                    continue
                await self._step()
        except Exception as error:
            self.failure = error
            self._resolve()
            for reader in self.downstream:
                reader.wake()
            raise

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
            _, _, future = heapq.heappop(waiters)
            if future.done():
                continue
            if self.failure is None:
                future.set_result(None)
            else:
                future.set_exception(self._refusal())

    def _refusal(self) -> ConsumerStopped:
        error = ConsumerStopped(f"the {self.consumer.name} consumer has stopped")
        error.__cause__ = self.failure
        return error

    async def wait_applied(self, sequence: int) -> None:
        """Return once the consumer is done with `sequence`. Raises: ConsumerStopped."""
        if sequence <= self.position:
            return
        if self.failure is not None:
            raise self._refusal()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (sequence, next(self._tickets), future))
        await future

    async def store(self) -> None:
        """Store the cursor when the consumer keeps one and it moved."""
        position = self.position
        if self.consumer.durable and position > self.stored:
            await self._engine.advance(self.consumer.name, self.source, position)
            self.stored = position


class JournalRunner:
    """All consumers on all journals."""

    def __init__(
        self, engine: Engine, tasks: TaskRunner, clock: Clock, *, keep_events: int = 1_000_000
    ) -> None:
        self._engine = engine
        self._tasks = tasks
        self._clock = clock
        self._keep_events = keep_events
        self._journals = Journals(engine)
        self._readers: dict[str, list[JournalReader]] = {}
        self._before_ready: list[str] = []
        self._awaited: list[JournalReader] = []
        """The readers that people wait for: not those in the background."""

    def add(
        self,
        consumer: Consumer,
        *,
        after: str | None = None,
        before_ready: bool = False,
        background: bool = False,
    ) -> None:
        """Register a consumer; `after`: it sees an event only when that consumer is done.

        `before_ready`: a start waits until it has caught up with what was committed before.
        `background`: nothing that people ask for hangs on it (see the module's invariants).
        """
        if before_ready:
            self._before_ready.append(consumer.name)
        upstream = self._readers.get(after or "", [])
        self._readers[consumer.name] = [
            JournalReader(
                self._engine,
                self._journals,
                consumer,
                source,
                upstream[source] if upstream else None,
                background=background,
            )
            for source in range(self._engine.sources)
        ]
        if not background:
            self._awaited += self._readers[consumer.name]

    def tell(self, batch: Batch, event: Event) -> None:
        """Note what a batch's event says: consumers need not decode it. O(1)."""
        if batch.event is not None:
            self._journals.tell(batch.event, event)

    async def start(self) -> None:
        """Catch up with what was committed before the last stop, then follow."""
        self._engine.watch(self._wake)
        for name, readers in self._readers.items():
            for reader in readers:
                await reader.start_at()
                self._tasks.start(f"{name}-{reader.source}", reader.run())
            if name in self._before_ready:
                await self._wait_caught_up(readers)
        self._tasks.start("journal-keeper", self._keep())

    async def _wait_caught_up(self, readers: Sequence[JournalReader]) -> None:
        """Wait until all have handled everything, what their own work appends included."""
        while behind := [r for r in readers if r.position < self._engine.last_sequence(r.source)]:
            for reader in behind:
                await reader.wait_applied(self._engine.last_sequence(reader.source))

    async def wait_consumer(self, consumer: str) -> None:
        """Return once a consumer has handled all that is committed now. Raises: ConsumerStopped."""
        ends = self.ends()
        for reader in self._readers[consumer]:
            await reader.wait_applied(ends[reader.source])

    async def wait_idle(self) -> None:
        """Return once all consumers have handled all that there is. Raises: ConsumerStopped."""
        await self._wait_caught_up([r for readers in self._readers.values() for r in readers])

    def _wake(self, source: int, _sequence: int) -> None:
        for readers in self._readers.values():
            readers[source].wake()

    @property
    def sources(self) -> int:
        """How many journals there are."""
        return self._engine.sources

    def ends(self) -> list[int]:
        """Return the sequence of the newest event of each journal."""
        return [self._engine.last_sequence(source) for source in range(self._engine.sources)]

    async def read_between(self, source: int, after: int, until: int, limit: int) -> Events | None:
        """Return the events after < sequence <= until; None: there are more, or some are gone."""
        if not 0 <= until - after <= limit:
            return None
        found: list[tuple[int, Event]] = []
        while after < until:
            chunk = await self._journals.read(source, after, min(CHUNK_EVENTS, until - after))
            if not chunk or chunk[0][0] != after + 1:
                return None
            found += chunk
            after = chunk[-1][0]
        return found

    async def wait_applied(self, consumer: str, receipt: Receipt) -> None:
        """Return once `consumer` is done with the event of `receipt`. Raises: ConsumerStopped."""
        await self._readers[consumer][receipt.source].wait_applied(receipt.sequence)

    async def wait_partition(self, consumer: str, partition: int) -> None:
        """Return once `consumer` is done with all that a partition has committed until now.

        For what another consumer has committed there in the wake of an event, and of which
        nobody has a receipt. Raises: ConsumerStopped.
        """
        source = self._engine.source_of(partition)
        reader = self._readers[consumer][source]
        await reader.wait_applied(self._engine.last_sequence(source))

    @property
    def failure(self) -> str | None:
        """Why a consumer has stopped, in words; None while all run that people wait for."""
        for reader in self._awaited:
            if reader.failure is not None:
                return f"the {reader.consumer.name} consumer has stopped"
        return None

    def refuse_if_stopped(self) -> None:
        """Raise when a consumer has stopped. To be asked before a truth is committed.

        Its consequences would not come, so the request that waits for them would be refused
        though its truth is stored; and what is tried again is there twice after the next start.
        Raises: ConsumerStopped.
        """
        why = self.failure
        if why is not None:
            raise ConsumerStopped(why)

    def lag(self) -> dict[str, int]:
        """Return how many events each consumer has yet to handle, over all journals."""
        last = self._engine.last_sequence
        return {
            name: sum(last(reader.source) - reader.position for reader in readers)
            for name, readers in self._readers.items()
        }

    async def _keep(self) -> None:
        """Store cursors every second and trim every minute, as long as the process lives."""
        trimmed_s = self._clock.monotonic_s()
        while True:
            await self._clock.sleep(STORE_EVERY_S)
            await self.store_cursors()
            if self._clock.monotonic_s() - trimmed_s >= TRIM_EVERY_S:
                trimmed_s = self._clock.monotonic_s()
                await self._trim()

    async def store_cursors(self) -> None:
        """Store all cursors that moved, unless writes are refused."""
        if self._engine.writes_stopped is not None:
            return
        for readers in self._readers.values():
            for reader in readers:
                # A cursor may lag: effects guard themselves. Why writes stopped is told elsewhere.
                with suppress(StorageError):
                    await reader.store()

    async def _trim(self) -> None:
        """Delete events that every consumer has passed and that are older than kept.

        What a durable one has passed is what it has stored: it begins there after a crash.
        """
        for source in range(self._engine.sources):
            cursors = [readers[source].passed for readers in self._readers.values()]
            kept_from = self._engine.last_sequence(source) - self._keep_events
            below = min([*cursors, kept_from]) + 1
            if below > 1 and self._engine.writes_stopped is None:
                await self._engine.trim(source, below)
