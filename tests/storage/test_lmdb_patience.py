"""How long the loop stands aside for a group's changes, and when it does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chirp.storage import lmdb_writer
from chirp.storage.lmdb_shard import LmdbShard
from tests.storage.test_lmdb import counted, opened


async def test_slow_groups_are_waited_for_ever_less_and_quick_ones_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[bool] = []
    wait = lmdb_writer._Aside.wait

    def noted(aside: Any, most_s: float) -> bool:
        assert most_s <= lmdb_writer.MOST_PATIENCE_S
        # Whatever else this machine does: a slow group is not done at once, a quick one in the end.
        waits.append(wait(aside, 0.0 if slow_s[0] else 60.0))
        return waits[-1]

    monkeypatch.setattr(lmdb_writer._Aside, "wait", noted)
    slow_s = [2 * lmdb_writer.MOST_PATIENCE_S]
    apply_group = LmdbShard.apply_group

    def slowly(shard: LmdbShard, group: Any, applied: Callable[[], None]) -> Any:
        time.sleep(slow_s[0])
        return apply_group(shard, group, applied)

    async with opened(tmp_path) as engine:
        monkeypatch.setattr(LmdbShard, "apply_group", slowly)
        for number in range(35):
            await engine.commit(counted(number))
        # Behind each that was too slow go 2, 4, 8 and 16 beside the loop.
        assert waits == [False] * 5
        slow_s[0] = 0.0
        for number in range(40):
            await engine.commit(counted(100 + number))
        assert waits == [False] * 5 + [True] * 8
