"""Every verb in any order, with restarts and crashes: all that is read is what the model says.

Hypothesis chooses what is done; after each step one person's lists are compared, at the end all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chirp.views import Viewer
from tests.simulation.acts import Acts
from tests.simulation.compare import Comparison
from tests.simulation.test_timelines import shrink_caches
from tests.simulation.world import World
from tests.support.driver import PASSWORD, Driver, config, memory_store
from tests.support.engines import UnevenEngine

MOST_PEOPLE = 5
WHO = st.integers(0, MOST_PEOPLE - 1)
PLACE = st.integers(0, 1 << 16)
REACTIONS = ["favorite", "unfavorite", "retweet", "unretweet", "bookmark", "unbookmark"]
RELATIONS = ["follow", "unfollow", "block", "unblock", "mute", "unmute"]


class Verbs(RuleBasedStateMachine):
    """A few people who do everything that can be done."""

    push_limit = 10_000

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.acts: Acts | None = None
        self.hurried = False
        self.steps = count()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.runner.run(work)

    @initialize(
        shards=st.sampled_from([1, 2, 8]),
        seed=st.integers(0, 1 << 16),
        budget_bytes=st.sampled_from([0, 3_000, 1 << 20]),
        keep=st.sampled_from([2, 800]),
        limit=st.integers(1, 5),
    )
    def begin(self, shards: int, seed: int, budget_bytes: int, keep: int, limit: int) -> None:
        self.budget_bytes, self.keep, self.limit = budget_bytes, keep, limit
        self.run(self._begin(UnevenEngine(shards, seed)))

    async def _begin(self, engine: UnevenEngine) -> None:
        chirp = await Driver.open(memory_store(engine), config(push_limit=self.push_limit))
        self._shrink(chirp)
        people: dict[int, Viewer] = {}
        password_hash = await chirp.server.passwords.hash(PASSWORD)
        for number in range(MOST_PEOPLE):
            viewer = await chirp.register(f"user{number}", password_hash=password_hash)
            people[int(viewer.user_id)] = viewer
        names = {int(who): name for who, name in chirp.names.items()}
        self.acts, self.ids = Acts(chirp, World(names), people), list(people)

    def _shrink(self, chirp: Driver) -> None:
        shrink_caches(chirp.server, self.budget_bytes, self.keep)
        for cache in (chirp.server.caches.marks, chirp.server.caches.sights):
            cache.budget_bytes = self.budget_bytes

    @property
    def does(self) -> Acts:
        assert self.acts is not None
        return self.acts

    def tweet(self, place: int) -> int | None:
        """Return a tweet, deleted or not, the newest more often; None when there is none."""
        ever = list(self.does.world.ever)
        return ever[-1 - place % min(len(ever), 12)] if ever else None

    @rule(a=WHO, up=st.none() | PLACE, quoted=st.none() | PLACE, keyed=st.booleans())
    def post(self, a: int, up: int | None, quoted: int | None, *, keyed: bool) -> None:
        key = f"step {next(self.steps)}" if keyed else None
        reply_to = None if up is None else self.tweet(up)
        quote_of = None if quoted is None else self.tweet(quoted)
        self.run(self.does.post(self.ids[a], reply_to=reply_to, quote_of=quote_of, key=key))

    @rule(a=WHO, place=PLACE, verb=st.sampled_from(REACTIONS))
    def react(self, a: int, place: int, verb: str) -> None:
        tweet = self.tweet(place)
        if tweet is not None:
            self.run(self.does.react(self.ids[a], verb, tweet))

    @rule(place=PLACE, verb=st.sampled_from(["favorite", "retweet", "bookmark"]))
    def everybody_reacts(self, place: int, verb: str) -> None:
        for a in range(MOST_PEOPLE):
            self.react(a, place, verb)

    @rule(a=WHO, b=WHO, verb=st.sampled_from(RELATIONS))
    def relate(self, a: int, b: int, verb: str) -> None:
        if a != b:
            self.run(self.does.relate(self.ids[a], verb, self.ids[b]))

    @rule(b=WHO)
    def everybody_follows(self, b: int) -> None:
        for a in range(MOST_PEOPLE):
            self.relate(a, b, "follow")

    @rule(a=WHO | st.none(), place=PLACE)
    def edit(self, a: int | None, place: int) -> None:
        tweet = self.tweet(place)
        if tweet is not None:
            self.run(self.does.edit(self._author(a, tweet), tweet))

    @rule(a=WHO | st.none(), place=PLACE)
    def delete(self, a: int | None, place: int) -> None:
        tweet = self.tweet(place)
        if tweet is not None:
            self.run(self.does.delete(self._author(a, tweet), tweet))

    def _author(self, a: int | None, tweet: int) -> int:
        return self.does.world.ever[tweet].author if a is None else self.ids[a]

    @rule(a=WHO, number=st.integers(0, 99))
    def edit_profile(self, a: int, number: int) -> None:
        self.run(self.does.edit_profile(self.ids[a], f"Name {number}"))

    @rule(a=WHO, suspended=st.booleans())
    def suspend(self, a: int, *, suspended: bool) -> None:
        self.run(self.does.suspend(self.ids[a], suspended=suspended))

    @precondition(lambda self: len(self.does.people) > 2)
    @rule(a=WHO)
    def close(self, a: int) -> None:
        self.run(self.does.close(self.ids[a]))

    @rule(seed=st.integers(0, 1 << 16))
    def many_at_once(self, seed: int) -> None:
        """Let eight act at the same time, at random."""
        dice, acts = Random(seed), self.does
        active = [who for who in acts.people if who not in acts.world.suspended]

        async def all_at_once() -> None:
            await asyncio.gather(*[acts.any(dice) for _ in range(8)])

        if len(active) > 4:  # two of those who meet may be suspended or closed before the last acts
            self.run(all_at_once())

    @rule(ms=st.sampled_from([1, 1_000]))
    def time_passes(self, ms: int) -> None:
        self.does.chirp.clock.advance_ms(ms)

    @rule(crash=st.booleans())
    def restart(self, *, crash: bool) -> None:
        self.run(self.does.chirp.restart(crash=crash))
        self.hurried = False
        self._shrink(self.does.chirp)

    @rule()
    def hurry(self) -> None:
        """Wait for nothing that goes on behind, until the next restart cuts it off."""
        self.hurried = True

    @invariant()
    def what_one_person_reads_is_right(self) -> None:
        if self.acts is not None and not self.hurried:
            steps = len(self.does.world.ever) + sum(self.does.done.values())
            self.run(self._compare([list(self.does.people)[steps % len(self.does.people)]]))

    async def _compare(self, people: list[int]) -> None:
        acts = self.does
        await acts.chirp.server.journal.wait_idle()
        comparison = Comparison(acts.chirp, acts.world, acts.people, self.limit)
        for who in people:
            await comparison.everything_of(who)
            await comparison.public(who)
            for tweet in list(acts.world.ever)[-4:]:
                await comparison.tweet(who, tweet)

    async def _compare_all(self) -> None:
        acts = self.does
        await self._compare(list(acts.people))
        comparison = Comparison(acts.chirp, acts.world, acts.people, self.limit)
        for who in (*acts.people, None):
            for tweet in acts.world.ever:
                await comparison.tweet(who, tweet)
            for other in acts.people:
                await comparison.person(who, other)
                await comparison.of_user(who, other)
        await acts.chirp.check()

    def teardown(self) -> None:
        if self.acts is not None:
            self.run(self._compare_all())
            self.run(self.does.chirp.close())
        self.runner.close()


class PulledVerbs(Verbs):
    """Authors with more than one follower are pulled."""

    push_limit = 1


@pytest.fixture(autouse=True)
def _same_switch_interval(same_switch_interval: None) -> None:
    """Put it back after each."""


SIMULATION = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

TestVerbs = Verbs.TestCase
TestPulledVerbs = PulledVerbs.TestCase
TestVerbs.settings = TestPulledVerbs.settings = SIMULATION
