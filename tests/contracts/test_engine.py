"""What every engine promises. A new engine joins by one line in ENGINES."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chirp.errors import Conflict, StorageError, WritesStopped
from chirp.storage.codec import pack_i64, unpack_i64
from chirp.storage.engine import Batch, Effect, Engine, Receipt
from chirp.storage.keys import Table, everything, id_key, pair_key, partition_range
from chirp.storage.lmdb_engine import LmdbEngine
from chirp.storage.memory import MemoryEngine

ENGINES: dict[str, Callable[[Path], Engine]] = {
    "memory-1": lambda _: MemoryEngine(1),
    "memory-8": lambda _: MemoryEngine(8),
    "lmdb-1": lambda path: LmdbEngine(path, 1),
    "lmdb-2": lambda path: LmdbEngine(path, 2),
    "lmdb-8": lambda path: LmdbEngine(path, 8),
    "lmdb-2-in-threads": lambda path: LmdbEngine(path, 2, slow_range_s=0),
}


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    engine = ENGINES[request.param](tmp_path)
    yield engine
    await engine.close()


def put(partition: int, key: bytes, value: bytes, *, event: bytes | None = None) -> Batch:
    batch = Batch(partition, event=event)
    batch.put(Table.TWEETS, key, value)
    return batch


def row(partition: int, value: bytes = b"v", *, event: bytes | None = None) -> Batch:
    return put(partition, id_key(partition), value, event=event)


async def value_of(engine: Engine, partition: int) -> bytes | None:
    return (await engine.get_many(Table.TWEETS, [id_key(partition)]))[0]


async def test_what_was_committed_is_read(engine: Engine) -> None:
    await engine.commit(row(1, b"one"))
    await engine.commit(row(2, b"two"))
    keys = [id_key(2), id_key(3), id_key(1)]
    assert await engine.get_many(Table.TWEETS, keys) == [b"two", None, b"one"]


async def test_rows_are_there_after_letting_go(engine: Engine) -> None:
    await engine.commit(row(1, b"one"))
    engine.let_go()
    assert await value_of(engine, 1) == b"one"
    await engine.commit(row(2, b"two"))
    assert len(await engine.scatter(Table.TWEETS, *everything(), 9)) == 2


async def test_no_keys_give_no_values(engine: Engine) -> None:
    assert await engine.get_many(Table.TWEETS, []) == []


async def test_tables_are_apart(engine: Engine) -> None:
    await engine.commit(row(1))
    assert await engine.get_many(Table.USERS, [id_key(1)]) == [None]


async def test_a_later_put_wins_and_a_delete_removes(engine: Engine) -> None:
    first, second = engine.commit(row(1, b"old")), engine.commit(row(1, b"new"))
    await asyncio.gather(first, second)
    assert await value_of(engine, 1) == b"new"
    batch = Batch(1)
    batch.delete(Table.TWEETS, id_key(1))
    await engine.commit(batch)
    assert await value_of(engine, 1) is None


async def test_deleting_nothing_is_fine(engine: Engine) -> None:
    batch = Batch(1)
    batch.delete(Table.TWEETS, id_key(1))
    assert await engine.commit(batch) is None


async def test_scan_stays_in_its_partition_and_order(engine: Engine) -> None:
    for partition, second in [(7, 3), (7, 1), (8, 2), (7, 2), (6, 9)]:
        key = pair_key(partition, second)
        await engine.commit(put(partition, key, str(second).encode()))
    start, stop = partition_range(7)
    rows = await engine.scan(Table.TWEETS, start, stop, 10)
    assert [value for _, value in rows] == [b"1", b"2", b"3"]
    rows = await engine.scan(Table.TWEETS, start, stop, 2, reverse=True)
    assert [value for _, value in rows] == [b"3", b"2"]


@pytest.mark.parametrize("reverse", [False, True])
async def test_scan_bounds_are_inclusive_then_exclusive(engine: Engine, *, reverse: bool) -> None:
    for second in range(6):
        await engine.commit(put(7, pair_key(7, second), b""))
    rows = await engine.scan(Table.TWEETS, pair_key(7, 1), pair_key(7, 4), 10, reverse=reverse)
    seconds = [key[-1] for key, _ in rows]
    assert seconds == ([3, 2, 1] if reverse else [1, 2, 3])


async def test_scan_of_nothing_and_with_limit_zero(engine: Engine) -> None:
    await engine.commit(row(7))
    start, stop = partition_range(9)
    assert await engine.scan(Table.TWEETS, start, stop, 5) == []
    assert await engine.scan(Table.TWEETS, start, stop, 5, reverse=True) == []
    start, stop = partition_range(7)
    assert await engine.scan(Table.TWEETS, start, stop, 0) == []
    assert await engine.scan(Table.TWEETS, start, stop, 0, reverse=True) == []


@pytest.mark.parametrize("reverse", [False, True])
async def test_many_ranges_are_what_each_is_alone(engine: Engine, *, reverse: bool) -> None:
    chosen = random.Random(7)
    pairs = {(chosen.randrange(1, 200), chosen.randrange(20)) for _ in range(1_500)}
    await asyncio.gather(*(engine.commit(put(p, pair_key(p, s), b"v")) for p, s in pairs))
    asked = [
        (chosen.randrange(1, 250), chosen.randrange(20), chosen.randrange(20)) for _ in range(400)
    ]
    ranges = [(pair_key(p, first), pair_key(p, last)) for p, first, last in asked]
    alone = [await engine.scan(Table.TWEETS, *ends, 8, reverse=reverse) for ends in ranges]
    assert await engine.scan_many(Table.TWEETS, ranges, 8, reverse=reverse) == alone
    assert await engine.scan_many(Table.TWEETS, ranges[:1], 8, reverse=reverse) == alone[:1]


async def test_no_ranges_give_no_rows(engine: Engine) -> None:
    assert await engine.scan_many(Table.TWEETS, [], 8) == []


async def test_what_was_committed_is_in_many_ranges(engine: Engine) -> None:
    ranges = [partition_range(p) for p in range(1, 301)]
    for turn in range(3):
        await asyncio.gather(*(engine.commit(row(p, b"%d" % turn)) for p in range(1, 301)))
        found = await engine.scan_many(Table.TWEETS, ranges, 2)
        assert found == [[(id_key(p), b"%d" % turn)] for p in range(1, 301)]


async def test_scatter_merges_all_shards_in_order(engine: Engine) -> None:
    ids = random.Random(5).sample(range(1, 10_000), 700)
    await asyncio.gather(*(engine.commit(row(i)) for i in ids))
    start, stop = everything()
    up = await engine.scatter(Table.TWEETS, start, stop, 1_000)
    assert [key for key, _ in up] == [id_key(i) for i in sorted(ids)]
    down = await engine.scatter(Table.TWEETS, start, stop, 3, reverse=True)
    assert [key for key, _ in down] == [id_key(i) for i in sorted(ids)[:-4:-1]]


async def test_expect_absent_lets_exactly_one_win(engine: Engine) -> None:
    def claim(value: bytes) -> Batch:
        batch = row(1, value)
        batch.expect(Table.TWEETS, id_key(1), None)
        return batch

    results = await asyncio.gather(
        *(engine.commit(claim(str(i).encode())) for i in range(10)), return_exceptions=True
    )
    assert [type(r) for r in results] == [type(None)] + [Conflict] * 9
    assert await value_of(engine, 1) == b"0"


async def test_a_conflict_changes_nothing(engine: Engine) -> None:
    await engine.commit(row(1, b"old"))
    batch = Batch(1, event=b"never")
    batch.put(Table.TWEETS, id_key(1), b"new")
    batch.add(Table.USER_COUNTS, id_key(1), 5)
    batch.expect(Table.TWEETS, id_key(1), b"other")
    with pytest.raises(Conflict):
        await engine.commit(batch)
    assert await value_of(engine, 1) == b"old"
    assert await engine.get_many(Table.USER_COUNTS, [id_key(1)]) == [None]
    assert [engine.last_sequence(s) for s in range(engine.sources)] == [0] * engine.sources


async def test_expects_see_the_state_before_the_batch(engine: Engine) -> None:
    batch = row(1, b"new")
    batch.expect(Table.TWEETS, id_key(1), None)
    await engine.commit(batch)
    assert await value_of(engine, 1) == b"new"


async def test_add_counts_up_and_down(engine: Engine) -> None:
    for amount in (5, -7, 1):
        batch = Batch(1)
        batch.add(Table.USER_COUNTS, id_key(1), amount)
        await engine.commit(batch)
    raw = (await engine.get_many(Table.USER_COUNTS, [id_key(1)]))[0]
    assert raw == pack_i64(-1)


async def test_raise_to_never_lowers(engine: Engine) -> None:
    seen = []
    for amount in (-5, -7, 3, 2, 2**63 - 1, 9):
        batch = Batch(1)
        batch.raise_to(Table.USER_COUNTS, id_key(1), amount)
        await engine.commit(batch)
        (raw,) = await engine.get_many(Table.USER_COUNTS, [id_key(1)])
        assert raw is not None
        seen.append(unpack_i64(raw))
    assert seen == [-5, -5, 3, 3, 2**63 - 1, 2**63 - 1]


async def test_very_many_rows_are_read_in_their_order(engine: Engine) -> None:
    await asyncio.gather(*(engine.commit(row(i, b"%d" % i)) for i in range(1, 700, 2)))
    asked = [id_key(i) for i in range(700, 0, -1)]
    found = await engine.get_many(Table.TWEETS, asked)
    assert found == [b"%d" % i if i % 2 else None for i in range(700, 0, -1)]


async def test_events_have_sequences_without_gaps(engine: Engine) -> None:
    receipts = await asyncio.gather(
        *(engine.commit(row(i, event=f"e{i}".encode())) for i in range(1, 41))
    )
    for source in range(engine.sources):
        events = await engine.read_journal(source, 0, 100)
        assert [seq for seq, _ in events] == list(range(1, len(events) + 1))
        assert engine.last_sequence(source) == len(events)
    by_receipt = {r: f"e{i}".encode() for i, r in enumerate(receipts, 1) if r is not None}
    assert len(by_receipt) == 40
    for receipt, event in by_receipt.items():
        read = await engine.read_journal(receipt.source, receipt.sequence - 1, 1)
        assert read == [(receipt.sequence, event)]


async def test_one_partition_keeps_its_order_in_the_journal(engine: Engine) -> None:
    receipts = await asyncio.gather(*(engine.commit(row(5, event=b"e")) for _ in range(50)))
    sequences = [r.sequence for r in receipts if r is not None]
    assert sequences == list(range(1, 51))


async def test_watchers_hear_of_events(engine: Engine) -> None:
    heard: list[tuple[int, int]] = []
    engine.watch(lambda source, sequence: heard.append((source, sequence)))
    await engine.commit(row(1))
    receipt = await engine.commit(row(1, event=b"e"))
    await asyncio.sleep(0)
    assert receipt is not None
    assert heard == [(receipt.source, receipt.sequence)]


def effect(sequence: int, part: int = 0, consumer: str = "index", source: int = 0) -> Batch:
    batch = Batch(9, effect=Effect(consumer, source, sequence, part))
    batch.add(Table.USER_COUNTS, id_key(9), 1)
    return batch


@pytest.mark.parametrize(
    ("again", "total"),
    [
        (effect(4), 1),
        (effect(3), 1),
        (effect(4, part=1), 2),
        (effect(5), 2),
        (effect(4, consumer="other"), 2),
        (effect(4, source=1), 2),
    ],
)
async def test_effects_are_applied_exactly_once(engine: Engine, again: Batch, total: int) -> None:
    await engine.commit(effect(4))
    await engine.commit(again)
    raw = (await engine.get_many(Table.USER_COUNTS, [id_key(9)]))[0]
    assert raw is not None
    assert unpack_i64(raw) == total


async def test_a_conflicting_effect_can_be_repeated(engine: Engine) -> None:
    batch = effect(4)
    batch.expect(Table.TWEETS, id_key(9), b"absent")
    with pytest.raises(Conflict):
        await engine.commit(batch)
    await engine.commit(effect(4))
    assert await engine.get_many(Table.USER_COUNTS, [id_key(9)]) == [pack_i64(1)]


async def test_a_stale_effect_needs_no_expect_and_leaves_no_event(engine: Engine) -> None:
    await engine.commit(effect(4))
    batch = effect(4)
    batch.event = b"e"
    batch.expect(Table.TWEETS, id_key(9), b"absent")
    assert await engine.commit(batch) is None
    assert [engine.last_sequence(s) for s in range(engine.sources)] == [0] * engine.sources


async def test_a_batch_that_cannot_be_applied_fails_alone(engine: Engine) -> None:
    bad = row(9, event=b"never")
    bad.add(Table.USER_COUNTS, id_key(9), 2**63 - 1)
    bad.add(Table.USER_COUNTS, id_key(9), 2)
    futures = [engine.commit(effect(i)) for i in (1, 2)]
    futures += [engine.commit(bad), engine.commit(effect(3))]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None)] * 2 + [StorageError, type(None)]
    assert await engine.get_many(Table.USER_COUNTS, [id_key(9)]) == [pack_i64(3)]
    assert await value_of(engine, 9) is None
    assert engine.writes_stopped is None


async def test_a_cancelled_commit_harms_nobody(engine: Engine) -> None:
    first, second = engine.commit(row(1, b"one")), engine.commit(row(1, b"two"))
    first.cancel()
    await second
    assert await value_of(engine, 1) == b"two"


async def test_cursors_are_kept_for_each_consumer(engine: Engine) -> None:
    assert await engine.cursor("index", 0) is None
    await engine.advance("index", 0, 12)
    await engine.advance("other", 0, 3)
    assert await engine.cursor("index", 0) == 12
    assert await engine.cursor("other", 0) == 3


async def test_trim_takes_the_oldest_events_only(engine: Engine) -> None:
    receipts = await asyncio.gather(*(engine.commit(row(5, event=b"e")) for _ in range(30)))
    assert receipts[0] is not None
    source = receipts[0].source
    assert await engine.trim(source, 21) == 20
    assert [seq for seq, _ in await engine.read_journal(source, 0, 100)] == list(range(21, 31))
    assert await engine.commit(row(5, event=b"e")) == Receipt(source, 31)


async def test_stats_count_rows_and_batches(engine: Engine) -> None:
    await asyncio.gather(*(engine.commit(row(i, event=b"e")) for i in range(1, 11)))
    stats = engine.stats()
    assert stats.tables["tweets"].rows == 10
    assert (stats.batches, stats.conflicts, stats.journal_rows) == (10, 0, 10)
    assert 1 <= stats.commits <= 10


async def test_a_closed_engine_refuses_writes(engine: Engine) -> None:
    await engine.close()
    with pytest.raises(WritesStopped):
        await engine.commit(row(1))
    assert engine.writes_stopped is not None
