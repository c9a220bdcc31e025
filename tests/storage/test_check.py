"""The check finds each broken invariant, and the repair mends what is derived."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from chirp.model import TweetId, UnixMs, UserId
from chirp.storage.changes import (
    Claim,
    blocked,
    bookmarked,
    favorited,
    muted,
    retweeted,
    tweet_deleted,
    tweet_posted,
    tweet_reserved,
    unblocked,
    unfavorited,
    unretweeted,
)
from chirp.storage.check import Problem, Report, check_store, repair_store
from chirp.storage.checks.reading import DERIVED as DERIVED_TABLES
from chirp.storage.codec import (
    pack_array,
    pack_i64,
)
from chirp.storage.engine import Batch
from chirp.storage.keys import (
    Table,
    counter_key,
    everything,
    id_key,
)
from chirp.storage.manifest import new_manifest
from chirp.storage.memory import MemoryEngine
from chirp.storage.store import Store
from chirp.storage.tables.marks import UNMARKED, Mark
from chirp.storage.tables.users import Counter
from tests.storage.checked import (
    ADA,
    ANSWER,
    BOB,
    EVE,
    ONE,
    RETWEET,
    World,
    filled,
    tweet_of,
)
from tests.storage.damages import DERIVED, TRUTH, Derived, Truth


@pytest.fixture(params=[1, 8])
async def world(request: pytest.FixtureRequest) -> World:
    return await filled(request.param)


async def test_a_clean_store_has_no_problems(world: World) -> None:
    report = await check_store(world.store, deep=True)
    assert report.problems == []
    assert (report.pending, report.notes()) == (0, [])
    assert report.checked["tweets"] == 9
    assert report.checked["followers"] == 6
    assert report.checked["journal"] == 29


async def test_an_empty_store_has_no_problems() -> None:
    store = Store(MemoryEngine(2), new_manifest(2, "64", 1))
    report = await check_store(store)
    assert report.problems == []
    assert set(report.checked.values()) == {0}


async def test_progress_goes_from_nothing_to_all(world: World) -> None:
    seen: list[tuple[int, int]] = []
    report = await check_store(world.store, progress=lambda *step: seen.append(step))
    total = sum(report.checked.values())
    assert seen == sorted(seen)
    assert seen[-1] == (total, total)


# -- what is derived ------------------------------------------------------------------------


@pytest.mark.parametrize("broken", DERIVED.values(), ids=DERIVED.keys())
async def test_derived_rows_are_found_and_mended(world: World, broken: Derived) -> None:
    before = await world.rows()
    await world.set(broken.table, broken.key, broken.value)
    report = await check_store(world.store)
    assert any(broken.says in problem.what for problem in report.problems), report.problems
    assert all(problem.repairable for problem in report.problems)
    assert len(report.problems) == broken.problems
    assert 1 <= await repair_store(world.store, report.problems) <= broken.problems
    assert await world.rows() == before
    assert await repair_store(world.store, report.problems) == 0


async def test_zero_counters_equal_missing_ones(world: World) -> None:
    await world.set(Table.USER_COUNTS, counter_key(EVE, Counter.TWEETS), pack_i64(0))
    await world.set(Table.USER_COUNTS, counter_key(EVE, Counter.FOLLOWERS), None)
    assert (await check_store(world.store)).problems == []


async def test_everything_derived_can_be_made_anew(world: World) -> None:
    before = await world.rows()
    for table in DERIVED_TABLES:
        for key, _ in await world.engine.scatter(table, *everything(), 1 << 40):
            await world.set(table, key, None)
    report = await check_store(world.store)
    await repair_store(world.store, report.problems)
    assert (await check_store(world.store)).problems == []
    after = await world.rows()
    zeros = {(counter_key(owner, 0), pack_i64(0)) for owner in (EVE, 3)}
    assert [set(now) ^ set(then) - zeros for now, then in zip(after, before, strict=True)] == [  # type: ignore[call-overload]
        set() for _ in Table
    ]


# -- what is true ---------------------------------------------------------------------------


@pytest.mark.parametrize("broken", TRUTH.values(), ids=TRUTH.keys())
async def test_truth_is_found_and_left_alone(world: World, broken: Truth) -> None:
    await world.set(broken.table, broken.key, broken.value)
    report = await check_store(world.store)
    found = [problem for problem in report.problems if broken.says in problem.what]
    assert found, report.problems
    assert not found[0].repairable
    assert await repair_store(world.store, found) == 0


async def test_deep_finds_rows_that_nobody_would_pack_so(world: World) -> None:
    row = pack_array((1, ADA, "hi", 1, 1, 0, False, 1, None))
    await world.set(Table.TWEETS, id_key(1), row)
    assert (await check_store(world.store)).problems == []
    report = await check_store(world.store, deep=True)
    assert [problem.what for problem in report.problems] == [
        "the row has other bytes when its record is packed again"
    ]


# -- journals -------------------------------------------------------------------------------


async def test_unapplied_events_are_said_and_are_no_problem(world: World) -> None:
    await world.post(tweet_of(50), applied=False)
    await world.follow(ADA, EVE, 60, applied=False)
    report = await check_store(world.store)
    assert report.problems == []
    assert report.notes() == [
        "the journal has 2 events that the index consumer has not applied; start the server once"
    ]


PENDING: dict[str, Callable[[Store], Batch]] = {
    "favorite": lambda store: favorited(store, ADA, ONE, UNMARKED, UnixMs(60)),
    "end of a favorite": lambda store: unfavorited(
        store, BOB, ONE, Mark(favorited_at=30, retweet_id=7)
    ),
    "reply": lambda store: tweet_posted(store, tweet_of(50, in_reply_to_tweet_id=ONE)),
    "reserved quote": lambda store: tweet_reserved(
        store, tweet_of(50, quote_of=ONE), Claim(ANSWER, None, ())
    ),
    "deleted quote": lambda store: tweet_deleted(
        store, tweet_of(8, BOB, quote_of=TweetId(3)), UnixMs(60)
    ),
    "retweet": lambda store: retweeted(
        store, tweet_of(50, EVE, retweet_of=ONE), Mark(31, 0, 32), None
    ),
    "end of a retweet": lambda store: unretweeted(store, RETWEET, Mark(30, 7), UnixMs(60)),
    "block": lambda store: blocked(store, ADA, BOB, UnixMs(60), UnixMs(20)),
    "end of a block": lambda store: unblocked(store, EVE, BOB, UnixMs(40)),
}


@pytest.mark.parametrize("truth", PENDING.values(), ids=PENDING.keys())
async def test_what_an_unapplied_event_will_write_is_no_problem(
    world: World, truth: Callable[[Store], Batch]
) -> None:
    await world.do(truth(world.store), applied=False)
    report = await check_store(world.store)
    assert report.problems == []
    assert report.pending == 1


@pytest.mark.parametrize("counter", range(4))
async def test_a_repair_leaves_counters_of_tweets_to_events(world: World, counter: int) -> None:
    await world.set(Table.TWEET_COUNTS, counter_key(1, counter), pack_i64(7))
    problems = (await check_store(world.store)).problems
    assert len(problems) == 1
    await world.do(favorited(world.store, ADA, ONE, UNMARKED, UnixMs(60)), applied=False)
    assert await repair_store(world.store, problems) == 0


async def test_marks_of_deleted_tweets_and_unknown_ones_are_no_problem(world: World) -> None:
    store, gone = world.store, TweetId(2)
    await world.do(favorited(store, EVE, gone, UNMARKED, UnixMs(60)))
    await world.do(bookmarked(store, EVE, TweetId(999), UNMARKED, UnixMs(61)))
    await world.do(muted(store, EVE, UserId(999), UnixMs(62)))
    assert (await check_store(store)).problems == []


async def test_a_repair_leaves_to_events_what_they_will_write(world: World) -> None:
    await world.set(Table.USER_COUNTS, counter_key(ADA, Counter.TWEETS), pack_i64(7))
    problems = (await check_store(world.store)).problems
    await world.post(tweet_of(50), applied=False)
    assert await repair_store(world.store, problems) == 0


async def test_no_event_that_waits_explains_a_lost_newest(world: World) -> None:
    await world.post(tweet_of(60, BOB))
    await world.set(Table.NEWEST, id_key(BOB), None)
    await world.post(tweet_of(50, BOB), applied=False)
    problems = (await check_store(world.store)).problems
    assert [problem.table for problem in problems] == ["newest"]
    assert await repair_store(world.store, problems) == 1
    assert await world.store.tweets.newest_of([BOB]) == [60]


def journal_of(world: World) -> list[tuple[int, bytes]]:
    """Return the longest journal, to be broken by hand."""
    engine = world.engine
    assert isinstance(engine, MemoryEngine)
    return max((shard.journal for shard in engine._shards), key=len)


def lose_one(journal: list[tuple[int, bytes]]) -> None:
    del journal[1]


def lose_the_last(journal: list[tuple[int, bytes]]) -> None:
    del journal[-1]


def spoil_one(journal: list[tuple[int, bytes]]) -> None:
    journal[0] = (journal[0][0], b"junk")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(lose_one, "are missing"), (lose_the_last, "missing"), (spoil_one, "cannot be read")],
)
async def test_broken_journals_are_found(
    world: World, spoil: Callable[[list[tuple[int, bytes]]], None], says: str
) -> None:
    spoil(journal_of(world))
    report = await check_store(world.store)
    assert says in report.problems[0].what
    assert not any(problem.repairable for problem in report.problems)


async def test_impossible_cursors_are_found(world: World) -> None:
    await world.engine.advance("index", 0, 1_000)
    report = await check_store(world.store)
    assert "beyond the last event" in report.problems[0].what
    assert await repair_store(world.store, report.problems) == 0


async def test_trimmed_events_that_nobody_applied_are_found(world: World) -> None:
    last = world.engine.last_sequence(0)
    await world.engine.trim(0, last)
    assert (await check_store(world.store)).problems == []
    await world.engine.advance("index", 0, 0)
    report = await check_store(world.store)
    assert f"events 1 to {last - 1} went before" in said(report)[0]


def said(report: Report) -> list[str]:
    return [problem.what for problem in report.problems]


# -- any damage -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
async def test_a_check_survives_any_damage(world: World, seed: int) -> None:
    dice = random.Random(seed)
    for table in Table:
        for key, value in await world.engine.scatter(table, *everything(), 1 << 40):
            if dice.random() < 0.3:
                spoiled = dice.choice([None, b"", b"\1\xc0", value[:-1], value + b"x", b"\xff" * 8])
                await world.set(table, key, spoiled)
            if dice.random() < 0.1:
                await world.set(table, key + dice.randbytes(3), value)
    problems: Sequence[Problem] = (await check_store(world.store, deep=True)).problems
    assert problems
    await repair_store(world.store, problems)
    left = (await check_store(world.store, deep=True)).problems
    assert {p for p in problems if not p.repairable} <= set(left)
