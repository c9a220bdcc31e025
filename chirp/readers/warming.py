"""Warms the tweet cache after the start: what was written in the last 72 hours (R71).

One pass over the newest rows of the tweets table; nothing else is read. Rejected: reading each
author's list by its index. Who wrote lately is spread all over that table, and over the profiles:
for 100,000 tweets it took 68 s, in steps between which others have the loop, and 66 MiB of mapped
pages instead of 18 (bench/scale.py).
"""

from __future__ import annotations

import asyncio
from sys import getsizeof

from chirp.cache.lists import ENTRY_WEIGHT_BYTES
from chirp.model import MAX_ID
from chirp.readers.tweets import TweetReader
from chirp.storage.codec import is_tombstone, unpack_tweet
from chirp.storage.keys import Table, everything, id_key, last_id
from chirp.storage.store import Store

_CHUNK_ROWS = 250
"""As many take 2.5 ms."""

REST_S = 0.001
"""After each step others have the loop for so long. A turn of it alone would give what is started
beside this, and this, half of all turns; the first posts took 150 ms."""


async def warm(store: Store, reader: TweetReader, from_id: int, *, room_bytes: int) -> int:
    """Load the rows of tweets with ids from `from_id` on; return how many.

    Stops when about `room_bytes` are filled: newest tweets first. In small steps, so that
    requests go first. Raises: StorageError.
    """
    count, complete_from = 0, MAX_ID
    start, stop = id_key(from_id), everything()[1]
    with reader.begin_sweep() as sweep:
        while room_bytes > 0 and complete_from > from_id:
            rows = await store.engine.scatter(Table.TWEETS, start, stop, _CHUNK_ROWS, reverse=True)
            living = [row for row in rows if not is_tombstone(row[1])]
            for key, raw in living:
                count += sweep.put(unpack_tweet(raw).author_id, last_id(key), raw)
            room_bytes -= sum([getsizeof(raw) + ENTRY_WEIGHT_BYTES for _, raw in living])
            if len(rows) < _CHUNK_ROWS:
                complete_from = from_id
            else:
                stop = rows[-1][0]
                complete_from = last_id(stop)
            await asyncio.sleep(REST_S)
        sweep.finish(complete_from)
    return count
