"""The steps from each format of the rows to the next one."""

from __future__ import annotations

import asyncio

from chirp.model import TweetId, UserId
from chirp.storage.checks.reading import rows_of
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import Table, everything, last_id, partition_of
from chirp.storage.tables.tweets import Tweets

WAVE_AUTHORS = 1_000


async def note_newest(engine: Engine) -> None:
    """Step from format 1: note the newest tweet of each author. O(tweets)."""
    newest: dict[int, int] = {}
    async for key, _ in rows_of(engine, Table.AUTHOR_INDEX, *everything()):
        author = partition_of(key)
        if author not in newest and len(newest) == WAVE_AUTHORS:
            await _write(engine, newest)
            newest = {}
        newest[author] = last_id(key)
    await _write(engine, newest)


async def _write(engine: Engine, newest: dict[int, int]) -> None:
    batches = []
    for author, tweet_id in newest.items():
        batch = Batch(author)
        Tweets.note_newest(batch, UserId(author), TweetId(tweet_id))
        batches.append(batch)
    await asyncio.gather(*(engine.commit(batch) for batch in batches))
