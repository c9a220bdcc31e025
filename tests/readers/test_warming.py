"""Warming: what was written lately is in the cache soon after the start."""

from __future__ import annotations

import pytest

from chirp.app import RECENT_MS
from chirp.model import Tweet
from chirp.pages import ReadTweets
from chirp.readers import warming
from chirp.readers.warming import warm
from chirp.views import TweetView, Viewer
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


async def test_a_warmed_tweet_is_made_of_its_row_when_it_is_first_read(
    filled: tuple[Driver, list[Viewer], list[Tweet]],
) -> None:
    chirp, _, tweets = filled
    await warmed(chirp, 1 << 20)
    reader, ids = chirp.server.tweets, tweet_ids(tweets[2:])
    assert reader.cached(ids) == [None] * 4
    found = await reader.find_many(ids)
    assert [cell.tweet for cell in found if cell is not None] == sorted(
        tweets[2:], key=lambda tweet: tweet.tweet_id, reverse=True
    )
    assert reader.cached(ids) == found, "the very same"
    chirp.server.caches.tweets.check()


async def test_warmed_tweets_show_their_counts_edits_and_deletes(
    filled: tuple[Driver, list[Viewer], list[Tweet]],
) -> None:
    chirp, (ada, bob), tweets = filled
    await chirp.react(ada, "favorite", tweets[5])
    await warmed(chirp, 1 << 20)
    await chirp.react(bob, "favorite", tweets[4])
    await chirp.edit(ada, tweets[2], "better")
    await chirp.delete(bob, tweets[3])
    shown = {view.cached.tweet.tweet_id: view.cached for view in await both(chirp, ada, bob)}
    assert shown[tweets[5].tweet_id].counts.favorites == 1
    assert shown[tweets[4].tweet_id].counts.favorites == 1
    assert shown[tweets[2].tweet_id].tweet.content == "better"
    assert tweets[3].tweet_id not in shown


async def both(chirp: Driver, *people: Viewer) -> list[TweetView]:
    return [
        view for who in people for view in (await chirp.user_page(None, who, ReadTweets(9))).items
    ]


async def test_a_page_reads_on_below_what_was_warmed(
    filled: tuple[Driver, list[Viewer], list[Tweet]],
) -> None:
    chirp, people, tweets = filled
    await warmed(chirp, 1 << 20)
    page = await chirp.user_page(None, people[0], ReadTweets(3))
    assert tweet_ids([view.cached.tweet for view in page.items]) == tweet_ids(tweets[0::2])
    assert chirp.server.caches.tweets.stats()["partial_hits"] == 1


async def test_with_room_for_some_the_newest_are_loaded(
    filled: tuple[Driver, list[Viewer], list[Tweet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chirp, people, tweets = filled
    monkeypatch.setattr(warming, "_CHUNK_ROWS", 2)
    assert await warmed(chirp, 1) == 2
    assert chirp.server.caches.tweets.packed_many([tweets[5].tweet_id]) != [None]
    for who in people:
        own = [tweet for tweet in tweets if tweet.author_id == who.user_id]
        assert await chirp.tweets_of(who) == tweet_ids(own)


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
