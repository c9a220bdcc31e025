"""The LMDB engine under faults: full maps, full disks, bad batches, kill -9, closing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chirp.errors import OpenError, StorageError, WritesStopped
from chirp.storage.codec import unpack_i64
from chirp.storage.engine import Batch, Effect, Operation, Receipt, Verb
from chirp.storage.keys import Table, everything, id_key, pair_key, partition_range
from chirp.storage.lmdb_engine import LmdbEngine
from chirp.storage.lmdb_ranges import SLOW_RANGE_S

ONE = 7
"""The partition that most of these tests write to."""


@asynccontextmanager
async def opened(
    folder: Path, shards: int = 1, map_bytes: int = 64 << 30, slow_range_s: float = SLOW_RANGE_S
) -> AsyncIterator[LmdbEngine]:
    engine = LmdbEngine(folder, shards, map_bytes=map_bytes, slow_range_s=slow_range_s)
    try:
        yield engine
    finally:
        await engine.close()


def counted(number: int, size: int = 10) -> Batch:
    """Return a batch that puts one row, adds one to a counter and appends an event."""
    batch = Batch(ONE, event=b"%d" % number)
    batch.put(Table.TWEETS, pair_key(ONE, number), b"v" * size)
    batch.add(Table.USER_COUNTS, id_key(ONE), 1)
    return batch


async def rows_and_count(engine: LmdbEngine) -> tuple[int, int]:
    rows = await engine.scan(Table.TWEETS, *partition_range(ONE), 1 << 40)
    raw = (await engine.get_many(Table.USER_COUNTS, [id_key(ONE)]))[0]
    return len(rows), 0 if raw is None else unpack_i64(raw)


async def applied_once(engine: LmdbEngine, number: int) -> None:
    """Assert that exactly `number` batches were applied, each once, each with its event."""
    assert await rows_and_count(engine) == (number, number)
    events = await engine.read_journal(0, 0, 1 << 40)
    assert [sequence for sequence, _ in events] == list(range(1, number + 1))


# -- the map is full ------------------------------------------------------------------------


async def test_a_full_map_neither_loses_nor_doubles(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, map_bytes=1 << 18) as engine:
        receipts = await asyncio.gather(*(engine.commit(counted(i, 3_000)) for i in range(600)))
        assert receipts == [Receipt(0, i) for i in range(1, 601)]
        assert caplog.text.count("is now twice as large") >= 3
        await applied_once(engine, 600)
    async with opened(tmp_path) as engine:
        await applied_once(engine, 600)


async def test_the_map_grows_while_reads_run(tmp_path: Path) -> None:
    async with opened(tmp_path, map_bytes=1 << 18) as engine:
        done = False

        async def read() -> int:
            reads = 0
            while not done:
                rows, count = await rows_and_count(engine)
                assert count >= rows
                await engine.get_many(Table.TWEETS, [pair_key(ONE, i) for i in range(20)])
                reads += 1
            return reads

        readers = [asyncio.create_task(read()) for _ in range(3)]
        for start in range(0, 600, 60):
            part = range(start, start + 60)
            await asyncio.gather(*(engine.commit(counted(i, 3_000)) for i in part))
        done = True
        assert min(await asyncio.gather(*readers)) > 0
        await applied_once(engine, 600)


@pytest.mark.parametrize("shards", [1, 2])
async def test_the_map_grows_while_many_threads_scan(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, shards: int
) -> None:
    ranges = [partition_range(partition) for partition in range(1, 601)]
    async with opened(tmp_path, shards, map_bytes=1 << 18, slow_range_s=0) as engine:
        done = False

        async def read() -> int:
            scans, seen = 0, 0
            while not done:
                found = await engine.scan_many(Table.TWEETS, ranges, 8)
                assert all(rows in ([], whole(place)) for place, rows in enumerate(found, 1))
                scans, before, seen = scans + 1, seen, sum(map(bool, found))
                assert seen >= before
            return scans

        readers = [asyncio.create_task(read()) for _ in range(4)]
        for start in range(1, 601, 60):
            await asyncio.gather(*(engine.commit(large(p)) for p in range(start, start + 60)))
        done = True
        assert min(await asyncio.gather(*readers)) > 0
        assert caplog.text.count("is now twice as large") >= 3
        found = await engine.scan_many(Table.TWEETS, ranges, 8)
        assert found == [whole(partition) for partition in range(1, 601)]


def whole(partition: int) -> list[tuple[bytes, bytes]]:
    """Return the rows of a partition that `large` writes."""
    return [(pair_key(partition, n), b"%d" % partition * 300) for n in range(3)]


def large(partition: int) -> Batch:
    batch = Batch(partition)
    for key, value in whole(partition):
        batch.put(Table.TWEETS, key, value)
    return batch


async def test_one_row_larger_than_the_map_fits(tmp_path: Path) -> None:
    async with opened(tmp_path, map_bytes=1 << 18) as engine:
        await engine.commit(counted(0, 3 << 20))
        await applied_once(engine, 1)


async def test_a_trim_in_a_replayed_group_counts_once(tmp_path: Path) -> None:
    async with opened(tmp_path, map_bytes=1 << 18) as engine:
        await asyncio.gather(*(engine.commit(counted(i)) for i in range(50)))
        trimming = asyncio.create_task(engine.trim(0, 41))
        await asyncio.sleep(0)
        await asyncio.gather(*(engine.commit(counted(i, 9_000)) for i in range(50, 150)))
        assert await trimming == 40
        assert len(await engine.read_journal(0, 0, 1_000)) == 110


# -- the disk is full -----------------------------------------------------------------------

FILL = """
import asyncio, resource, signal, sys
from pathlib import Path
from chirp.errors import WritesStopped
from chirp.storage.keys import Table, pair_key
from chirp.storage.lmdb_engine import LmdbEngine
from tests.storage.test_lmdb import ONE, counted, rows_and_count

