"""The home consumer: who gets a tweet, who is merged in instead, and what follows void."""

from __future__ import annotations

import asyncio

import pytest

from chirp.fanout import home as fanout_home
from chirp.pages import NEWEST
from chirp.readers import merge
from chirp.views import Viewer
from tests.support.driver import Driver, config, memory_store, tweet_ids
from tests.support.engines import UnevenEngine


async def crowd(chirp: Driver, count: int) -> tuple[Viewer, list[Viewer]]:
    """Return an author and their followers, who have all read their home timelines."""
    author, *fans = await chirp.register_many(*[f"user{n}" for n in range(count + 1)])
    for fan in fans:
        await chirp.follow(fan, author)
        await chirp.home(fan)
    return author, fans


def deliveries(chirp: Driver) -> int:
    return chirp.server.metrics.deliveries


async def test_a_tweet_goes_to_every_active_follower(chirp: Driver) -> None:
    author, fans = await crowd(chirp, 5)
    tweet = await chirp.post(author)
    assert deliveries(chirp) == 5
    builds = chirp.server.caches.homes.stats()["builds"]
    assert [await chirp.home(fan) for fan in fans] == [[tweet.tweet_id]] * 5
    assert chirp.server.caches.homes.stats()["builds"] == builds


async def test_nobody_who_is_not_active_is_delivered_to(chirp: Driver) -> None:
    author, fan = await chirp.register_many("ada", "bob")
    await chirp.follow(fan, author)
    tweet = await chirp.post(author)
    assert deliveries(chirp) == 0
    assert await chirp.home(fan) == [tweet.tweet_id]


async def test_slices_reach_everybody_once(chirp: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout_home, "SLICE_FOLLOWERS", 2)
    author, fans = await crowd(chirp, 7)
    tweet = await chirp.post(author)
    assert deliveries(chirp) == 7
    assert [await chirp.home(fan) for fan in fans] == [[tweet.tweet_id]] * 7


async def test_an_author_above_the_limit_is_merged_in_and_not_pushed() -> None:
    chirp = await Driver.open(settings=config(push_limit=2))
    author, fans = await crowd(chirp, 3)
    tweets = await chirp.post_many(author, 3)
    assert deliveries(chirp) == 0
    assert chirp.server.homes.pulled == {author.user_id}
    assert [await chirp.home(fan) for fan in fans] == [tweet_ids(tweets)] * 3
    await chirp.close()


async def test_who_follows_nobody_that_is_merged_in_reads_their_window_as_ever() -> None:
    chirp = await Driver.open(settings=config(push_limit=2))
    author, fans = await crowd(chirp, 3)
    bob = await chirp.register("bob")
    await chirp.follow(bob, fans[0])
    await chirp.post(author)
    assert chirp.server.homes.pulled == {author.user_id}
    for _ in range(2):
        tweet = await chirp.post(fans[0])
        assert (await chirp.home(bob))[0] == tweet.tweet_id
    for _ in range(2):
        await chirp.server.timelines.home(bob, NEWEST)
    assert chirp.server.first_pages.stats()["unchanged"] == 1
    await chirp.follow(bob, author)
    celebrated = await chirp.post(author)
    assert (await chirp.home(bob))[0] == celebrated.tweet_id
    await chirp.post_many(fans[1], 1)
    assert chirp.server.homes.find_newest(bob.user_id, 1 << 62, 20) is None
    await chirp.close()


async def test_who_becomes_merged_in_later_is_read_too() -> None:
    chirp = await Driver.open(settings=config(push_limit=2))
    ada, ada_fans = await crowd(chirp, 3)
    bob, carl, *more = await chirp.register_many("bob", "carl", "dan", "eve")
    await chirp.follow(bob, carl)
    await chirp.post(ada)  # merged in from now on, and bob does not follow her
    assert await chirp.home(bob) == []
    for fan in (*more, ada_fans[0]):
        await chirp.follow(fan, carl)
    tweet = await chirp.post(carl)
    assert chirp.server.homes.pulled == {ada.user_id, carl.user_id}
    assert await chirp.home(bob) == [tweet.tweet_id]
    await chirp.close()


async def test_of_many_followees_who_wrote_last_are_merged(
    chirp: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "TOGETHER", 2)
    ada, *followees = await chirp.register_many("ada", *[f"user{n}" for n in range(12)])
    await chirp.follow(ada, *followees)
    tweets = [await chirp.post(followees[number * 5 % 12]) for number in range(24)]
    # Who wrote last has nothing left: what is noted of them tells no longer what they have.
    for tweet in tweets[-3:] + tweets[9:12]:
        author = next(one for one in followees if one.user_id == tweet.author_id)
        await chirp.delete(author, tweet)
    tweets = tweets[:9] + tweets[12:-3]
    homes = chirp.server.caches.homes
    assert ada.user_id not in homes
    homes.keep = 5
    assert await chirp.home(ada) == tweet_ids(tweets)
    window = homes.read(ada.user_id, None, 5)
    assert window is not None
    assert window.ids == tweet_ids(tweets)[:5]


async def test_an_author_at_the_limit_is_pushed() -> None:
    chirp = await Driver.open(settings=config(push_limit=3))
    author, _ = await crowd(chirp, 3)
    await chirp.post(author)
    assert deliveries(chirp) == 3
    assert chirp.server.homes.pulled == set()
    await chirp.close()


async def test_who_falls_below_the_limit_is_pushed_and_stays_merged() -> None:
    chirp = await Driver.open(settings=config(push_limit=2))
    author, fans = await crowd(chirp, 3)
    pulled = await chirp.post(author)
    await chirp.unfollow(fans[0], author)
    pushed = await chirp.post(author)
    assert await chirp.home(fans[1]) == tweet_ids([pulled, pushed])
    assert await chirp.home(fans[0]) == []
    await chirp.close()


async def test_a_follow_brings_the_past_and_an_unfollow_takes_it_away(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    past = await chirp.post_many(bob, 2)
    assert await chirp.home(ada) == []
    await chirp.follow(ada, bob)
    assert await chirp.home(ada) == tweet_ids(past)
    await chirp.unfollow(ada, bob)
    assert await chirp.home(ada) == []


async def test_a_new_profile_version_shows_everywhere(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    tweet = await chirp.post(ada)
    await chirp.write_profile(ada, name="Countess", version=2)
    assert (await chirp.get(None, tweet)).cached.author.user.name == "Countess"
    assert (await chirp.profile(None, ada)).user.name == "Countess"


async def test_the_lag_of_each_delivery_is_measured(chirp: Driver) -> None:
    author, _ = await crowd(chirp, 1)
    await chirp.post_many(author, 3)
    assert sum(chirp.server.metrics.delivery_lag_s.counts) == 3


@pytest.mark.parametrize("seed", range(3))
async def test_a_reader_in_the_middle_of_a_delivery_misses_nothing_later(seed: int) -> None:
    chirp = await Driver.open(memory_store(UnevenEngine(8, seed)))
    author, fans = await crowd(chirp, 6)
    posting = asyncio.create_task(chirp.post_many(author, 10))
    while not posting.done():
        await asyncio.gather(*[chirp.home(fan) for fan in fans])
    tweets = await posting
    assert [await chirp.home(fan) for fan in fans] == [tweet_ids(tweets)] * 6
    await chirp.close()
