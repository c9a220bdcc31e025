"""Push, pull and a plain model agree on every page of every timeline, whatever happens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from chirp.app import Chirp
from chirp.model import Tweet
from chirp.pages import ReadTweets
from chirp.views import Page, TweetView, Viewer
from tests.simulation.model import Model, page_of
from tests.support.clock import FixedClock
from tests.support.driver import Driver, config, ids_of, memory_store, older
from tests.support.engines import UnevenEngine

T = TypeVar("T")
Read = Callable[[ReadTweets], Awaitable[Page[TweetView]]]

MOST_PEOPLE = 6
WHO = st.integers(0, MOST_PEOPLE - 1)
LIMITS = st.one_of(st.integers(1, 4), st.integers(1, 100))


def shrink_caches(server: Chirp, budget_bytes: int, keep: int) -> None:
    """Make room for only a few windows, lists and arrays, so that everything is evicted often."""
    caches = server.caches
    for cache in (caches.tweets, caches.homes, caches.followees, caches.followers):
        cache.budget_bytes = budget_bytes
        cache._evict()  # consumers that catch up after a start may have read more before
    caches.users.budget_bytes = budget_bytes
    for user in list(caches.users._entries):
        caches.users.delete(user)
    caches.homes.keep, caches.homes._longest = keep, keep + 2


class Timelines(RuleBasedStateMachine):
    """People follow, post and read on a server whose disks are uneven."""

    push_limit = 10_000

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.people: list[Viewer] = []
        self.tweets: list[Tweet] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(
        shards=st.sampled_from([1, 2, 8]),
        seed=st.integers(0, 1 << 16),
        budget_bytes=st.sampled_from([0, 700, 3_000, 1 << 20]),
        keep=st.sampled_from([1, 3, 800]),
    )
    def begin(self, shards: int, seed: int, budget_bytes: int, keep: int) -> None:
        self.budget_bytes, self.keep = budget_bytes, keep
        store = memory_store(UnevenEngine(shards, seed))
        clock = FixedClock()
        self.chirp = self.run(Driver.open(store, config(push_limit=self.push_limit), clock))
        shrink_caches(self.chirp.server, budget_bytes, keep)
        names = [f"user{number}" for number in range(MOST_PEOPLE)]
        self.people = self.run(self.chirp.register_many(*names))

    @rule(a=WHO, b=WHO)
    def follow(self, a: int, b: int) -> None:
        if a != b:
            self.run(self.chirp.follow(self.people[a], self.people[b]))
            self.model.follows.add((self.people[a].user_id, self.people[b].user_id))

    @rule(b=WHO)
    def everybody_follows(self, b: int) -> None:
        for a in range(MOST_PEOPLE):
            self.follow(a, b)

    @rule(a=WHO, b=WHO)
    def unfollow(self, a: int, b: int) -> None:
        if a != b:
            self.run(self.chirp.unfollow(self.people[a], self.people[b]))
            self.model.follows.discard((self.people[a].user_id, self.people[b].user_id))

    @rule(a=WHO, count=st.integers(1, 5))
    def post(self, a: int, count: int) -> None:
        self.run(self.post_and_read(self.people[a], count))

    async def post_and_read(self, author: Viewer, count: int) -> None:
        """Post; each tweet is in both of its author's timelines at the very next read."""
        for _ in range(count):
            tweet = await self.chirp.post(author)
            self.tweets.append(tweet)
            self.model.author_of[tweet.tweet_id] = author.user_id
            for read, ids in self.both(author, author):
                assert ids_of(await read(ReadTweets(2))) == ids[:2]

    @precondition(lambda self: self.tweets)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        tweet = self.tweets.pop(data.draw(st.integers(0, len(self.tweets) - 1)))
        author = next(who for who in self.people if who.user_id == tweet.author_id)
        self.run(self.chirp.delete(author, tweet))
        del self.model.author_of[tweet.tweet_id]

    @rule(ms=st.sampled_from([1, 1_000, 61_000]))
    def time_passes(self, ms: int) -> None:
        self.chirp.clock.advance_ms(ms)

    @rule(crash=st.booleans())
    def restart(self, *, crash: bool) -> None:
        self.run(self.chirp.restart(crash=crash))
        shrink_caches(self.chirp.server, self.budget_bytes, self.keep)

    @rule(a=WHO, b=WHO, limit=LIMITS)
    def read_all(self, a: int, b: int, limit: int) -> None:
        self.whole(self.people[a], self.people[b], limit)

    @rule(a=WHO, b=WHO, limit=LIMITS, data=st.data())
    def read_bounded(self, a: int, b: int, limit: int, data: st.DataObject) -> None:
        known = [int(tweet.tweet_id) for tweet in self.tweets] or [1]
        bound = st.none() | st.sampled_from(known).flatmap(
            lambda i: st.integers(max(1, i - 1), i + 1)
        )
        max_id, since_id, min_id = (data.draw(bound) for _ in range(3))
        command = ReadTweets(limit, max_id, since_id, min_id)
        for read, ids in self.both(self.people[a], self.people[b]):
            page = self.run(once(read, command))
            assert ids_of(page) == page_of(ids, command)
            assert page.items or page.next is None

    @rule(a=WHO, b=WHO, limit=LIMITS)
    def read_upwards(self, a: int, b: int, limit: int) -> None:
        for read, ids in self.both(self.people[a], self.people[b]):
            assert self.run(walk_up(read, limit)) == ids

    def whole(self, viewer: Viewer, author: Viewer, limit: int) -> None:
        for read, ids in self.both(viewer, author):
            assert self.run(walk_down(read, limit)) == ids

    def both(self, viewer: Viewer, author: Viewer) -> list[tuple[Read, list[int]]]:
        """Return how to read the viewer's home and the author's timeline, and what they hold."""

        async def home(command: ReadTweets) -> Page[TweetView]:
            return await self.chirp.home_page(viewer, command)

        async def of_user(command: ReadTweets) -> Page[TweetView]:
            return await self.chirp.user_page(viewer, author, command)

        model = self.model
        return [(home, model.home(viewer.user_id)), (of_user, model.by(author.user_id))]

    def teardown(self) -> None:
        if self.people:
            for who in self.people:
                self.whole(who, who, limit=7)
            self.run(self.chirp.check())
            self.run(self.chirp.close())
        self.runner.close()