async def main(folder, limit):
    engine = LmdbEngine(folder, 1)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    done = 0
    try:
        while done < 5_000:
            group = [engine.commit(counted(done + i, 700)) for i in range(5)]
            await asyncio.gather(*group)
            done += 5
    except WritesStopped as error:
        await asyncio.gather(*group, return_exceptions=True)
        print(error, engine.writes_stopped, sep="|")
    acked = done + sum(f.exception() is None for f in group)
    # Space again: a store that may have lost a write must still not go on.
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    (folder / "ballast").unlink(missing_ok=True)
    later = await asyncio.gather(
        *(engine.commit(counted(9_000 + i)) for i in range(20)), return_exceptions=True
    )
    print(sum(isinstance(answer, WritesStopped) for answer in later))
    rows, count = await rows_and_count(engine)
    print(acked, rows, count)
    await engine.close()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def fill(folder: Path, limit: int) -> int:
    """Commit until the disk is full, in another process; return what was acknowledged."""
    command = [sys.executable, "-c", FILL, str(folder), str(limit)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    words, refused, counts = run.stdout.splitlines()
    assert words == "the disk is full|the disk is full"
    assert refused == "20"
    acked, rows, count = map(int, counts.split())
    assert 0 < acked == rows == count
    return acked


@pytest.mark.parametrize("limit", [600_000, 614_400, 801_234])
async def test_a_file_size_limit_stops_writes_and_keeps_what_was_said(
    tmp_path: Path, limit: int
) -> None:
    acked = fill(tmp_path, limit)
    async with opened(tmp_path) as engine:
        await applied_once(engine, acked)
        assert await engine.commit(counted(acked)) == Receipt(0, acked + 1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_a_full_disk_stops_writes_and_keeps_what_was_said(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 200_000)
    acked = fill(small_disk, 0)
    async with opened(small_disk) as engine:
        await applied_once(engine, acked)
        assert await engine.commit(counted(acked)) == Receipt(0, acked + 1)


async def test_a_store_on_a_full_disk_can_be_read(small_disk: Path) -> None:
    async with opened(small_disk) as engine:
        await engine.commit(counted(0))
    with suppress_full(), (small_disk / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4_096)
    async with opened(small_disk) as engine:
        assert await rows_and_count(engine) == (1, 1)
        with pytest.raises(WritesStopped, match="the disk is full"):
            await engine.commit(counted(1, 100_000))
        assert await rows_and_count(engine) == (1, 1)


def suppress_full() -> pytest.RaisesExc[OSError]:
    return pytest.raises(OSError, match="No space left")


# -- a bad batch ----------------------------------------------------------------------------


def too_long() -> Batch:
    batch = counted(1_000)
    key = id_key(ONE) + b"k" * 600
    batch.changes.append(Operation(Verb.PUT, Table.TWEETS, key, b""))
    return batch


def too_large() -> Batch:
    batch = counted(1_000)
    batch.add(Table.USER_COUNTS, id_key(ONE), 2**63 - 1)
    return batch


def not_bytes() -> Batch:
    batch = counted(1_000)
    text: Any = "text"
    batch.changes.append(Operation(Verb.PUT, Table.TWEETS, id_key(ONE), text))
    return batch


def impossible_effect() -> Batch:
    batch = counted(1_000)
    batch.effect = Effect("index", 1 << 20, 1)
    return batch


@pytest.mark.parametrize("bad", [too_long, too_large, not_bytes, impossible_effect])
async def test_a_bad_batch_fails_alone(tmp_path: Path, bad: Callable[[], Batch]) -> None:
    async with opened(tmp_path) as engine:
        batches = [counted(i) for i in range(40)]
        futures = [engine.commit(b) for b in [*batches[:20], bad(), *batches[20:]]]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        assert [i for i, answer in enumerate(answers) if isinstance(answer, Exception)] == [20]
        assert type(answers[20]) is StorageError
        assert engine.writes_stopped is None
        await applied_once(engine, 40)


async def test_a_cancelled_commit_does_no_harm(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        futures = [engine.commit(counted(i)) for i in range(30)]
        for future in futures[::3]:
            future.cancel()
        await asyncio.gather(*futures, return_exceptions=True)
        await engine.commit(counted(30))
        await applied_once(engine, 31)


# -- groups, journals, closing --------------------------------------------------------------


async def test_what_waits_is_stored_as_one_group(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        await asyncio.gather(*(engine.commit(counted(i)) for i in range(200)))
        stats = engine.stats()
        assert stats.batches == 200
        assert stats.commits <= 40


@pytest.mark.parametrize("below", [0, 3, 6])
async def test_sequences_go_on_after_reopening(tmp_path: Path, below: int) -> None:
    async with opened(tmp_path) as engine:
        await asyncio.gather(*(engine.commit(counted(i)) for i in range(5)))
        await engine.trim(0, below)
    async with opened(tmp_path) as engine:
        assert engine.last_sequence(0) == 5
        assert await engine.commit(counted(5)) == Receipt(0, 6)
        assert [s for s, _ in await engine.read_journal(0, 4, 9)] == ([5, 6] if below < 6 else [6])


async def test_effects_cursors_and_rows_survive_reopening(tmp_path: Path) -> None:
    batch = counted(0)
    batch.effect = Effect("index", 0, 4)
    async with opened(tmp_path) as engine:
        await engine.commit(batch)
        await engine.advance("index", 0, 1)
    async with opened(tmp_path) as engine:
        assert await engine.commit(batch) is None
        assert await engine.cursor("index", 0) == 1
        await applied_once(engine, 1)


@pytest.mark.parametrize("shards", [1, 8])
async def test_closing_finishes_what_is_queued(tmp_path: Path, shards: int) -> None:
    engine = LmdbEngine(tmp_path, shards)
    futures = []
    for i in range(1, 300):
        batch = Batch(i)
        batch.put(Table.TWEETS, id_key(i), b"v")
        futures.append(engine.commit(batch))
    await engine.close()
    assert [future.result() for future in futures] == [None] * 299
    async with opened(tmp_path, shards) as engine:
        assert len(await engine.scatter(Table.TWEETS, *everything(), 1_000)) == 299


async def test_commits_while_closing_are_answered(tmp_path: Path) -> None:
    engine = LmdbEngine(tmp_path, 1)
    first = engine.commit(counted(0))
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        with pytest.raises(WritesStopped, match="the store is closed"):
            await engine.commit(counted(1))
        assert await first == Receipt(0, 1)
        await closing


async def test_reads_after_closing_are_storage_errors(tmp_path: Path) -> None:
    engine = LmdbEngine(tmp_path, 1)
    await engine.close()
    with pytest.raises(StorageError):
        await engine.get_many(Table.TWEETS, [id_key(1)])
    with pytest.raises(StorageError):
        await engine.scan(Table.TWEETS, *everything(), 1 << 20)
    with pytest.raises(StorageError):
        await engine.read_journal(0, 0, 1)


@pytest.mark.parametrize("slow_range_s", [0, SLOW_RANGE_S])
async def test_scans_of_many_ranges_end_when_the_files_are_closed(
    tmp_path: Path, slow_range_s: float
) -> None:
    engine = LmdbEngine(tmp_path, 2, slow_range_s=slow_range_s)
    ranges = [partition_range(partition) for partition in range(1, 5_001)]
    scans = [asyncio.create_task(engine.scan_many(Table.TWEETS, ranges, 8)) for _ in range(4)]
    await asyncio.sleep(0)
    await engine.close()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*scans, return_exceptions=True)
    assert all(isinstance(a, StorageError) or a == [[]] * 5_000 for a in answers)
    for first in range(0, 5_000, 100):
        with pytest.raises(StorageError):
            await engine.scan_many(Table.TWEETS, ranges[first : first + 100], 8)


async def test_a_pool_in_use_ends_when_the_files_are_closed(tmp_path: Path) -> None:
    engine = LmdbEngine(tmp_path, 2, slow_range_s=0)
    ranges = [partition_range(partition) for partition in range(1, 101)]
    assert await engine.scan_many(Table.TWEETS, ranges, 8) == [[]] * 100
    await engine.close()
    with pytest.raises(StorageError):
        await engine.scan_many(Table.TWEETS, ranges, 8)


async def test_a_cancelled_scan_of_many_ranges_harms_nobody(tmp_path: Path) -> None:
    ranges = [partition_range(partition) for partition in range(1, 2_001)]
    async with opened(tmp_path, 2, slow_range_s=0) as engine:
        scan = asyncio.create_task(engine.scan_many(Table.TWEETS, ranges, 8))
        await asyncio.sleep(0.001)
        scan.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scan
        assert await engine.scan_many(Table.TWEETS, ranges, 8) == [[]] * 2_000


async def test_a_folder_that_is_not_there_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match="free space, or restore the folder from a backup"):
        LmdbEngine(tmp_path / "none", 2)


# -- kill -9 --------------------------------------------------------------------------------

WRITE = """
import asyncio, sys
from pathlib import Path
from chirp.storage.lmdb_engine import LmdbEngine
from tests.storage.test_lmdb import counted

async def main(folder, first):
    engine = LmdbEngine(folder, 1)

    async def write(number):
        while True:
            receipt = await engine.commit(counted(number))
            print(number, receipt.sequence, flush=True)
            number += 10

    await asyncio.gather(*(write(first + i) for i in range(10)))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acked: dict[int, int] = {}
    for turn in range(4):
        acked |= write_and_kill(tmp_path, turn * 1_000_000, lines=100 + 150 * turn)
        async with opened(tmp_path) as engine:
            events = dict(await engine.read_journal(0, 0, 1 << 40))
            assert {n: events[s] for n, s in acked.items()} == {n: b"%d" % n for n in acked}
            await applied_once(engine, len(events))
            keys = [pair_key(ONE, number) for number in acked]
            assert None not in await engine.get_many(Table.TWEETS, keys)


def write_and_kill(folder: Path, first: int, lines: int) -> dict[int, int]:
    """Kill a writing process after some lines; return its acknowledged sequences by number."""
    command = [sys.executable, "-c", WRITE, str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    # The last line may be cut off.
    return {int(line.split()[0]): int(line.split()[1]) for line in said if line.endswith(b"\n")}
