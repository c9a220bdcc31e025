"""Each step from a format to the next does what it says, also when it is taken again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from chirp.clock import ManualClock
from chirp.errors import OpenError
from chirp.model import Tweet, TweetId, UnixMs, UserId
from chirp.storage import manifest as manifests
from chirp.storage import migrations
from chirp.storage.check import check_store
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import Table, id_key, pair_key, partition_of
from chirp.storage.migrate import migrate_store
from chirp.storage.migrations import WAVE_AUTHORS, note_newest
from chirp.storage.store import create_store, open_store
from chirp.storage.tables.tweets import Tweets

AUTHORS = range(1, 2 * WAVE_AUTHORS + 10)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return a store of format 1: two tweets of each author, and no newest noted."""
    create_store(tmp_path, ManualClock(UnixMs(1)))
    store = await open_store(tmp_path)
    batches = []
    for author in AUTHORS:
        batch = Batch(author)
        for tweet_id in (TweetId(author), TweetId(author + 5_000)):
            Tweets.index(batch, Tweet(tweet_id, UserId(author), "", UnixMs(0), tweet_id))
        batch.delete(Table.NEWEST, id_key(author))
        batches.append(batch)
    await asyncio.gather(*(store.engine.commit(batch) for batch in batches))
    await store.close()
    manifests.write(tmp_path, replace(manifests.read(tmp_path), format=1))
    return tmp_path


async def test_format_2_notes_the_newest_of_each_author(folder: Path) -> None:
    with pytest.raises(OpenError):
        await open_store(folder)
    assert await migrate_store(folder) == [2]
    store = await open_store(folder)
    assert await store.tweets.newest_of([*AUTHORS, 9_999]) == [a + 5_000 for a in AUTHORS] + [0]
    assert "newest" not in {problem.table for problem in (await check_store(store)).problems}
    await store.close()


async def test_damaged_rows_of_the_index_do_not_stop_the_step(folder: Path) -> None:
    manifests.write(folder, replace(manifests.read(folder), format=2))
    store = await open_store(folder)
    damaged = [pair_key(7, (1 << 63) + 5), pair_key(8, 20_000) + b"abc"]
    for key in damaged:
        batch = Batch(partition_of(key))
        batch.put(Table.AUTHOR_INDEX, key, b"\0")
        await store.engine.commit(batch)
    await store.close()
    manifests.write(folder, replace(manifests.read(folder), format=1))
    assert await migrate_store(folder) == [2]
    store = await open_store(folder)
    assert await store.tweets.newest_of([6, 7, 8]) == [5_006, 5_007, 5_008]
    found = {problem.key for problem in (await check_store(store)).problems}
    assert {key.hex() for key in damaged} <= found
    await store.close()


async def test_a_step_that_was_cut_off_is_taken_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = migrations._commit

    async def once(engine: Engine, wave: list[Batch]) -> None:
        await commit(engine, wave[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "_commit", once)
    with pytest.raises(KeyboardInterrupt):
        await migrate_store(folder)
    monkeypatch.setattr(migrations, "_commit", commit)
    assert (manifests.read(folder).format, manifests.read(folder).migrating_to) == (1, 2)
    with pytest.raises(OpenError):
        await open_store(folder)
    assert await migrate_store(folder) == [2]
    store = await open_store(folder)
    assert await store.tweets.newest_of(AUTHORS) == [author + 5_000 for author in AUTHORS]
    await store.close()


async def test_the_step_to_format_2_can_be_taken_again_after_a_crash(folder: Path) -> None:
    assert await migrate_store(folder) == [2]
    store = await open_store(folder)
    # As if the step had been cut off, and had already seen tweets that were deleted since.
    batch = Batch(7)
    Tweets.note_newest(batch, UserId(7), TweetId(20_000))
    await store.engine.commit(batch)
    batch = Batch(8)
    batch.delete(Table.NEWEST, id_key(8))
    await store.engine.commit(batch)
    await note_newest(store.engine)
    assert await store.tweets.newest_of([6, 7, 8]) == [5_006, 20_000, 5_008]
    await store.close()
