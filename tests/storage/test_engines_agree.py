"""The LMDB engine and the memory engine stay equal, whatever is done to both."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chirp.storage.codec import pack_i64
from chirp.storage.engine import Batch, Effect, Engine
from chirp.storage.keys import Table, everything, pair_key, partition_range
from chirp.storage.lmdb_engine import MOST_AT_ONCE, LmdbEngine
from chirp.storage.memory import MemoryEngine

T = TypeVar("T")
SHARDS = 2

partitions = st.integers(1, 4)
seconds = st.integers(0, 3)
blobs = st.binary(max_size=3)
amounts = st.sampled_from([1, -1, 7, 2**62, -(2**62)])
effects = st.builds(
    Effect,
    st.sampled_from(["index", "home"]),
    st.integers(0, SHARDS - 1),
    st.integers(1, 4),
    st.integers(0, 1),
)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    partition = draw(partitions)
    event, effect = draw(st.none() | blobs), draw(st.none() | effects)
    batch = Batch(partition, event=event, effect=effect)
    for _ in range(draw(st.integers(0, 4))):
        key = pair_key(partition, draw(seconds))
        match draw(
            st.sampled_from(["put", "delete", "add", "raise", "set", "expect", "expect count"])
        ):
            case "put":
                batch.put(Table.TWEETS, key, draw(blobs))
            case "delete":
                batch.delete(draw(st.sampled_from([Table.TWEETS, Table.USER_COUNTS])), key)
            case "add":
                batch.add(Table.USER_COUNTS, key, draw(amounts))
            case "raise":
                batch.raise_to(Table.USER_COUNTS, key, draw(amounts))
            case "set":
                batch.put(Table.USER_COUNTS, key, pack_i64(draw(amounts)))
            case "expect":
                batch.expect(Table.TWEETS, key, draw(st.none() | blobs))
            case _:
                batch.expect(Table.USER_COUNTS, key, draw(st.none() | amounts.map(pack_i64)))
    return batch


class Engines(RuleBasedStateMachine):
    """Both engines, driven side by side on a private loop."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.memory = MemoryEngine(SHARDS)
        self.lmdb = self.run(self.open())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def open(self) -> LmdbEngine:
        # Small maps, so that they grow; no sync, because nobody pulls the plug here.
        folder = Path(self.folder.name)
        return LmdbEngine(folder, SHARDS, map_bytes=1 << 17, sync=False, slow_range_s=0)

    async def commit_all(self, engine: Engine, group: list[Batch]) -> list[object]:
        futures = [engine.commit(batch) for batch in group]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        return [type(a) if isinstance(a, BaseException) else a for a in answers]

    @rule(group=st.lists(batches(), min_size=1, max_size=6))
    def commit(self, group: list[Batch]) -> None:
        expected = self.run(self.commit_all(self.memory, group))
        assert self.run(self.commit_all(self.lmdb, group)) == expected

    @rule(source=st.integers(0, SHARDS - 1), sequence=st.integers(0, 5))
    def advance(self, source: int, sequence: int) -> None:
        sequence = min(sequence, self.memory.last_sequence(source))
        for engine in (self.memory, self.lmdb):
            self.run(engine.advance("index", source, sequence))

    @rule(source=st.integers(0, SHARDS - 1), below=st.integers(0, 9))
    def trim(self, source: int, below: int) -> None:
        expected = self.run(self.memory.trim(source, below))
        assert self.run(self.lmdb.trim(source, below)) == expected

    @rule()
    def reopen(self) -> None:
        self.run(self.lmdb.close())
        self.lmdb = self.run(self.open())
        self.memory = self.memory.reopened()

    @rule(
        bounds=st.tuples(partitions, seconds, seconds),
        limit=st.sampled_from([0, 1, 2, 600]),
        reverse=st.booleans(),
    )
    def scan(self, bounds: tuple[int, int, int], limit: int, *, reverse: bool) -> None:
        partition, first, last = bounds
        ranges = [
            partition_range(partition),
            (pair_key(partition, first), pair_key(partition, last)),
        ]
        for start, stop in ranges:
            args = (Table.TWEETS, start, stop, limit)
            expected = self.run(self.memory.scan(*args, reverse=reverse))
            assert self.run(self.lmdb.scan(*args, reverse=reverse)) == expected

    @rule(
        asked=st.lists(st.tuples(partitions, seconds, seconds), max_size=60),
        limit=st.sampled_from([0, 1, 2, 600]),
        reverse=st.booleans(),
    )
    def scan_many(self, asked: list[tuple[int, int, int]], limit: int, *, reverse: bool) -> None:
        ranges = [(pair_key(p, first), pair_key(p, last)) for p, first, last in asked]
        args = (Table.TWEETS, ranges, limit)
        expected = self.run(self.memory.scan_many(*args, reverse=reverse))
        assert self.run(self.lmdb.scan_many(*args, reverse=reverse)) == expected

    @rule(limit=st.sampled_from([1, 3, 600]), reverse=st.booleans())
    def scatter(self, limit: int, *, reverse: bool) -> None:
        args = (Table.TWEETS, *everything(), limit)
        expected = self.run(self.memory.scatter(*args, reverse=reverse))
        assert self.run(self.lmdb.scatter(*args, reverse=reverse)) == expected

    @rule(
        pairs=st.lists(st.tuples(partitions, seconds), max_size=6),
        times=st.sampled_from([1, MOST_AT_ONCE]),
    )
    def get(self, pairs: list[tuple[int, int]], times: int) -> None:
        keys = [pair_key(*pair) for pair in pairs] * times
        expected = self.run(self.memory.get_many(Table.TWEETS, keys))
        assert self.run(self.lmdb.get_many(Table.TWEETS, keys)) == expected

    @invariant()
    def agree(self) -> None:
        assert self.run(self.whole(self.lmdb)) == self.run(self.whole(self.memory))

    async def whole(self, engine: Engine) -> list[object]:
        found: list[object] = [
            await engine.scatter(table, *everything(), 500)
            for table in (Table.TWEETS, Table.USER_COUNTS)
        ]
        for source in range(SHARDS):
            found += await engine.read_journal(source, 0, 1_000)
            found += [engine.last_sequence(source), await engine.cursor("index", source)]
        return found

    def teardown(self) -> None:
        self.run(self.lmdb.close())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


TestEngines = Engines.TestCase
TestEngines.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
