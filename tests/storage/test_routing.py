"""Routing: stable for ever, and even, also for ids of one moment."""

from __future__ import annotations

from collections import Counter

import pytest

from chirp.storage.keys import id_key, pair_key
from chirp.storage.routing import shard_of

NOON_MS = 1_700_000_000_000


@pytest.mark.parametrize("shards", [2, 3, 8, 64])
@pytest.mark.parametrize(
    "ids",
    [
        range(1, 20_001),
        range(NOON_MS << 16, (NOON_MS + 20_000) << 16, 1 << 16),
        range(NOON_MS << 16, (NOON_MS << 16) + 20_000),
    ],
    ids=["small", "one a millisecond", "one millisecond"],
)
def test_every_kind_of_id_spreads_evenly(ids: range, shards: int) -> None:
    counts = Counter(shard_of(id_key(i), shards) for i in ids)
    mean = len(ids) / shards
    assert set(counts) == set(range(shards))
    # Five standard deviations of a fair throw.
    assert max(abs(count - mean) for count in counts.values()) < 5 * mean**0.5


def test_only_the_partition_counts() -> None:
    assert len({shard_of(pair_key(7, i), 256) for i in range(100)}) == 1


def test_one_shard_holds_everything() -> None:
    assert {shard_of(id_key(i), 1) for i in range(100)} == {0}


def test_the_hash_never_changes() -> None:
    assert [shard_of(id_key(i), 8) for i in range(8)] == [3, 2, 0, 2, 0, 4, 6, 7]
