"""Tweets: posting, getting and deleting."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chirp.errors import Forbidden, NotFound, StorageError, WritesStopped
from chirp.model import EntityKind, TweetId
from tests.support.driver import Driver, memory_store, tweet_ids
from tests.support.engines import UnevenEngine


async def test_a_posted_tweet_is_read_by_everybody(any_chirp: Driver) -> None:
    ada, bob = await any_chirp.register_many("ada", "bob")
    tweet = await any_chirp.post(ada, "hello, world")
    for viewer, own in ((ada, True), (bob, False), (None, False)):
        view = await any_chirp.get(viewer, tweet)
        assert (view.cached.tweet, view.own) == (tweet, own)
    assert tweet.created_at == any_chirp.clock.now_ms()
    assert tweet.conversation_id == tweet.tweet_id


async def test_ids_rise_in_the_order_of_posting(any_chirp: Driver) -> None:
    ada, bob = await any_chirp.register_many("ada", "bob")
    tweets = [await any_chirp.post(who) for who in (ada, bob, ada, bob)]
    ids = [tweet.tweet_id for tweet in tweets]
    assert ids == sorted(ids)


async def test_a_location_of_two_numbers_is_kept_as_numbers_too(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    tweet = await chirp.post(ada, tweet_location=" 48.2082, 16.3738 ", user_location="Vienna")
    assert (tweet.tweet_location, tweet.user_location) == ("48.2082, 16.3738", "Vienna")
    assert (tweet.latitude, tweet.longitude) == (48.2082, 16.3738)


async def test_mentions_know_who_is_meant(any_chirp: Driver) -> None:
    ada, bob = await any_chirp.register_many("ada", "Bob")
    tweet = await any_chirp.post(ada, "@bob and @nobody: #see https://example.org/x")
    kinds = [(entity.kind, entity.user_id) for entity in tweet.entities]
    assert kinds == [
        (EntityKind.MENTION, bob.user_id),
        (EntityKind.MENTION, 0),
        (EntityKind.HASHTAG, 0),
        (EntityKind.URL, 0),
    ]


async def test_a_deleted_tweet_is_gone_everywhere(any_chirp: Driver) -> None:
    ada, bob = await any_chirp.register_many("ada", "bob")
    await any_chirp.follow(bob, ada)
    kept, gone = await any_chirp.post_many(ada, 2)
    assert await any_chirp.home(bob) == tweet_ids([kept, gone])
    await any_chirp.delete(ada, gone)
    for viewer in (ada, bob, None):
        with pytest.raises(NotFound):
            await any_chirp.get(viewer, gone)
    assert await any_chirp.home(bob) == await any_chirp.home(ada) == [kept.tweet_id]
    assert await any_chirp.tweets_of(ada) == [kept.tweet_id]
    assert (await any_chirp.profile(None, ada)).counts.tweets == 1


async def test_deleting_twice_counts_once(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    tweet = await chirp.post(ada)
    deletes = [chirp.delete(ada, tweet) for _ in range(5)]
    results = await asyncio.gather(*deletes, return_exceptions=True)
    assert sum(isinstance(result, NotFound) for result in results) == 4
    assert (await chirp.profile(None, ada)).counts.tweets == 0
    assert chirp.server.metrics.tweets_deleted == 1


async def test_only_the_author_deletes(chirp: Driver) -> None:
    ada, eve = await chirp.register_many("ada", "eve")
    tweet = await chirp.post(ada)
    with pytest.raises(Forbidden):
        await chirp.delete(eve, tweet)
    await chirp.get(None, tweet)


@pytest.mark.parametrize("tweet_id", [1, 2**62, 2**63 - 1])
async def test_what_is_not_there_is_not_found(any_chirp: Driver, tweet_id: int) -> None:
    ada = await any_chirp.register("ada")
    with pytest.raises(NotFound):
        await any_chirp.server.tweet_service.get(ada, TweetId(tweet_id))
    with pytest.raises(NotFound):
        await any_chirp.server.tweet_service.delete(ada, TweetId(tweet_id))


async def test_a_deleted_tweets_id_is_never_used_again(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    gone = await chirp.post(ada)
    await chirp.delete(ada, gone)
    await chirp.restart(crash=True)
    assert (await chirp.post(ada)).tweet_id > gone.tweet_id


async def test_a_suspended_authors_tweets_are_hidden(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(bob, ada)
    tweet = await chirp.post(ada)
    await chirp.suspend(ada)
    with pytest.raises(NotFound):
        await chirp.get(bob, tweet)
    assert await chirp.home(bob) == await chirp.tweets_of(ada) == []


async def test_nothing_is_posted_while_writes_are_refused_and_reads_go_on(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    tweet = await chirp.post(ada)
    chirp.engine.stop_writes("the disk is full")
    for _ in range(3):
        with pytest.raises(WritesStopped):
            await chirp.post(ada, "lost")
        with pytest.raises(WritesStopped):
            await chirp.delete(ada, tweet)
    assert await chirp.home(ada) == await chirp.tweets_of(ada) == [tweet.tweet_id]


async def test_a_failed_post_holds_nobody_up(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    chirp.engine.stop_writes("the disk is full")
    failed = asyncio.gather(*[chirp.post(ada) for _ in range(5)], return_exceptions=True)
    assert {type(result) for result in await failed} == {WritesStopped}
    chirp.engine.stop_writes(None)
    tweet = await chirp.post(ada)
    assert await chirp.home(ada) == [tweet.tweet_id]
    chirp.server.watermark.check()
    assert chirp.server.watermark.stats()["open"] == 0


@pytest.mark.parametrize("turns", range(0, 40, 2))
async def test_a_post_whose_sender_has_gone_holds_nobody_up_and_shows_everywhere(
    turns: int,
) -> None:
    chirp = await Driver.open(memory_store(UnevenEngine(2, turns)))
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(bob, ada)
    first = await chirp.post(ada)
    posting = asyncio.create_task(chirp.post(ada, "gone?"))
    for _ in range(turns):
        await asyncio.sleep(0)
    posting.cancel()
    last = await chirp.post(ada)
    await chirp.server.journal.wait_idle()
    stored = await chirp.store.tweets.ids_of(ada.user_id, 1 << 63, 10)
    assert {first.tweet_id, last.tweet_id} <= set(stored)
    assert await chirp.tweets_of(ada) == stored
    assert await chirp.home(bob) == await chirp.home(ada) == stored
    await chirp.check()
    await chirp.close()


async def test_a_post_that_cannot_be_delivered_is_refused_and_others_learn_it_too(
    chirp: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await chirp.register("ada")
    chirp.engine.watch(lambda _source, _sequence: chirp.engine.stop_writes("the disk is full"))
    with caplog.at_level(logging.CRITICAL):
        posts = [chirp.post(ada) for _ in range(5)]
        results = await asyncio.wait_for(asyncio.gather(*posts, return_exceptions=True), 10)
    assert all(isinstance(result, StorageError) for result in results)


async def test_who_is_suspended_while_they_post_is_told_that_there_is_nothing(
    chirp: Driver,
) -> None:
    ada = await chirp.register("ada")
    post = asyncio.create_task(chirp.post(ada))
    await asyncio.sleep(0)
    await chirp.suspend(ada)
    with pytest.raises(NotFound):
        await post
    await chirp.check()


@pytest.mark.parametrize("seed", range(40))
async def test_the_same_request_twice_at_once_posts_once(seed: int) -> None:
    chirp = await Driver.open(memory_store(UnevenEngine(8, seed)))
    ada = await chirp.register("ada")
    root = await chirp.post(ada)
    await chirp.restart()  # what is answered is looked for on disk, which takes its time
    first = asyncio.create_task(chirp.post(ada, "hi", key="one"))
    again = asyncio.create_task(chirp.post(ada, "hi", reply_to=root, quote=root, key="one"))
    assert (await first).tweet_id == (await again).tweet_id
    assert (await chirp.profile(None, ada)).counts.tweets == 2
    await chirp.close()
