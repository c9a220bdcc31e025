"""The steps from each format of the rows to the next one."""

from __future__ import annotations

import asyncio

from chirp.model import TweetId, UserId
from chirp.storage.checks.newest import newest_listed
from chirp.storage.engine import Batch, Engine
from chirp.storage.tables.tweets import Tweets

WAVE_AUTHORS = 1_000


async def note_newest(engine: Engine) -> None:
    """Step from format 1: note the newest tweet of each author. O(tweets).

    Rows of the index that are damaged are passed over, for the check to find.
    """
    wave: list[Batch] = []
    async for author, tweet_id in newest_listed(engine):
        batch = Batch(author)
        Tweets.note_newest(batch, UserId(author), TweetId(tweet_id))
        wave.append(batch)
        if len(wave) == WAVE_AUTHORS:
            await _commit(engine, wave)
            wave = []
    await _commit(engine, wave)


async def _commit(engine: Engine, wave: list[Batch]) -> None:
    await asyncio.gather(*(engine.commit(batch) for batch in wave))