async def once(read: Read, command: ReadTweets) -> Page[TweetView]:
    return await read(command)


async def walk_down(read: Read, limit: int) -> list[int]:
    """Return all ids, following `next` from the first page to the last."""
    page = await read(ReadTweets(limit))
    found = list[int](ids_of(page))
    while page.next is not None:
        assert page.items, "a page with a next holds at least one item"
        assert len(page.items) <= limit
        page = await read(older(page.next, limit))
        found += ids_of(page)
    return found


async def walk_up(read: Read, limit: int) -> list[int]:
    """Return all ids, following `prev` from the oldest page to the newest."""
    page = await read(ReadTweets(limit, min_id=1))
    found = list[int](ids_of(page))
    while page.prev is not None:
        assert len(page.items) <= limit
        page = await read(ReadTweets(limit, min_id=page.prev.other))
        found = ids_of(page) + found
    return found


class Pulled(Timelines):
    """Nobody is pushed: every author is merged in on read."""

    push_limit = 0


class Hybrid(Timelines):
    """Authors with more than two followers are pulled, and change sides as people come and go."""

    push_limit = 2


@pytest.fixture(autouse=True)
def _same_switch_interval(same_switch_interval: None) -> None:
    assert sys.getswitchinterval() > 0


SIMULATION = settings(
    max_examples=80,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

TestPushed = Timelines.TestCase
TestPulled = Pulled.TestCase
TestHybrid = Hybrid.TestCase
TestPushed.settings = TestPulled.settings = TestHybrid.settings = SIMULATION
