"""What is found in memory is what is read the plain way."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from chirp.errors import Refusal
from chirp.model import Tweet
from chirp.views import TweetView, Viewer
from tests.support.driver import Driver

VERBS = ("post", "post", "reply", "quote", "retweet", "favorite", "bookmark", "mute", "block",
         "suspend", "lift", "delete")  # fmt: skip


async def something(
    chirp: Driver, chance: Random, people: list[Viewer], tweets: list[Tweet]
) -> None:
    who, other, tweet = *chance.sample(people, 2), chance.choice(tweets)
    verb = chance.choice(VERBS)
    with suppress(Refusal):
        if verb in {"post", "reply", "quote"}:
            answered = tweet if verb == "reply" else None
            quoted = tweet if verb == "quote" else None
            tweets.append(await chirp.post(who, verb, reply_to=answered, quote=quoted))
        elif verb in {"mute", "block"}:
            await chirp.relate(who, chance.choice(["", "un"]) + verb, other)
        elif verb == "suspend":
            await chirp.suspend(people[-1])
        elif verb == "lift":
            await chirp.write_profile(people[-1], name="back", version=chance.randrange(9, 999))
        elif verb == "delete":
            author = next(one for one in people if one.user_id == tweet.author_id)
            if len(tweets) > 5:
                await chirp.delete(author, tweet)
                tweets.remove(tweet)
        else:
            await chirp.react(who, chance.choice(["", "un"]) + verb, tweet)


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_found_is_what_the_plain_way_shows(chirp: Driver, seed: int) -> None:
    chance, server = Random(seed), chirp.server
    people = await chirp.register_many("ada", "bob", "eve", "joe")
    for one in people:
        await chirp.follow(one, *(p for p in people if p is not one and chance.random() < 0.6))
    tweets = [await chirp.post(one) for one in people]
    found = 0
    for _ in range(50):
        await something(chirp, chance, people, tweets)
        for viewer in people:
            who = viewer.user_id
            sight = await server.sights.get(who)
            wants = await server.homes.wants(who, sight)
            ids = await server.homes.newest(who, 2**63 - 1, 30)
            await server.marks.book(who)
            shown = server.showing.find_by_ids(sight, ids, wants)
            plain = await server.showing.by_ids(sight, ids)
            if shown is not None:
                found += 1
                assert shown == [view for view in plain if wants(view)]
    assert found > 60


async def test_what_is_not_in_memory_is_not_found(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(bob, ada)
    tweet = await chirp.post(ada)
    server = chirp.server
    sight = await server.sights.get(bob.user_id)
    await server.marks.book(bob.user_id)

    def found() -> list[TweetView] | None:
        return server.showing.find_by_ids(sight, [tweet.tweet_id], lambda _view: True)

    assert found() is not None
    server.caches.tweets.drop_owner(ada.user_id)
    assert found() is None
    assert server.showing.find_by_ids(sight, [], lambda _view: True) == []
