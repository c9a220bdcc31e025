"""All consumers on all journals: starts them, tells who waits for them, stores cursors, trims."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from chirp.clock import Clock
from chirp.errors import ConsumerStopped, StorageError
from chirp.fanout.journal_reader import (
    CHUNK_EVENTS,
    Applied,
    Consumer,
    Events,
    JournalReader,
    Journals,
)
from chirp.storage.engine import Batch, Engine, Receipt
from chirp.storage.events import Event
from chirp.tasks import TaskRunner

STORE_EVERY_S = 1.0
TRIM_EVERY_S = 60.0


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
        self._first: list[list[JournalReader]] = [[] for _ in range(engine.sources)]
        """The readers of each journal that go behind no other: those wake the rest."""
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
                self._tasks,
                self._journals,
                consumer,
                source,
                upstream[source] if upstream else None,
                background=background,
            )
            for source in range(self._engine.sources)
        ]
        if not upstream:
            for source, reader in enumerate(self._readers[consumer.name]):
                self._first[source].append(reader)
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
                reader.wake()
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
        for reader in self._first[source]:
            reader.wake()

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

    def when_applied(self, consumer: str, receipt: Receipt, told: Applied) -> None:
        """Call `told` in the turn in which `consumer` is done with the event of `receipt`."""
        self._readers[consumer][receipt.source].when_applied(receipt.sequence, told)

    async def wait_partition(self, consumer: str, partition: int) -> None:
        """Return once `consumer` is done with all that a partition has committed until now.

        For what another consumer has committed there in the wake of an event, and of which
        nobody has a receipt. Raises: ConsumerStopped.
        """
        await self.wait_applied(consumer, self._newest(partition))

    def when_partition(self, consumer: str, partition: int, told: Applied) -> None:
        """Call `told` in the turn in which `wait_partition` would return."""
        self.when_applied(consumer, self._newest(partition), told)

    def _newest(self, partition: int) -> Receipt:
        source = self._engine.source_of(partition)
        return Receipt(source, self._engine.last_sequence(source))

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
