"""Migration: in place, step by step, resumed after a crash, refused when it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from chirp.clock import ManualClock
from chirp.errors import OpenError
from chirp.model import UnixMs
from chirp.storage import manifest as manifests
from chirp.storage.engine import Batch, Engine
from chirp.storage.guard import Guard
from chirp.storage.keys import Table, everything, id_key, partition_of
from chirp.storage.manifest import FORMAT
from chirp.storage.migrate import MIGRATIONS, Migration, migrate_store
from chirp.storage.store import Options, create_store, open_engine

USERS = range(1, 31)


class Crash(Exception):
    """The machine fails in the middle of a step."""


class Shout:
    """An invented step: every row of `users` becomes upper case, ten in a batch."""

    def __init__(self, crash_after: int | None = None) -> None:
        self.crash_after = crash_after
        self.written = 0

    async def apply(self, engine: Engine) -> None:
        rows = await engine.scatter(Table.USERS, *everything(), 1_000)
        for key, value in rows:
            if self.written == self.crash_after:
                raise Crash
            if value.islower():
                batch = Batch(partition_of(key))
                batch.put(Table.USERS, key, value.upper())
                await engine.commit(batch)
                self.written += 1


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return a store of format 0 with thirty rows in lower case."""
    create_store(tmp_path, ManualClock(UnixMs(1)))
    manifest = replace(manifests.read(tmp_path), format=0)
    manifests.write(tmp_path, manifest)
    engine = open_engine(tmp_path, manifest, Options(sync=False))
    for user in USERS:
        batch = Batch(user)
        batch.put(Table.USERS, id_key(user), b"row")
        await engine.commit(batch)
    await engine.close()
    return tmp_path


async def rows(folder: Path) -> list[bytes]:
    engine = open_engine(folder, manifests.read(folder), Options(sync=False))
    found = await engine.scatter(Table.USERS, *everything(), 1_000)
    await engine.close()
    return [value for _, value in found]


async def test_a_step_leads_to_the_next_format(folder: Path) -> None:
    said: list[tuple[int, str]] = []
    steps = {0: Migration("shout", Shout().apply)}
    done = await migrate_store(folder, steps, 1, lambda *step: said.append(step))
    assert done == [1]
    assert said == [(1, "shout")]
    assert await rows(folder) == [b"ROW"] * 30
    manifest = manifests.read(folder)
    assert (manifest.format, manifest.migrating_to) == (1, None)


async def test_steps_follow_one_another(folder: Path) -> None:
    shouts = [Shout(), Shout()]
    steps = {i: Migration("shout", shout.apply) for i, shout in enumerate(shouts)}
    assert await migrate_store(folder, steps, 2) == [1, 2]
    assert [shout.written for shout in shouts] == [30, 0]


async def test_a_crash_in_the_middle_is_resumed(folder: Path) -> None:
    with pytest.raises(Crash):
        await migrate_store(folder, {0: Migration("shout", Shout(crash_after=12).apply)}, 1)
    manifest = manifests.read(folder)
    assert (manifest.format, manifest.migrating_to) == (0, 1)
    assert sorted(await rows(folder)) == [b"ROW"] * 12 + [b"row"] * 18

    again = Shout()
    assert await migrate_store(folder, {0: Migration("shout", again.apply)}, 1) == [1]
    assert again.written == 18
    assert await rows(folder) == [b"ROW"] * 30


async def test_a_crash_between_steps_keeps_the_first(folder: Path) -> None:
    steps = {0: Migration("a", Shout().apply), 1: Migration("b", Shout(crash_after=0).apply)}
    with pytest.raises(Crash):
        await migrate_store(folder, steps, 2)
    manifest = manifests.read(folder)
    assert (manifest.format, manifest.migrating_to) == (1, 2)
    assert await migrate_store(folder, {1: Migration("b", Shout().apply)}, 2) == [2]


async def test_nothing_to_do_is_an_empty_list(folder: Path) -> None:
    assert await migrate_store(folder, {}, 0) == []
    assert manifests.read(folder).migrating_to is None


@pytest.mark.parametrize("change", [{"format": 9}, {"migrating_to": 9}])
async def test_a_newer_store_is_refused_untouched(folder: Path, change: dict[str, int]) -> None:
    manifest = replace(manifests.read(folder), **change)
    manifests.write(folder, manifest)
    with pytest.raises(OpenError, match=r"has format 9, this chirp reads up to 1; upgrade chirp$"):
        await migrate_store(folder, {}, 1)
    assert manifests.read(folder) == manifest


async def test_a_missing_step_is_refused_before_the_first(folder: Path) -> None:
    shout = Shout()
    with pytest.raises(OpenError, match=r"old format 1; migrate with an older chirp first$"):
        await migrate_store(folder, {0: Migration("shout", shout.apply)}, 2)
    assert shout.written == 0
    assert manifests.read(folder).migrating_to is None


async def test_a_store_in_use_is_not_migrated(folder: Path) -> None:
    guard = Guard(folder)
    with pytest.raises(OpenError, match="has this store open"):
        await migrate_store(folder, {0: Migration("shout", Shout().apply)}, 1)
    guard.release()


def test_every_older_format_has_its_step() -> None:
    assert sorted(MIGRATIONS) == list(range(1, FORMAT))
