"""The audit consumer: flags are written exactly once, however it is cut, and hold nobody up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirp.commands import Because
from chirp.fanout.audit import AUDIT, AuditConsumer
from chirp.fanout.audit_filters import first_filters
from chirp.fanout.index import INDEX
from chirp.fanout.journal import TRIM_EVERY_S, JournalRunner
from chirp.metrics import Metrics
from chirp.model import Flag, Tweet, TweetId, UnixMs, UserId
from chirp.pages import ReadActions
from chirp.readers.roles import OPERATOR
from chirp.services.moderation import FlagState
from chirp.storage.changes import tweet_posted
from chirp.storage.events import Event, TweetPosted
from chirp.storage.keys import FlagTag, Table, everything
from chirp.storage.memory import MemoryEngine
from chirp.storage.store import Store
from chirp.tasks import TaskRunner
from tests.fanout.test_audit_filters import tweet_of
from tests.fanout.test_journal import Recorder, opened
from tests.regressions.test_fanout import let_pass
from tests.support.admission import SMALL, on_disk, serving
from tests.support.clock import FixedClock
from tests.support.driver import Driver, memory_store

TEXTS = ("Buy these marvellous pills today", "see pills.example.com", "hi @ada @bob", "hello")


class Broken:
    """A filter with a bug."""

    name = "broken"

    def reasons(self, tweet: Tweet) -> Sequence[str]:
        raise ZeroDivisionError(tweet.content)


class Slow:
    """A filter that flags everything."""

    name = "everything"

    def reasons(self, tweet: Tweet) -> Sequence[str]:
        return [f"it says {tweet.content}"]


async def flags_of(store: Store) -> list[Flag]:
    return await store.flags.newest(tuple(FlagTag), 1 << 62, 1_000)


async def spam(chirp: Driver, count: int = 3) -> list[Tweet]:
    people = [await chirp.register(f"robot{n}") for n in range(count)]
    return [await chirp.post(who, TEXTS[0]) for who in people]


# -- what people see ------------------------------------------------------------------------


async def test_a_flagged_tweet_stays_where_it_is() -> None:
    async with serving() as chirp:
        tweets = await spam(chirp)
        await chirp.server.journal.wait_idle()
        page = await chirp.server.moderation.flags(OPERATOR, ReadActions(), FlagState.OPEN)
        (view,) = page.items
        assert view.flag.tweet_id == tweets[-1].tweet_id
        assert [reason.filter for reason in view.flag.reasons] == ["same_text"]
        assert (view.author and view.author.username) == "robot2"
        assert (await chirp.get(None, tweets[-1])).cached.tweet == tweets[-1]
        assert chirp.server.metrics.flags == {"same_text": 1}
        await chirp.check()


async def test_a_post_does_not_wait_for_the_audit(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    reader = chirp.server.journal._readers[AUDIT]
    for each in reader:
        each.consumer = Recorder(AUDIT)  # never lets go
    tweet = await chirp.post(ada)
    assert await chirp.home(ada) == [tweet.tweet_id]
    assert chirp.server.journal.lag()[AUDIT] > 0


async def test_an_audit_that_stopped_stops_nothing_else(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    await chirp.server.journal.wait_idle()
    for reader in chirp.server.journal._readers[AUDIT]:
        reader.consumer = opened(Recorder(AUDIT, fails_at=reader.position + 1))
    tweet = await chirp.post(ada)
    await asyncio.sleep(0.01)
    assert chirp.server.tasks.stats()["failed"] == 1
    assert chirp.server.reasons() == []
    assert await chirp.home(ada) == [tweet.tweet_id]
    await chirp.post(ada)


async def test_a_broken_filter_is_logged_once_and_stops_nothing(
    chirp: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    consumer = AuditConsumer(chirp.store, [Broken(), Slow()], metrics)
    events: list[tuple[int, Event]] = [
        (n, TweetPosted(tweet_of("hi", number=n))) for n in (1, 2, 3)
    ]
    with caplog.at_level(logging.ERROR):
        await consumer.consume(0, events)
    assert len(caplog.records) == 1
    assert metrics.filter_failures == {"broken": 3}
    assert metrics.flags == {"everything": 3}
    assert [flag.tweet_id for flag in await flags_of(chirp.store)] == [3, 2, 1]


# -- exactly once ---------------------------------------------------------------------------


async def run(engine: MemoryEngine, cuts: Sequence[int], tweets: Sequence[Tweet]) -> list[Flag]:
    """Show all tweets to a consumer in chunks; at each cut it is made anew, and begins earlier."""
    store = memory_store(engine)
    for tweet in tweets:
        await engine.commit(tweet_posted(store, tweet))
    events = [(n, TweetPosted(tweet)) for n, tweet in enumerate(tweets, 1)]
    done = 0
    for cut in [*sorted(cuts), len(events)]:
        consumer = AuditConsumer(store, first_filters(SMALL, lambda _: UnixMs(0)), Metrics())
        # As after a crash: the cursor lags, and what it has not passed comes again.
        stored = done // 2
        await engine.advance(AUDIT, 0, stored)
        for start in range(stored, cut, 3):
            await consumer.consume(0, events[start : min(start + 3, cut)])
        done = max(done, cut)
    return await flags_of(store)


STEPS = st.tuples(st.sampled_from(TEXTS), st.integers(1, 5), st.integers(0, 200_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=40), st.lists(st.integers(0, 40), max_size=4))
def test_flags_do_not_depend_on_chunks_restarts_or_replays(
    steps: list[tuple[str, int, int]], cuts: list[int]
) -> None:
    tweets, at = [], 0
    for number, (text, author, later) in enumerate(steps, 1):
        at += later
        tweets.append(tweet_of(text, author, at, number))
    cuts = [min(cut, len(tweets)) for cut in cuts]

    async def both() -> None:
        whole = await run(MemoryEngine(1), [], tweets)
        assert await run(MemoryEngine(1), cuts, tweets) == whole

    asyncio.run(both())


@pytest.mark.parametrize("crash", [False, True])
async def test_a_restart_neither_loses_nor_doubles_a_flag(crash: bool) -> None:
    async with serving() as chirp:
        people = await chirp.register_many("ada", "bob", "eve", "joe")
        for who in people[:2]:
            await chirp.post(who, TEXTS[0])
        await chirp.restart(crash=crash)
        tweet = await chirp.post(people[2], TEXTS[0])
        await chirp.server.journal.wait_idle()
        await chirp.restart(crash=crash)
        await chirp.post(people[3], TEXTS[0])
        await chirp.server.journal.wait_idle()
        assert [flag.tweet_id for flag in await flags_of(chirp.store)] == [tweet.tweet_id]
        await chirp.check()


async def test_a_replay_does_not_open_a_closed_flag_again() -> None:
    async with serving() as chirp:
        tweets = await spam(chirp)
        await chirp.server.journal.wait_idle()
        close = chirp.server.moderation.close_flag
        await close(OPERATOR, tweets[-1].tweet_id, Because("a song"))
        for source in range(2):
            await chirp.engine.advance(AUDIT, source, 0)
        await chirp.restart(crash=True)
        await chirp.server.journal.wait_idle()
        (flag,) = await flags_of(chirp.store)
        assert flag.closed_by == 0
        await chirp.check()


async def test_flags_are_on_disk(tmp_path: Path) -> None:
    clock = FixedClock()
    chirp = await on_disk(tmp_path / "data", "open", clock)
    tweets = await spam(chirp)
    await chirp.server.journal.wait_idle()
    await chirp.close()
    chirp = await on_disk(tmp_path / "data", "open", clock)
    await chirp.server.journal.wait_idle()
    assert [flag.tweet_id for flag in await flags_of(chirp.store)] == [tweets[-1].tweet_id]
    await chirp.check()
    await chirp.close()


# -- the journal ----------------------------------------------------------------------------


async def test_the_first_start_begins_at_the_journals_end() -> None:
    engine, clock = MemoryEngine(1), FixedClock()
    store = memory_store(engine)
    for number in range(1, 5):
        await engine.commit(tweet_posted(store, tweet_of(TEXTS[0], number, number=number)))
    await engine.trim(0, 3)
    await engine.advance(INDEX, 0, 4)
    tasks = TaskRunner()
    seen = opened(Recorder(AUDIT))
    for _ in range(2):
        runner = JournalRunner(engine, tasks, clock, keep_events=0)
        runner.add(seen, background=True)
        await runner.start()
        await runner.wait_idle()
    assert seen.seen == []
    assert await engine.cursor(AUDIT, 0) == 4
    await tasks.close()


async def test_the_audit_goes_on_behind_what_an_older_version_has_trimmed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine, tasks, seen = MemoryEngine(1), TaskRunner(), opened(Recorder(AUDIT))
    store = memory_store(engine)
    for number in range(1, 5):
        await engine.commit(tweet_posted(store, tweet_of("hi", number=number)))
    await engine.advance(AUDIT, 0, 1)
    await engine.trim(0, 4)
    runner = JournalRunner(engine, tasks, FixedClock(), keep_events=0)
    runner.add(seen, background=True)
    await runner.start()
    await runner.wait_idle()
    assert seen.seen == [(0, 4)]
    assert "misses events 2 to 3" in caplog.text
    await tasks.close()


async def test_a_full_disk_does_not_stop_the_first_start() -> None:
    engine, tasks = MemoryEngine(1), TaskRunner()
    engine.stop_writes("the disk is full")
    runner = JournalRunner(engine, tasks, FixedClock(), keep_events=0)
    runner.add(opened(Recorder(AUDIT)), background=True)
    await runner.start()
    assert await engine.cursor(AUDIT, 0) is None
    await tasks.close()


async def test_what_the_audit_has_not_seen_is_not_trimmed() -> None:
    engine, tasks, clock = MemoryEngine(1), TaskRunner(), FixedClock()
    store = memory_store(engine)
    slow = Recorder(AUDIT)
    runner = JournalRunner(engine, tasks, clock, keep_events=0)
    runner.add(opened(Recorder(INDEX)))
    runner.add(slow, after=INDEX, background=True)
    await runner.start()
    for number in range(1, 50):
        await engine.commit(tweet_posted(store, tweet_of("hi", number=number)))
    await let_pass(clock, TRIM_EVERY_S + 2)
    assert len(await engine.read_journal(0, 0, 100)) == 49
    slow.gate.set()
    await runner.wait_idle()
    await let_pass(clock, TRIM_EVERY_S + 2)
    assert await engine.read_journal(0, 0, 100) == []
    await tasks.close()


async def test_retweets_are_not_shown_to_filters(chirp: Driver) -> None:
    consumer = AuditConsumer(chirp.store, [Slow()], Metrics())
    i = TweetId(9)
    retweet = Tweet(i, UserId(1), "", UnixMs(0), i, retweet_of=TweetId(3))
    await consumer.consume(0, [(1, TweetPosted(retweet))])
    assert await chirp.store.engine.scatter(Table.FLAGS, *everything(), 9) == []
