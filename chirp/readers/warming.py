"""Warms the tweet cache after the start: the lists of whoever wrote in the last 72 hours (R71)."""

from __future__ import annotations

import asyncio

from chirp.model import UserId
from chirp.readers.tweets import TweetReader
from chirp.storage.codec import is_tombstone, unpack_tweet
from chirp.storage.keys import Table, everything, id_key
from chirp.storage.store import Store

_CHUNK_ROWS = 500

REST_S = 0.001
"""After each step others have the loop for so long. A turn of it alone would give what is started
beside this, and this, half of all turns; the first posts took 150 ms."""

MOST_OF_ONE_AUTHOR = 500
"""More of one list would hold the loop up for milliseconds."""


async def warm(store: Store, reader: TweetReader, from_id: int, *, room_bytes: int) -> int:
    """Load the tweets with ids from `from_id` on, author by author; return how many.

    Stops when about `room_bytes` are filled: newest tweets first. In small steps, so that
    requests go first. Raises: StorageError.
    """
    authors: dict[UserId, int] = {}
    stop = everything()[1]
    while room_bytes > 0:
        rows = await store.engine.scatter(
            Table.TWEETS, id_key(from_id), stop, _CHUNK_ROWS, reverse=True
        )
        for _, raw in rows:
            if not is_tombstone(raw):
                author = unpack_tweet(raw).author_id
                authors[author] = authors.get(author, 0) + 1
                room_bytes -= 4 * len(raw)
        await asyncio.sleep(REST_S)
        if len(rows) < _CHUNK_ROWS:
            break
        stop = rows[-1][0]
    for author, count in authors.items():
        await reader.by_author(author, None, min(count, MOST_OF_ONE_AUTHOR))
        await asyncio.sleep(REST_S)
    return sum(authors.values())
