"""Pages that were read in passing are not this process's memory for long."""

from __future__ import annotations

from pathlib import Path

import pytest

from chirp.storage import mapped
from chirp.storage.engine import Batch
from chirp.storage.keys import Table, everything, id_key
from chirp.storage.lmdb_engine import LmdbEngine, shard_path
from chirp.storage.mapped import unmap_pages

SMAPS = Path("/proc/self/smaps")
ROWS = 200

on_linux = pytest.mark.skipif(not SMAPS.exists(), reason="needs /proc")


def mapped_kb(path: Path) -> int:
    """Return how much of a file this process has mapped and in memory."""
    lines = iter(SMAPS.read_text(encoding="utf-8").splitlines())
    wanted = (line.endswith(f" {path}") for line in lines)
    total = 0
    for is_it in wanted:
        if is_it:
            total += int(next(line for line in lines if line.startswith("Rss:")).split()[1])
    return total


@on_linux
async def test_pages_are_unmapped_and_mapped_again(tmp_path: Path) -> None:
    engine = LmdbEngine(tmp_path, 1)
    for number in range(ROWS):
        batch = Batch(number)
        batch.put(Table.TWEETS, id_key(number), bytes(2_000))
        await engine.commit(batch)
    path = shard_path(tmp_path, 0)
    before = await engine.scatter(Table.TWEETS, *everything(), ROWS)
    assert mapped_kb(path) >= ROWS * 2
    engine.let_go()
    assert mapped_kb(path) == 0
    assert await engine.scatter(Table.TWEETS, *everything(), ROWS) == before
    assert mapped_kb(path) > 0
    await engine.close()


def test_without_proc_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "_MAPS", tmp_path / "none")
    unmap_pages([tmp_path])
