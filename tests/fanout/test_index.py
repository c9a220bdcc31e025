"""The index consumer: derived rows say what the truth says, also after crashes."""

from __future__ import annotations

import logging

import pytest

from chirp.errors import ChirpError
from chirp.fanout.index import IndexConsumer
from chirp.fanout.journal_reader import Events
from chirp.model import Tweet, TweetId
from chirp.storage.changes import tweet_posted
from chirp.storage.events import unpack_event
from chirp.storage.memory import MemoryEngine
from tests.support.driver import Driver, tweet_ids


async def journal_of(engine: MemoryEngine, source: int) -> Events:
    rows = await engine.read_journal(source, 0, 1_000)
    return [(sequence, unpack_event(raw)) for sequence, raw in rows]


async def fill(chirp: Driver) -> None:
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    await chirp.follow(ada, bob, eve)
    await chirp.follow(bob, eve)
    await chirp.unfollow(ada, eve)
    tweets = await chirp.post_many(bob, 5)
    await chirp.delete(bob, tweets[2])


async def test_replayed_events_change_nothing(chirp: Driver) -> None:
    await fill(chirp)
    await chirp.check()
    before = {name: chirp.engine.stats().tables[name] for name in chirp.engine.stats().tables}
    for source in range(chirp.engine.sources):
        await IndexConsumer(chirp.store).consume(source, await journal_of(chirp.engine, source))
    assert chirp.engine.stats().tables == before
    await chirp.check()


async def test_a_crash_before_cursors_were_stored_doubles_nothing(chirp: Driver) -> None:
    await fill(chirp)
    for _ in range(3):
        await chirp.restart(crash=True)
        await chirp.check()


async def test_counts_are_those_of_the_rows(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(ada, bob)
    tweets = await chirp.post_many(bob, 3)
    await chirp.delete(bob, tweets[0])
    counts = (await chirp.profile(None, bob)).counts
    assert (counts.followers, counts.following, counts.tweets) == (1, 0, 2)
    assert (await chirp.profile(None, ada)).counts.following == 1


async def test_a_tweet_that_a_crash_left_unindexed_is_indexed_at_the_next_start(
    chirp: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await chirp.register("ada")
    tweets = await chirp.post_many(ada, 2)
    # The consumer is gone before the post reaches it, as a crash would have it.
    await chirp.server.tasks.close()
    lost_id = TweetId(await chirp.server.ids.next())
    lost = Tweet(lost_id, ada.user_id, "lost?", chirp.clock.now_ms(), lost_id)
    await chirp.store.engine.commit(tweet_posted(chirp.store, lost))
    await chirp.restart(crash=True)
    assert await chirp.tweets_of(ada) == await chirp.home(ada) == tweet_ids([*tweets, lost])
    await chirp.check()


async def test_a_disk_that_fills_between_tweet_and_index_refuses_and_is_not_ready(
    chirp: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await chirp.register("ada")
    known = await chirp.post(ada, "fine")
    chirp.engine.watch(lambda _source, _sequence: chirp.engine.stop_writes("the disk is full"))
    with caplog.at_level(logging.CRITICAL), pytest.raises(ChirpError):
        await chirp.post(ada, "half")
    assert chirp.server.reasons() == [
        "writes are refused: the disk is full",
        "the index consumer has stopped",
    ]
    assert await chirp.home(ada) == await chirp.tweets_of(ada) == [known.tweet_id]
