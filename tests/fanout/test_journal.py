"""The journal runner: order, exactly once, waiting, failing, cursors and trimming."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from chirp.errors import StorageError
from chirp.fanout import journal_reader
from chirp.fanout.journal import JournalRunner
from chirp.fanout.journal_reader import Events, Journals
from chirp.model import UnixMs, UserId
from chirp.storage.engine import Batch, Receipt
from chirp.storage.events import Followed, pack_event
from chirp.storage.memory import MemoryEngine
from chirp.tasks import TaskRunner
from tests.support.clock import FixedClock


@dataclass
class Recorder:
    """Remembers what it was given; fails at one sequence if told to."""

    name: str = "recorder"
    durable: bool = True
    fails_at: int = 0
    seen: list[tuple[int, int]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def consume(self, source: int, events: Events) -> None:
        await self.gate.wait()
        for sequence, _ in events:
            if sequence == self.fails_at:
                raise StorageError("the disk is full")
            self.seen.append((source, sequence))


def opened(recorder: Recorder) -> Recorder:
    recorder.gate.set()
    return recorder


async def write(engine: MemoryEngine, partition: int = 1, count: int = 1) -> list[Receipt]:
    receipts = []
    for number in range(count):
        event = Followed(UserId(partition), UserId(number + 100), UnixMs(5))
        receipt = await engine.commit(Batch(partition, event=pack_event(event)))
        assert receipt is not None
        receipts.append(receipt)
    return receipts


@pytest.fixture
async def tasks() -> AsyncIterator[TaskRunner]:
    tasks = TaskRunner()
    yield tasks
    await tasks.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


async def started(
    engine: MemoryEngine, tasks: TaskRunner, clock: FixedClock, *consumers: Recorder, keep: int = 0
) -> JournalRunner:
    """Start consumers, each behind the one before it."""
    runner, before = JournalRunner(engine, tasks, clock, keep_events=keep), None
    for consumer in consumers:
        runner.add(consumer, after=before, before_ready=consumer.durable)
        before = consumer.name
    await runner.start()
    return runner


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_consumer_sees_each_event_once_and_in_order(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, recorder = MemoryEngine(), opened(Recorder())
    runner = await started(engine, tasks, clock, recorder)
    await write(engine, count=600)
    await runner.wait_idle()
    assert recorder.seen == [(0, sequence) for sequence in range(1, 601)]


async def test_journals_do_not_wait_for_one_another(tasks: TaskRunner, clock: FixedClock) -> None:
    engine, recorder = MemoryEngine(8), opened(Recorder(fails_at=3))
    runner = await started(engine, tasks, clock, recorder)
    receipts = [(await write(engine, partition))[0] for partition in range(1, 9)]
    for receipt in receipts:
        await runner.wait_applied("recorder", receipt)
    assert sorted(recorder.seen) == sorted((r.source, r.sequence) for r in receipts)


async def test_what_was_committed_before_the_start_is_caught_up_with(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, recorder = MemoryEngine(), opened(Recorder())
    await write(engine, count=300)
    await started(engine, tasks, clock, recorder)
    assert len(recorder.seen) == 300


async def test_a_restart_goes_on_behind_the_stored_cursor(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, before, after = MemoryEngine(), opened(Recorder()), opened(Recorder())
    runner = await started(engine, tasks, clock, before)
    await write(engine, count=3)
    await runner.wait_idle()
    await runner.store_cursors()
    await tasks.close()
    engine, later = engine.reopened(), TaskRunner()
    await write(engine, count=2)
    await started(engine, later, clock, after)
    assert after.seen == [(0, 4), (0, 5)]
    await later.close()


async def test_after_a_crash_events_behind_the_cursor_come_again(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, after = MemoryEngine(), opened(Recorder())
    runner = await started(engine, tasks, clock, opened(Recorder()))
    await write(engine, count=2)
    await runner.wait_idle()
    await tasks.close()
    later = TaskRunner()
    await started(engine.reopened(), later, clock, after)
    assert after.seen == [(0, 1), (0, 2)]
    await later.close()


async def test_a_consumer_without_a_cursor_starts_at_the_end(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, recorder = MemoryEngine(), opened(Recorder(durable=False))
    await write(engine, count=2)
    runner = await started(engine, tasks, clock, recorder)
    await write(engine)
    await runner.wait_idle()
    assert recorder.seen == [(0, 3)]
    await runner.store_cursors()
    assert await engine.cursor("recorder", 0) is None


async def test_cursors_are_stored_every_second(tasks: TaskRunner, clock: FixedClock) -> None:
    engine = MemoryEngine()
    runner = await started(engine, tasks, clock, opened(Recorder()))
    await write(engine, count=2)
    await runner.wait_idle()
    assert await engine.cursor("recorder", 0) is None
    clock.advance_ms(1_000)
    await turns()
    assert await engine.cursor("recorder", 0) == 2


async def test_no_cursor_is_stored_while_writes_are_refused(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine = MemoryEngine()
    runner = await started(engine, tasks, clock, opened(Recorder()))
    await write(engine)
    await runner.wait_idle()
    engine.stop_writes("the disk is full")
    clock.advance_ms(61_000)
    await turns()
    assert tasks.failures == []
    engine.stop_writes(None)
    assert await engine.cursor("recorder", 0) is None


async def test_a_consumer_goes_no_further_than_the_one_before_it(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine = MemoryEngine()
    first, second = Recorder("first"), opened(Recorder("second"))
    runner = await started(engine, tasks, clock, first, second)
    await write(engine, count=3)
    await turns()
    assert second.seen == []
    assert runner.lag() == {"first": 3, "second": 3}
    first.gate.set()
    await runner.wait_idle()
    assert first.seen == second.seen == [(0, 1), (0, 2), (0, 3)]
    assert runner.lag() == {"first": 0, "second": 0}


async def test_waiting_ends_when_the_event_is_consumed(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, recorder = MemoryEngine(), Recorder()
    runner = await started(engine, tasks, clock, recorder)
    receipt = (await write(engine))[0]
    waiting = asyncio.create_task(runner.wait_applied("recorder", receipt))
    await turns()
    assert not waiting.done()
    recorder.gate.set()
    await waiting
    assert recorder.seen == [(0, 1)]


async def test_a_cancelled_waiter_harms_nobody(tasks: TaskRunner, clock: FixedClock) -> None:
    engine, recorder = MemoryEngine(), Recorder()
    runner = await started(engine, tasks, clock, recorder)
    receipt = (await write(engine))[0]
    gone = asyncio.create_task(runner.wait_applied("recorder", receipt))
    stays = asyncio.create_task(runner.wait_applied("recorder", receipt))
    await turns()
    gone.cancel()
    recorder.gate.set()
    await stays
    assert gone.cancelled()


async def test_a_failing_consumer_stops_and_says_so(
    tasks: TaskRunner, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    engine, recorder = MemoryEngine(), opened(Recorder(fails_at=1))
    runner = await started(engine, tasks, clock, recorder)
    failures = [runner.failure]
    with caplog.at_level(logging.CRITICAL):
        receipt = (await write(engine))[0]
        with pytest.raises(StorageError, match="recorder consumer has stopped") as caught:
            await runner.wait_applied("recorder", receipt)
    assert str(caught.value.__cause__) == "the disk is full"
    failures.append(runner.failure)
    assert failures == [None, "the recorder consumer has stopped"]
    assert recorder.seen == []


async def test_whoever_asks_after_a_failure_is_told_too(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine = MemoryEngine()
    runner = await started(engine, tasks, clock, opened(Recorder(fails_at=1)))
    receipt = (await write(engine))[0]
    await turns()
    for _ in range(2):
        with pytest.raises(StorageError):
            await runner.wait_applied("recorder", receipt)
    with pytest.raises(StorageError):
        await runner.wait_idle()


async def test_whoever_waits_for_a_later_consumer_hears_of_an_earlier_ones_failure(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, second = MemoryEngine(), opened(Recorder("second"))
    runner = await started(engine, tasks, clock, opened(Recorder("first", fails_at=2)), second)
    done, lost = await write(engine, count=2)
    for _ in range(2):
        with pytest.raises(StorageError, match="second consumer has stopped") as caught:
            await asyncio.wait_for(runner.wait_applied("second", lost), 5)
        assert "first consumer has stopped" in str(caught.value.__cause__)
    assert done.sequence == 1


async def test_a_later_consumer_finishes_what_the_failed_one_had_done(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, second = MemoryEngine(), Recorder("second")
    first = opened(Recorder("first", fails_at=2))
    runner = await started(engine, tasks, clock, first, second)
    done = (await write(engine))[0]
    await turns()
    lost = (await write(engine))[0]
    second.gate.set()
    await asyncio.wait_for(runner.wait_applied("second", done), 5)
    with pytest.raises(StorageError):
        await asyncio.wait_for(runner.wait_applied("second", lost), 5)
    assert second.seen == [(0, 1)]


async def minute(clock: FixedClock) -> None:
    for _ in range(62):
        clock.advance_ms(1_000)
        await turns(5)


async def test_events_that_all_have_passed_are_trimmed_once_a_minute(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine = MemoryEngine()
    runner = await started(engine, tasks, clock, opened(Recorder()), keep=2)
    await write(engine, count=10)
    await runner.wait_idle()
    await minute(clock)
    assert [sequence for sequence, _ in await engine.read_journal(0, 0, 100)] == [9, 10]


async def test_nothing_that_a_slow_consumer_needs_is_trimmed(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine, slow = MemoryEngine(), Recorder("slow")
    await started(engine, tasks, clock, opened(Recorder("fast")), slow)
    await write(engine, count=10)
    await minute(clock)
    assert engine.stats().journal_rows == 10
    slow.gate.set()
    await minute(clock)
    assert engine.stats().journal_rows == 0


async def test_a_gap_in_a_journal_stops_the_consumer(tasks: TaskRunner, clock: FixedClock) -> None:
    engine, recorder = MemoryEngine(), opened(Recorder())
    await write(engine, count=3)
    await engine.trim(0, 2)
    with pytest.raises(StorageError):
        await started(engine, tasks, clock, recorder)
    await turns()
    assert recorder.seen == []
    assert "has a gap above 0" in str(tasks.failures[0])


async def test_readers_far_behind_skip_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_reader, "RECENT_EVENTS", 6)
    engine = MemoryEngine()
    await write(engine, count=12)
    read = Journals(engine)
    await read.read(0, 4, 4)  # the newest ones are known
    await read.read(0, 2, 6)  # and so is what overlaps them
    await read.read(0, 8, 2)
    for after in range(12):
        found = [sequence for sequence, _ in await read.read(0, after, 5)]
        assert found == list(range(after + 1, after + 1 + len(found)))
        assert found


@pytest.mark.parametrize("trimmed", [False, True])
async def test_who_goes_behind_another_begins_where_it_would_have(
    tasks: TaskRunner, clock: FixedClock, trimmed: bool
) -> None:
    """At a start after a crash the first consumer has to catch up, and wakes those behind it."""
    engine = MemoryEngine(1)
    await write(engine, count=10)
    await engine.advance("index", 0, 9)
    await engine.advance("known", 0, 8)
    if trimmed:
        await engine.trim(0, 8)
    index, home = opened(Recorder("index")), opened(Recorder("home", durable=False))
    known, new = opened(Recorder("known")), opened(Recorder("new"))
    runner = JournalRunner(engine, tasks, clock)
    runner.add(index, before_ready=True)
    runner.add(home, after="index")
    for background in (known, new):
        runner.add(background, after="index", background=True)
    await runner.start()
    await runner.wait_idle()
    assert index.seen == [(0, 10)]
    assert home.seen == new.seen == []
    assert known.seen == [(0, 9), (0, 10)]
    await write(engine)
    await runner.wait_idle()
    assert home.seen == new.seen == [(0, 11)]
    assert runner.failure is None


async def test_consumers_end_in_the_turn_that_wakes_them_those_behind_too(
    tasks: TaskRunner, clock: FixedClock
) -> None:
    engine = MemoryEngine(1)
    first, second = opened(Recorder("first")), opened(Recorder("second"))
    slow = opened(Recorder("slow"))
    runner = JournalRunner(engine, tasks, clock)
    runner.add(first)
    runner.add(second, after="first")
    runner.add(slow, after="first", background=True)
    await runner.start()
    told: list[tuple[int, int]] = []
    engine.watch(lambda _source, _sequence: told.append((len(second.seen), len(slow.seen))))
    await write(engine)
    assert told == [(1, 0)], "nobody waits for what is in the background"
    await runner.wait_idle()
    assert len(slow.seen) == 1


async def test_a_mistake_of_one_who_is_told_is_not_the_consumer_s(
    tasks: TaskRunner, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    engine, recorder = MemoryEngine(1), Recorder()
    runner = await started_later(engine, tasks, clock, recorder)
    (receipt,) = await write(engine)

    def fails(_refusal: object) -> None:
        raise ValueError("their mistake")

    heard: list[object] = []
    runner.when_applied("recorder", receipt, fails)
    runner.when_applied("recorder", receipt, heard.append)
    with caplog.at_level(logging.ERROR):
        recorder.gate.set()
        await runner.wait_idle()
    assert heard == [None]
    assert "their mistake" in caplog.text
    assert runner.failure is None


async def started_later(
    engine: MemoryEngine, tasks: TaskRunner, clock: FixedClock, consumer: Recorder
) -> JournalRunner:
    """Start one consumer, whose gate is shut."""
    runner = JournalRunner(engine, tasks, clock)
    runner.add(consumer)
    await runner.start()
    return runner
