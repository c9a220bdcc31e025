"""Many requests at once: at rest all agree, and on the way nobody misses anything."""

from __future__ import annotations

import asyncio
import random

import pytest

from chirp.errors import ChirpError
from chirp.fanout import home as fanout_home
from chirp.model import TweetId
from chirp.pages import ReadTweets
from chirp.views import Viewer
from tests.simulation.model import Model
from tests.support.driver import Driver, config, ids_of, memory_store
from tests.support.engines import UnevenEngine

pytestmark = pytest.mark.usefixtures("same_switch_interval")

PUSH_LIMITS = pytest.mark.parametrize("push_limit", [0, 3, 10_000])
SEEDS = pytest.mark.parametrize("seed", range(4))


async def uneven(push_limit: int, seed: int) -> Driver:
    engine = UnevenEngine(8, seed)
    return await Driver.open(memory_store(engine), config(push_limit=push_limit))


async def act(chirp: Driver, people: list[Viewer], dice: random.Random) -> None:
    """Do something at random; refusals are part of life."""
    viewer, other = dice.sample(people, 2)
    what = dice.randrange(8)
    try:
        if what == 0:
            await chirp.follow(viewer, other)
        elif what == 1:
            await chirp.unfollow(viewer, other)
        elif what == 2:
            tweet = await chirp.post(viewer)
            if dice.random() < 0.3:
                await chirp.delete(viewer, tweet)
        elif what == 3:
            await chirp.user_page(viewer, other, ReadTweets(5))
        else:
            await chirp.home_page(viewer, ReadTweets(dice.choice([1, 5, 100])))
    except ChirpError as error:
        raise AssertionError(f"{what} was refused") from error


async def stored(chirp: Driver, people: list[Viewer]) -> Model:
    """Return what the tables say: the truth that every timeline must tell."""
    model = Model()
    for who in people:
        for other in await chirp.store.following.members(who.user_id):
            model.follows.add((who.user_id, other))
        for tweet_id in await chirp.store.tweets.ids_of(who.user_id, 1 << 63, 10_000):
            model.author_of[tweet_id] = who.user_id
    return model


@PUSH_LIMITS
@SEEDS
async def test_at_rest_all_timelines_are_those_of_the_tables(push_limit: int, seed: int) -> None:
    chirp, dice = await uneven(push_limit, seed), random.Random(seed)
    people = await chirp.register_many(*[f"user{n}" for n in range(8)])
    for _ in range(6):
        await asyncio.gather(*[act(chirp, people, dice) for _ in range(60)])
        await chirp.check()
        model = await stored(chirp, people)
        for who in people:
            assert await chirp.home(who, limit=100) == model.home(who.user_id)[:100]
            assert await chirp.tweets_of(who, limit=100) == model.by(who.user_id)[:100]
    await chirp.close()


class Poller:
    """Asks again and again for what is newer than the newest that it saw."""

    def __init__(self, chirp: Driver, viewer: Viewer, *, upwards: bool) -> None:
        self._chirp, self._viewer, self._upwards = chirp, viewer, upwards
        self.seen: set[TweetId] = set()

    async def poll(self) -> None:
        newest = max(self.seen, default=TweetId(1))
        if self._upwards:
            page = await self._chirp.home_page(self._viewer, ReadTweets(30, min_id=newest))
        else:
            page = await self._chirp.home_page(self._viewer, ReadTweets(30, since_id=newest))
        found = ids_of(page)
        while page.next is not None and not self._upwards:
            command = ReadTweets(30, max_id=page.next.other, since_id=newest)
            page = await self._chirp.home_page(self._viewer, command)
            found += ids_of(page)
        self.seen.update(found)

    async def poll_until(self, done: asyncio.Event) -> None:
        while not done.is_set():
            await self.poll()
            await asyncio.sleep(0)
        before = -1
        while before < len(self.seen):
            before = len(self.seen)
            await self.poll()


async def posts_of(chirp: Driver, authors: list[Viewer], rounds: int) -> set[TweetId]:
    """Keep 64 posts in flight, round after round."""
    posted: set[TweetId] = set()
    for _ in range(rounds):
        tweets = await asyncio.gather(*[chirp.post(authors[n % len(authors)]) for n in range(64)])
        posted.update(tweet.tweet_id for tweet in tweets)
    return posted


@PUSH_LIMITS
@SEEDS
async def test_who_polls_misses_nothing(push_limit: int, seed: int) -> None:
    chirp = await uneven(push_limit, seed)
    people = await chirp.register_many(*[f"user{n}" for n in range(12)])
    readers, authors = people[:3], people[3:]
    for place, author in enumerate(authors):
        for reader in [*readers, *authors[:place]]:
            await chirp.follow(reader, author)
    done = asyncio.Event()
    pollers = [Poller(chirp, who, upwards=up) for who in readers for up in (False, True)]
    tasks = [asyncio.create_task(poller.poll_until(done)) for poller in pollers]
    posted = await posts_of(chirp, authors, 8)
    done.set()
    await asyncio.gather(*tasks)
    assert [len(posted - poller.seen) for poller in pollers] == [0] * len(pollers)
    await chirp.close()


async def test_who_polls_misses_nothing_of_those_with_many_followers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fanout_home, "SLICE_FOLLOWERS", 2)
    await test_who_polls_misses_nothing(10_000, 5)


async def test_an_author_sees_what_they_posted_while_others_post() -> None:
    chirp = await uneven(10_000, 7)
    people = await chirp.register_many(*[f"user{n}" for n in range(8)])

    async def post_and_read(who: Viewer) -> None:
        for _ in range(10):
            tweet = await chirp.post(who)
            assert tweet.tweet_id in await chirp.home(who)
            assert tweet.tweet_id in await chirp.tweets_of(who)
            assert (await chirp.get(who, tweet)).own

    await asyncio.gather(*[post_and_read(who) for who in people])
    await chirp.close()


async def test_who_unfollows_during_a_delivery_does_not_get_the_tweet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fanout_home, "SLICE_FOLLOWERS", 1)
    chirp = await Driver.open(memory_store(UnevenEngine(8, 3)))
    author, *fans = await chirp.register_many(*[f"user{n}" for n in range(12)])
    for fan in fans:
        await chirp.follow(fan, author)

    async def leave(fan: Viewer) -> None:
        await chirp.unfollow(fan, author)
        await chirp.home(fan)

    for _ in range(3):
        leaving = [asyncio.create_task(leave(fan)) for fan in fans]
        await chirp.post_many(author, 3)
        await asyncio.gather(*leaving)
        await chirp.server.journal.wait_idle()
        assert [await chirp.home(fan) for fan in fans] == [[]] * len(fans)
        for fan in fans:
            await chirp.follow(fan, author)
            assert len(await chirp.home(fan)) == len(await chirp.tweets_of(author))
    await chirp.close()
