"""Timelines: bounds, pages and cursors. (All of it at random: tests/simulation.)"""

from __future__ import annotations

import pytest

from chirp.errors import NotFound
from chirp.model import MAX_ID, Tweet
from chirp.pages import ReadTweets
from chirp.views import Page, TweetView, Viewer
from tests.support.driver import Driver, ids_of, older, texts_of, tweet_ids

HOME_OR_USER = pytest.mark.parametrize("which", ["home", "user"])


async def read(chirp: Driver, which: str, who: Viewer, command: ReadTweets) -> Page[TweetView]:
    if which == "home":
        return await chirp.home_page(who, command)
    return await chirp.user_page(who, who, command)


async def ten(chirp: Driver) -> tuple[Viewer, list[Tweet]]:
    ada = await chirp.register("ada")
    return ada, await chirp.post_many(ada, 10)


async def test_home_holds_own_tweets_and_those_of_followees(any_chirp: Driver) -> None:
    ada, bob, eve = await any_chirp.register_many("ada", "bob", "eve")
    await any_chirp.follow(ada, bob)
    tweets = [await any_chirp.post(who, name) for who, name in ((ada, "a"), (bob, "b"))]
    await any_chirp.post(eve, "e")
    assert texts_of(await any_chirp.home_page(ada, ReadTweets())) == ["b", "a"]
    assert await any_chirp.home(ada) == tweet_ids(tweets)
    assert await any_chirp.tweets_of(ada) == [tweets[0].tweet_id]


async def test_an_empty_timeline_is_an_empty_page(any_chirp: Driver) -> None:
    ada = await any_chirp.register("ada")
    home = await any_chirp.home_page(ada, ReadTweets())
    assert (home.items, home.next, home.prev) == ([], None, None)
    assert await any_chirp.user_page(None, ada, ReadTweets()) == Page([])


async def test_a_timeline_of_nobody_is_not_found(chirp: Driver) -> None:
    with pytest.raises(NotFound):
        await chirp.server.timelines.of_user(None, "nobody", ReadTweets())


@HOME_OR_USER
async def test_bounds_are_exclusive(any_chirp: Driver, which: str) -> None:
    ada, tweets = await ten(any_chirp)
    ids = [tweet.tweet_id for tweet in tweets]
    commands = {
        ReadTweets(max_id=ids[3]): ids[:3],
        ReadTweets(since_id=ids[6]): ids[7:],
        ReadTweets(min_id=ids[6]): ids[7:],
        ReadTweets(2, since_id=ids[2]): ids[8:],
        ReadTweets(2, min_id=ids[2]): ids[3:5],
        ReadTweets(max_id=ids[5], since_id=ids[2]): ids[3:5],
        ReadTweets(1, max_id=ids[5], min_id=ids[2]): ids[3:4],
        ReadTweets(max_id=ids[3], since_id=ids[2]): [],
        ReadTweets(max_id=ids[2], since_id=ids[5]): [],
        ReadTweets(max_id=1): [],
        ReadTweets(max_id=MAX_ID): ids,
        ReadTweets(since_id=MAX_ID): [],
        ReadTweets(min_id=MAX_ID): [],
    }
    for command, wanted in commands.items():
        page = await read(any_chirp, which, ada, command)
        assert ids_of(page) == wanted[::-1], command
        assert page.items or page.next is None


@HOME_OR_USER
@pytest.mark.parametrize("limit", [1, 3, 5, 9, 10, 11, 100])
async def test_the_last_page_has_no_next(chirp: Driver, which: str, limit: int) -> None:
    ada, tweets = await ten(chirp)
    page = await read(chirp, which, ada, ReadTweets(limit))
    pages, found = 1, ids_of(page)
    while page.next is not None:
        page = await read(chirp, which, ada, older(page.next, limit))
        pages, found = pages + 1, found + ids_of(page)
    assert (pages, found) == (-(-10 // limit), tweet_ids(tweets))


@HOME_OR_USER
async def test_prev_leads_to_what_is_newer(chirp: Driver, which: str) -> None:
    ada, tweets = await ten(chirp)
    first = await read(chirp, which, ada, ReadTweets(4))
    second = await read(chirp, which, ada, older(first.next, 4))
    assert second.prev is not None
    back = await read(chirp, which, ada, ReadTweets(4, min_id=second.prev.other))
    assert ids_of(back) == ids_of(first)
    newer = await chirp.post(ada)
    assert back.prev is not None
    page = await read(chirp, which, ada, ReadTweets(4, min_id=back.prev.other))
    assert ids_of(page) == [newer.tweet_id]
    assert len(tweets) == 10


@HOME_OR_USER
async def test_the_lowest_page_upwards_has_no_next(chirp: Driver, which: str) -> None:
    ada, _ = await ten(chirp)
    page = await read(chirp, which, ada, ReadTweets(4, min_id=1))
    assert page.next is None


@HOME_OR_USER
async def test_deleted_tweets_are_skipped_and_pages_stay_full(chirp: Driver, which: str) -> None:
    ada, tweets = await ten(chirp)
    await chirp.home(ada)
    for tweet in tweets[3:9]:
        await chirp.delete(ada, tweet)
    page = await read(chirp, which, ada, ReadTweets(3))
    assert ids_of(page) == tweet_ids([tweets[9], *tweets[1:3]])
    page = await read(chirp, which, ada, older(page.next, 3))
    assert (ids_of(page), page.next) == ([tweets[0].tweet_id], None)


async def test_a_page_of_hidden_tweets_does_not_end_a_timeline(chirp: Driver) -> None:
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    await chirp.follow(ada, bob, eve)
    old = await chirp.post(bob)
    await chirp.post_many(eve, 30)
    await chirp.suspend(eve)
    assert await chirp.home(ada, limit=5) == [old.tweet_id]


@pytest.mark.parametrize("warm", [False, True])
async def test_timelines_are_the_same_after_a_restart(chirp: Driver, warm: bool) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(ada, bob)
    tweets = [*await chirp.post_many(ada, 5), *await chirp.post_many(bob, 5)]
    await chirp.restart(crash=warm)
    assert await chirp.home(ada) == tweet_ids(tweets)
    assert await chirp.tweets_of(bob) == tweet_ids(tweets[5:])
