"""First pages are handed out again only while what they show stands."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from random import Random
from weakref import ref

import pytest

from chirp.errors import Refusal
from chirp.model import Tweet
from chirp.pages import NEWEST, ReadTweets
from chirp.views import Page, TweetView, Viewer
from tests.support.driver import Driver, ids_of, tweet_ids


async def first(chirp: Driver, who: Viewer) -> Page[TweetView]:
    return await chirp.home_page(who, NEWEST)


async def bob_and_ada(chirp: Driver) -> tuple[Viewer, Viewer]:
    """Bob follows Ada, who wrote three tweets; his first page is kept."""
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(bob, ada)
    await chirp.post_many(ada, 3)
    await first(chirp, bob)
    return ada, bob


async def test_an_unchanged_first_page_is_the_very_same(chirp: Driver) -> None:
    _, bob = await bob_and_ada(chirp)
    assert await first(chirp, bob) is await first(chirp, bob)


async def test_one_page_of_the_usual_length_and_one_other_are_kept(chirp: Driver) -> None:
    _, bob = await bob_and_ada(chirp)
    usual, entries = await first(chirp, bob), chirp.server.caches.pages.stats
    for limit in range(1, 101):
        await chirp.home_page(bob, ReadTweets(limit))
    assert entries()["entries"] == 2
    assert await first(chirp, bob) is usual
    last = await chirp.home_page(bob, ReadTweets(100))
    assert await chirp.home_page(bob, ReadTweets(100)) is last
    assert await chirp.home_page(bob, ReadTweets(99)) is not last


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_first_pages_of_every_length_are_kept_beside_the_usual(
    chirp: Driver, limit: int
) -> None:
    _, bob = await bob_and_ada(chirp)
    short = await chirp.home_page(bob, ReadTweets(limit))
    assert len(short.items) == min(limit, 3)
    assert await chirp.home_page(bob, ReadTweets(limit)) is short
    assert await first(chirp, bob) is not short
    assert len((await first(chirp, bob)).items) == 3


@pytest.mark.parametrize(
    "command",
    [
        ReadTweets(max_id=1 << 60),
        ReadTweets(since_id=1),
        ReadTweets(min_id=1),
        ReadTweets(exclude_replies=True),
        ReadTweets(only_media=True),
    ],
)
async def test_what_leaves_something_out_is_no_first_page(
    chirp: Driver, command: ReadTweets
) -> None:
    _, bob = await bob_and_ada(chirp)
    stats = chirp.server.first_pages.stats()
    assert await chirp.home_page(bob, command) is not await chirp.home_page(bob, command)
    assert chirp.server.first_pages.stats() == stats


async def test_what_is_made_of_a_page_weighs_and_only_the_last_few_are_kept(
    chirp: Driver,
) -> None:
    _, bob = await bob_and_ada(chirp)
    page, weight = await first(chirp, bob), chirp.server.caches.pages.stats
    keep, bare = page.keep, weight()["weight_bytes"]
    assert keep is not None
    keep(5_000)
    answers = [Made() for _ in range(6)]
    dead = [ref(answer) for answer in answers]
    for answer in answers:
        keep(1_000, answer)
    assert weight()["weight_bytes"] == bare + 5_000 + 4 * 1_000
    answers.clear()
    del answer
    assert [one() is None for one in dead] == [True] * 2 + [False] * 4
    chirp.server.caches.pages.check()


async def test_what_is_made_of_a_page_that_has_gone_is_not_kept(chirp: Driver) -> None:
    ada, bob = await bob_and_ada(chirp)
    keep = (await first(chirp, bob)).keep
    await chirp.post(ada)
    await first(chirp, bob)
    before = chirp.server.caches.pages.stats()["weight_bytes"]
    assert keep is not None
    keep(5_000, Made())
    assert chirp.server.caches.pages.stats()["weight_bytes"] == before


class Made:
    """Something that was made of a page."""


async def test_a_page_of_which_half_is_new_is_made_from_the_ground(chirp: Driver) -> None:
    ada, bob = await bob_and_ada(chirp)
    await chirp.post_many(ada, 30)
    await first(chirp, bob)
    counts = []
    for new in (9, 10):
        await chirp.post_many(ada, new)
        before = chirp.server.first_pages.stats()
        await first(chirp, bob)
        after = chirp.server.first_pages.stats()
        counts.append({name: after[name] - before[name] for name in after})
    renewed, made = counts
    assert (renewed["renewed"], renewed["made"]) == (1, 0)
    assert (made["renewed"], made["made"]) == (0, 1)


async def test_a_new_tweet_shows_at_once(chirp: Driver) -> None:
    ada, bob = await bob_and_ada(chirp)
    tweet = await chirp.post(ada, "new")
    assert ids_of(await first(chirp, bob))[0] == tweet.tweet_id


async def test_a_deleted_tweet_is_gone_at_once(chirp: Driver) -> None:
    ada, bob = await bob_and_ada(chirp)
    tweet = await chirp.post(ada, "soon gone")
    assert tweet.tweet_id in ids_of(await first(chirp, bob))
    await chirp.delete(ada, tweet)
    assert tweet.tweet_id not in ids_of(await first(chirp, bob))


async def test_a_changed_name_shows_at_once(chirp: Driver) -> None:
    ada, bob = await bob_and_ada(chirp)
    before = await first(chirp, bob)
    await chirp.write_profile(ada, name="Countess", version=2)
    after = await first(chirp, bob)
    assert after is not before
    assert {view.cached.author.user.name for view in after.items} == {"Countess"}


async def test_a_suspended_authors_tweets_are_gone_at_once(chirp: Driver) -> None:
    ada, bob = await bob_and_ada(chirp)
    await chirp.suspend(ada)
    assert ids_of(await first(chirp, bob)) == []


@pytest.mark.parametrize("rounds", [1, 3])
async def test_follow_and_unfollow_leave_no_page_of_between(chirp: Driver, rounds: int) -> None:
    _, bob = await bob_and_ada(chirp)
    eve = await chirp.register("eve")
    others = tweet_ids(await chirp.post_many(eve, 2))
    before = ids_of(await first(chirp, bob))
    for _ in range(rounds):
        await chirp.follow(bob, eve)
        assert set(others) < set(ids_of(await first(chirp, bob)))
        await chirp.unfollow(bob, eve)
        assert ids_of(await first(chirp, bob)) == before


async def test_pages_of_two_viewers_are_apart(chirp: Driver) -> None:
    ada, bob = await bob_and_ada(chirp)
    own = [view.own for view in (await first(chirp, ada)).items]
    assert own == [True] * 3
    assert [view.own for view in (await first(chirp, bob)).items] == [False] * 3


@pytest.mark.parametrize("seed", range(12))
async def test_a_first_page_is_at_any_time_the_page_read_anew(chirp: Driver, seed: int) -> None:
    chance, commands = Random(seed), [NEWEST, ReadTweets(7), ReadTweets(30)]
    people = await chirp.register_many("ada", "bob", "eve", "joe")
    await chirp.follow(people[0], people[1], people[2])
    await chirp.follow(people[1], people[0], people[3])
    tweets = [await chirp.post(chance.choice(people), f"early {n}") for n in range(40)]
    for _ in range(60):
        await something(chirp, chance, people, tweets)
        for reader in people[:2] if chance.random() < 0.6 else ():
            for command in chance.sample(commands, 2):
                page = await chirp.home_page(reader, command)
                # What has a bound is not kept.
                anew = await chirp.home_page(reader, replace(command, since_id=1))
                assert (page.items, page.next, page.prev) == (anew.items, anew.next, anew.prev)
    stats = chirp.server.first_pages.stats()
    assert min(stats.values()) > 5, stats


async def something(
    chirp: Driver, chance: Random, people: list[Viewer], tweets: list[Tweet]
) -> None:
    """Let somebody do something to one of the newest tweets, or post."""
    who, tweet = chance.choice(people), chance.choice(tweets[-30:])
    posts = ["post"] * 8 + ["reply"] * 3 + ["quote"]
    marks = ["favorite", "unfavorite", "retweet", "retweet", "unretweet"]
    verb = chance.choice([*posts, *marks, "delete", "mute", "unmute"])
    with suppress(Refusal):
        if verb in {"post", "reply", "quote"}:
            answered = tweet if verb == "reply" else None
            quoted = tweet if verb == "quote" else None
            tweets.append(await chirp.post(who, verb, reply_to=answered, quote=quoted))
        elif verb == "delete":
            author = next(one for one in people if one.user_id == tweet.author_id)
            await chirp.delete(author, tweet)
            tweets.remove(tweet)
        elif verb in {"mute", "unmute"}:
            await chirp.relate(who, verb, chance.choice(people))
        else:
            await chirp.react(who, verb, tweet)
