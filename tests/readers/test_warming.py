"""Warming: what was written lately is in the cache soon after the start."""

from __future__ import annotations

import pytest

from chirp.app import RECENT_MS
from chirp.model import Tweet
from chirp.pages import ReadTweets
from chirp.readers.warming import warm
from chirp.views import Viewer
from tests.support.driver import Driver, config, memory_store, tweet_ids


@pytest.fixture
async def filled(chirp: Driver) -> tuple[Driver, list[Viewer], list[Tweet]]:
    """Two old tweets, then four new ones, of two authors."""
    people = await chirp.register_many("ada", "bob")
    old = [await chirp.post(who) for who in people]
    chirp.clock.advance_ms(RECENT_MS + 1)
    new = [await chirp.post(who) for who in [*people, *people]]
    return chirp, people, [*old, *new]


def entries(chirp: Driver) -> int:
    return chirp.server.caches.tweets.stats()["entries"]


async def warmed(chirp: Driver, room_bytes: int) -> int:
    await chirp.restart()
    server = chirp.server
    return await warm(server.store, server.tweets, server._recent_from_id(), room_bytes=room_bytes)


async def test_the_tweets_of_the_last_72_hours_are_loaded(
    filled: tuple[Driver, list[Viewer], list[Tweet]],
) -> None:
    chirp, people, tweets = filled
    assert await warmed(chirp, 1 << 20) == 4
    assert entries(chirp) == 4
    reads = chirp.server.caches.tweets.stats()["hits"]
    page = await chirp.user_page(None, people[0], ReadTweets(1))
    assert [view.cached.tweet for view in page.items] == [tweets[4]]
    assert chirp.server.caches.tweets.stats()["hits"] == reads + 1


async def test_timelines_are_right_on_a_warm_cache(
    filled: tuple[Driver, list[Viewer], list[Tweet]],
) -> None:
    chirp, people, tweets = filled
    await warmed(chirp, 1 << 20)
    for who in people:
        own = [tweet for tweet in tweets if tweet.author_id == who.user_id]
        assert await chirp.home(who) == await chirp.tweets_of(who) == tweet_ids(own)


async def test_without_room_nothing_is_loaded(
    filled: tuple[Driver, list[Viewer], list[Tweet]],
) -> None:
    assert await warmed(filled[0], 0) == 0
    assert entries(filled[0]) == 0


async def test_deleted_tweets_are_not_loaded(
    filled: tuple[Driver, list[Viewer], list[Tweet]],
) -> None:
    chirp, people, tweets = filled
    await chirp.delete(people[0], tweets[4])
    assert await warmed(chirp, 1 << 20) == 3


async def test_a_server_warms_in_a_task_of_its_own(same_switch_interval: None) -> None:
    chirp = await Driver.open(memory_store(), config(warm=True))
    ada = await chirp.register("ada")
    tweets = await chirp.post_many(ada, 3)
    await chirp.restart()
    chirp.server.start_warming()
    names = {task.get_name(): task for task in chirp.server.tasks._tasks}
    await names["warm"]
    assert entries(chirp) == 3
    assert await chirp.tweets_of(ada) == tweet_ids(tweets)
    await chirp.close()
