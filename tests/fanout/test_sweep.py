"""The sweep: what hangs on a deleted tweet or a closed account goes with it."""

from __future__ import annotations

import asyncio

import pytest

from chirp.model import TweetId
from chirp.storage.keys import Table, everything, partition_of
from chirp.views import Viewer
from tests.support.driver import PASSWORD, Driver
from tests.support.web import Http


async def rows_of(chirp: Driver, owner: Viewer) -> tuple[set[Table], set[Table]]:
    """Return the tables with rows that a user owns, and those of others that name them."""
    name = owner.user_id.to_bytes(8, "big")
    owned, named = set[Table](), set[Table]()
    for table in Table:
        for key, _ in await chirp.engine.scan(table, *everything(), 100_000):
            if partition_of(key) == owner.user_id:
                owned.add(table)
            elif name in key:
                named.add(table)
    return owned, named


@pytest.mark.parametrize("crash", [False, True])
async def test_a_deleted_tweet_takes_its_retweets_and_favorites_with_it(
    chirp: Driver, crash: bool
) -> None:
    ada, *others = await chirp.register_many("ada", *(f"u{n}" for n in range(5)))
    tweet = await chirp.post(ada)
    for who in others:
        await chirp.react(who, "favorite", tweet)
        await chirp.react(who, "retweet", tweet)
    await chirp.delete(ada, tweet)
    if crash:
        await chirp.restart(crash=True)
    await chirp.check()
    for who in others:
        assert await chirp.store.tweets.ids_of(who.user_id, 1 << 63, 10) == []
        assert not (await chirp.store.marks.find(who.user_id, TweetId(tweet.tweet_id))).retweet_id
    stats = chirp.engine.stats().tables
    names = ("favorites", "retweets", "favorited_by", "retweeted_by", "marks")
    assert [stats[name].rows for name in names] == [0] * 5


async def busy(chirp: Driver) -> tuple[Viewer, Viewer]:
    """Let Ada and Bob do everything to each other; return them."""
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    await chirp.follow(ada, bob)
    await chirp.follow(bob, ada)
    tweets = [await chirp.post(who, key="k") for who in (ada, bob)]
    for who, tweet in ((ada, tweets[1]), (bob, tweets[0])):
        for verb in ("favorite", "retweet", "bookmark"):
            await chirp.react(who, verb, tweet)
        await chirp.post(who, "re", reply_to=tweet, quote=tweet)
    await chirp.edit(ada, tweets[0], "edited")
    for who, other in ((ada, eve), (eve, ada)):
        await chirp.relate(who, "block", other)
        await chirp.relate(who, "mute", other)
    return ada, bob


@pytest.mark.parametrize("turns", [None, 0, 5, 20, 80, 300])
async def test_a_closed_account_leaves_nothing(chirp: Driver, turns: int | None) -> None:
    ada, bob = await busy(chirp)
    closing = asyncio.create_task(chirp.server.administration.delete("ada"))
    if turns is None:
        await closing
    else:
        for _ in range(100):
            if await chirp.store.directory.find_account(ada.user_id) is None:
                break
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await chirp.restart(crash=True)
    await chirp.check()
    assert await rows_of(chirp, ada) == (set(), set())
    assert (await chirp.profile(bob, bob)).counts.followers == 0
    await chirp.register("ada")


async def test_a_closed_account_is_gone_at_once(http: Http) -> None:
    ada, bob = await busy(http.chirp)
    account = await http.register("dora")
    key, tweet = account["api_dev_key"], await http.tweet(account["api_dev_key"])
    answer = await http.delete("/users/me", key, json={"password": PASSWORD})
    assert answer.status in {200, 204}
    (await http.get("/users/me", key)).refused(401)
    (await http.get("/users/dora")).refused(404)
    (await http.get(f"/tweets/{tweet['tweet_id']}", bob)).refused(404)
    await http.register("dora")
    assert (await http.get("/users/me", ada)).status == 200
