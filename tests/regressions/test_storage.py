"""What storage once got wrong: a dead writer, effects overtaken, half a store stopped."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path

import lmdb
import pytest

from chirp.errors import StorageError, WritesStopped
from chirp.model import Account, User, UserId
from chirp.storage.changes import account_created
from chirp.storage.engine import Batch, Effect, Engine
from chirp.storage.keys import Table, id_key
from chirp.storage.lmdb_engine import LmdbEngine
from chirp.storage.memory import MemoryEngine
from chirp.storage.routing import shard_of
from chirp.storage.store import Store
from tests.support.driver import Driver

ONE = 7


@pytest.fixture(params=["memory", "lmdb"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    engine = MemoryEngine(2) if request.param == "memory" else LmdbEngine(tmp_path, 2)
    yield engine
    await engine.close()


def effect(sequence: int, *, amount: int = 1, source: int = 0) -> Batch:
    batch = Batch(ONE, effect=Effect("index", source, sequence))
    batch.add(Table.USER_COUNTS, id_key(ONE), amount)
    return batch


def fail(shard: object, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def apply_group(_group: object, _applied: object) -> None:
        raise type("DiskError", (lmdb.Error,), {"code": code})("the disk is unwell")

    monkeypatch.setattr(shard, "apply_group", apply_group)


async def test_an_effect_that_failed_is_not_overtaken(engine: Engine) -> None:
    await engine.commit(effect(1, amount=2**63 - 1))
    results = await asyncio.gather(
        engine.commit(effect(2)), engine.commit(effect(3)), return_exceptions=True
    )
    assert isinstance(results[0], StorageError)
    assert isinstance(results[1], StorageError), "its mark would hide the one that failed"


async def test_a_failed_effect_stops_its_own_source_alone(engine: Engine) -> None:
    await engine.commit(effect(1, amount=2**63 - 1))
    with pytest.raises(StorageError):
        await engine.commit(effect(2))
    await engine.commit(effect(1))  # what is old is skipped as ever
    await engine.commit(effect(1, amount=-5, source=1))
    plain = Batch(ONE)
    plain.put(Table.USERS, id_key(ONE), b"row")
    await engine.commit(plain)


async def test_a_stopped_shard_stops_all_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A truth stored in one shard, whose effect fails in the other, would be posted again."""
    engine = LmdbEngine(tmp_path, 2)
    partitions = [next(p for p in range(1, 99) if shard_of(id_key(p), 2) == s) for s in (0, 1)]
    fail(engine._shards[0], errno.ENOSPC, monkeypatch)
    for partition in partitions:
        with pytest.raises(WritesStopped):
            await engine.commit(Batch(partition))
    await engine.close()


async def test_a_disk_that_answers_nothing_does_not_kill_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XFS answers EIO to everything once it has shut down, to statvfs and stat as well."""

    def gone(_path: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    engine = LmdbEngine(tmp_path, 1)
    fail(engine._shards[0], errno.EIO, monkeypatch)
    monkeypatch.setattr("os.statvfs", gone)
    for _ in range(2):
        with pytest.raises(WritesStopped):
            await asyncio.wait_for(engine.commit(Batch(ONE)), 5)
    assert engine.writes_stopped == "the disk failed to store a write"
    await engine.close()


async def test_an_account_without_its_profile_yet_keeps_its_id(chirp: Driver) -> None:
    """Killed between the two commits, and started again in the same tick of the ids."""
    user_id = UserId(await chirp.server.ids.next())
    await chirp.server.tasks.close()
    user = User(user_id, "one", "One", chirp.clock.now_ms())
    account = Account(user_id, "one", "one@example.org")
    await chirp.engine.commit(account_created(chirp.store, user, account, None))
    store = Store(chirp.engine.reopened(), chirp.store.manifest)
    restarted = await Driver.open(store, clock=chirp.clock)
    assert (await restarted.register("two")).user_id > user_id
    await restarted.check()
    await restarted.close()
