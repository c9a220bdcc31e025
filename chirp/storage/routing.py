"""Routing: which shard holds a partition (R64)."""

from __future__ import annotations

from xxhash import xxh64_intdigest

from chirp.storage.keys import PARTITION_BYTES


def shard_of(key: bytes, shards: int) -> int:
    """Return the shard, 0 to `shards` - 1, that holds `key`: xxh64(its partition) % shards.

    Time-ordered ids go to all shards evenly, so that no shard is the hot one of the hour
    (R60's objection). O(1).

    >>> from chirp.storage.keys import id_key, pair_key
    >>> shard_of(id_key(5), 8) == shard_of(pair_key(5, 99), 8)
    True
    """
    return xxh64_intdigest(key[:PARTITION_BYTES]) % shards
