"""What only the memory engine does: stop, and start again as after a crash."""

from __future__ import annotations

import asyncio

import pytest

from chirp.errors import WritesStopped
from chirp.storage.engine import Batch
from chirp.storage.keys import Table, id_key
from chirp.storage.memory import MemoryEngine


def row(number: int) -> Batch:
    batch = Batch(number, event=b"e")
    batch.put(Table.TWEETS, id_key(number), b"v")
    return batch


async def test_a_crash_loses_what_was_not_yet_applied() -> None:
    engine = MemoryEngine(2)
    await engine.commit(row(1))
    engine.commit(row(2))
    engine = engine.reopened()
    await asyncio.sleep(0.01)
    assert await engine.get_many(Table.TWEETS, [id_key(1), id_key(2)]) == [b"v", None]
    assert await engine.commit(row(3)) is not None


async def test_stopped_writes_refuse_everything_that_writes() -> None:
    engine = MemoryEngine(2)
    engine.stop_writes("the disk is full")
    assert engine.writes_stopped == engine.stats().writes_stopped == "the disk is full"
    for write in (engine.commit(row(1)), engine.advance("index", 0, 1), engine.trim(0, 1)):
        with pytest.raises(WritesStopped, match="the disk is full"):
            await write
    engine.stop_writes(None)
    await engine.commit(row(1))
