"""Idempotency keys and reserved tweets: once is once, whatever happens in between."""

from __future__ import annotations

import asyncio

import pytest

from chirp.errors import NotFound, Taken
from chirp.model import Tweet, TweetId, UnixMs
from chirp.storage.changes import Claim, retweeted, tweet_reserved
from chirp.storage.tables.answers import KEPT_MS, Answer
from chirp.storage.tables.marks import Mark
from chirp.views import Viewer
from tests.support.driver import Driver
from tests.support.web import Http


async def test_the_same_request_twice_posts_once(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    first, second = [await chirp.post(ada, key="k") for _ in range(2)]
    assert first == second
    assert await chirp.tweets_of(ada) == [first.tweet_id]
    await chirp.check()


async def test_eight_at_once_post_once(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    posted = await asyncio.gather(*(chirp.post(ada, key="k") for _ in range(8)))
    assert await chirp.tweets_of(ada) == [posted[0].tweet_id]
    assert {tweet.tweet_id for tweet in posted} == {posted[0].tweet_id}
    await chirp.check()


async def test_a_key_with_another_body_is_taken(http: Http) -> None:
    ada = await http.chirp.register("ada")
    headers = {"Idempotency-Key": "k"}
    await http.ok(await http.post("/tweet", {"tweet_data": "a"}, ada, headers=headers), 201)
    answer = await http.post("/tweet", {"tweet_data": "b"}, ada, headers=headers)
    answer.refused(409, "Idempotency-Key")
    with pytest.raises(Taken):
        await http.chirp.post(ada, "c", key="k")


async def test_a_key_is_its_owners_alone(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    tweets = [await chirp.post(who, f"{who.user_id}", key="k") for who in (ada, bob)]
    assert tweets[0].author_id != tweets[1].author_id


async def test_after_a_day_a_key_is_new(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    first = await chirp.post(ada, key="k")
    chirp.clock.advance_ms(KEPT_MS - 1)
    assert await chirp.post(ada, key="k") == first
    chirp.clock.advance_ms(1)
    second = await chirp.post(ada, "another", key="k")
    assert await chirp.tweets_of(ada) == [second.tweet_id, first.tweet_id]
    await chirp.check()


async def test_old_keys_are_swept_as_new_ones_come(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    for number in range(6):
        await chirp.post(ada, key=str(number))
    chirp.clock.advance_ms(KEPT_MS)
    for number in range(3):
        await chirp.post(ada, key=f"new {number}")
    assert len(await chirp.store.answers.oldest(ada.user_id, 100)) == 3
    await chirp.check()


async def test_a_repetition_does_not_bring_back_what_was_deleted(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    await chirp.delete(ada, await chirp.post(ada, key="k"))
    with pytest.raises(NotFound):
        await chirp.post(ada, key="k")
    assert await chirp.tweets_of(ada) == []


async def reserved(chirp: Driver, author: Viewer, original: Tweet | None) -> Tweet:
    """Reserve a keyed post, or a retweet, and crash before its own row is written."""
    tweet_id, now = TweetId(await chirp.server.ids.next()), UnixMs(chirp.clock.now_ms())
    tweet = Tweet(tweet_id, author.user_id, "", now, conversation_id=tweet_id)
    if original is not None:
        tweet = Tweet(tweet_id, author.user_id, "", now, tweet_id, retweet_of=original.tweet_id)
        batch = retweeted(chirp.store, tweet, Mark(), None)
    else:
        answer = Answer(b"d" * 16, b"b" * 16, TweetId(0), now)
        batch = tweet_reserved(chirp.store, tweet, Claim(answer, None, []))
    chirp.engine.watch(lambda _source, _sequence: chirp.engine.stop_writes("the machine is going"))
    await chirp.engine.commit(batch)
    assert await chirp.store.tweets.find_many([tweet_id]) == [None]
    await chirp.restart(crash=True)
    return tweet


@pytest.mark.parametrize("retweet", [False, True])
async def test_what_was_reserved_before_a_crash_is_there_after_it(
    chirp: Driver, retweet: bool
) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(bob, ada)
    original = await chirp.post(bob)
    tweet = await reserved(chirp, ada, original if retweet else None)
    assert await chirp.tweets_of(ada) == [tweet.tweet_id]
    if retweet:
        assert (await chirp.get(ada, original)).flags.retweeted
        assert (await chirp.get(ada, original)).cached.counts.retweets == 1
    else:
        assert tweet.tweet_id in await chirp.home(bob)
    assert (await chirp.post(ada)).tweet_id > tweet.tweet_id
    await chirp.check()
