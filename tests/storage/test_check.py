"""The check finds each broken invariant, and the repair mends what is derived."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from chirp.model import Account, ApiKey, KeyId, Tweet, TweetId, UnixMs, User, UserId
from chirp.storage.check import Problem, Report, check_store, repair_store
from chirp.storage.codec import pack_account, pack_array, pack_i64, pack_key, pack_tweet, pack_user
from chirp.storage.engine import Batch, Engine
from chirp.storage.events import (
    AccountCreated,
    Event,
    Followed,
    TweetDeleted,
    TweetPosted,
    Unfollowed,
    pack_event,
)
from chirp.storage.keys import (
    DIRECTORY,
    Table,
    counter_key,
    digest_key,
    everything,
    id_key,
    member_key,
    order_key,
    pair_key,
    partition_of,
    text_key,
    triple_key,
)
from chirp.storage.manifest import new_manifest
from chirp.storage.memory import MemoryEngine
from chirp.storage.store import Store
from chirp.storage.tables.directory import Directory
from chirp.storage.tables.tweets import Tweets
from chirp.storage.tables.users import Counter, Users

ADA, BOB, EVE = UserId(11), UserId(12), UserId(13)
NAMES = {ADA: "ada", BOB: "bob", EVE: "eve"}


def tweet_of(number: int, author: UserId = ADA, **fields: object) -> Tweet:
    i = TweetId(number)
    return Tweet(i, author, "hi", UnixMs(number), i, **fields)  # type: ignore[arg-type]


def key_of(user: UserId) -> ApiKey:
    digest = hashlib.sha256(str(user).encode()).digest()
    return ApiKey(KeyId(user + 100), user, "phone", digest, UnixMs(1))


def account_of(user: UserId) -> Account:
    return Account(user, NAMES[user], f"{NAMES[user]}@example.org")


class World:
    """A store that is written as the services and the index consumer write it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.store = Store(engine, new_manifest(engine.sources, "64", 1))

    async def commit(self, batch: Batch, event: Event, effect: Batch | None) -> None:
        batch.event = pack_event(event)
        receipt = await self.engine.commit(batch)
        assert receipt is not None
        if effect is not None:
            await self.engine.commit(effect)
            await self.engine.advance("index", receipt.source, receipt.sequence)

    async def join(self, user: UserId) -> None:
        profile, account = User(user, NAMES[user], "", UnixMs(1)), account_of(user)
        batch, effect = Batch(DIRECTORY), Batch(user)
        Directory.claim(batch, account)
        Directory.put_key(batch, key_of(user))
        Users.put(effect, profile)
        await self.commit(batch, AccountCreated(profile, account, key_of(user)), effect)

    async def post(self, tweet: Tweet, *, applied: bool = True) -> None:
        batch, effect = Batch(tweet.tweet_id), Batch(tweet.author_id)
        Tweets.put(batch, tweet)
        Tweets.index(effect, tweet)
        Users.count(effect, tweet.author_id, Counter.TWEETS, 1)
        await self.commit(batch, TweetPosted(tweet), effect if applied else None)

    async def delete(self, tweet: Tweet) -> None:
        batch, effect = Batch(tweet.tweet_id), Batch(tweet.author_id)
        Tweets.delete(batch, tweet)
        Tweets.unindex(effect, tweet.author_id, tweet.tweet_id)
        Users.count(effect, tweet.author_id, Counter.TWEETS, -1)
        event = TweetDeleted(tweet.tweet_id, tweet.author_id, UnixMs(9))
        await self.commit(batch, event, effect)

    async def follow(self, one: UserId, two: UserId, at: int, *, applied: bool = True) -> None:
        batch, effect = Batch(one), Batch(two)
        self.store.following.put(batch, two, UnixMs(at))
        Users.count(batch, one, Counter.FOLLOWING, 1)
        self.store.followers.put(effect, one, UnixMs(at))
        Users.count(effect, two, Counter.FOLLOWERS, 1)
        await self.commit(batch, Followed(one, two, UnixMs(at)), effect if applied else None)

    async def unfollow(self, one: UserId, two: UserId, since: int) -> None:
        batch, effect = Batch(one), Batch(two)
        self.store.following.delete(batch, two, UnixMs(since))
        Users.count(batch, one, Counter.FOLLOWING, -1)
        self.store.followers.delete(effect, one, UnixMs(since))
        Users.count(effect, two, Counter.FOLLOWERS, -1)
        await self.commit(batch, Unfollowed(one, two, UnixMs(since)), effect)

    async def set(self, table: Table, key: bytes, value: bytes | None) -> None:
        """Break a row by hand."""
        batch = Batch(partition_of(key))
        if value is None:
            batch.delete(table, key)
        else:
            batch.put(table, key, value)
        await self.engine.commit(batch)

    async def rows(self) -> list[object]:
        return [await self.engine.scatter(t, *everything(), 1 << 40) for t in Table]


@pytest.fixture(params=[1, 8])
async def world(request: pytest.FixtureRequest) -> World:
    world = World(MemoryEngine(request.param))
    for user in NAMES:
        await world.join(user)
    for i in range(1, 6):
        await world.post(tweet_of(i))
    await world.post(tweet_of(6, BOB, in_reply_to_tweet_id=TweetId(1)))
    await world.delete(tweet_of(2))
    for one, two, at in ((ADA, BOB, 20), (BOB, ADA, 21), (EVE, ADA, 22), (ADA, EVE, 23)):
        await world.follow(one, two, at)
    await world.unfollow(ADA, EVE, 23)
    return world


async def test_a_clean_store_has_no_problems(world: World) -> None:
    report = await check_store(world.store, deep=True)
    assert report.problems == []
    assert (report.pending, report.notes()) == (0, [])
    assert report.checked["tweets"] == 6
    assert report.checked["followers"] == 6
    assert report.checked["journal"] == 15


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


class Derived(NamedTuple):
    """A row to break by hand; None: delete it. `problems`: how many rows then disagree."""

    table: Table
    key: bytes
    value: bytes | None
    says: str
    problems: int = 1


DERIVED = {
    "index row missing": Derived(
        Table.AUTHOR_INDEX, pair_key(ADA, 1), None, "tweet 1 is missing from the index", 2
    ),
    "wrong flags": Derived(
        Table.AUTHOR_INDEX, pair_key(BOB, 6), b"\0", "tweet 6 has the wrong flags in the index"
    ),
    "flags of another size": Derived(
        Table.AUTHOR_INDEX, pair_key(BOB, 6), b"\1\1", "impossible size", 2
    ),
    "index of a deleted tweet": Derived(
        Table.AUTHOR_INDEX, pair_key(ADA, 2), b"\0", "holds 2, no live tweet of theirs", 2
    ),
    "index of another's tweet": Derived(
        Table.AUTHOR_INDEX, pair_key(BOB, 1), b"\0", "index of author 12 holds 1", 2
    ),
    "follower missing": Derived(
        Table.FOLLOWERS, member_key(ADA, BOB), None, "not listed with the followers", 3
    ),
    "follower since another time": Derived(
        Table.FOLLOWERS, member_key(ADA, BOB), pack_i64(5), "listed since another time", 3
    ),
    "follower since never": Derived(
        Table.FOLLOWERS, member_key(ADA, BOB), pack_i64(-5), "impossible time", 3
    ),
    "follower who does not follow": Derived(
        Table.FOLLOWERS, member_key(BOB, EVE), pack_i64(5), "listed with the followers only", 3
    ),
    "follower without order": Derived(
        Table.FOLLOWERS, order_key(ADA, 21, BOB), None, "no place in the order of time"
    ),
    "order without follower": Derived(
        Table.FOLLOWERS, order_key(ADA, 5, BOB), b"", "did not begin then"
    ),
    "following without order": Derived(
        Table.FOLLOWING, order_key(ADA, 20, BOB), None, "no place in the order of time"
    ),
    "order without following": Derived(
        Table.FOLLOWING, order_key(ADA, 5, EVE), b"", "did not begin then"
    ),
    "followers counter": Derived(
        Table.USER_COUNTS, counter_key(ADA, 0), pack_i64(7), "followers of 11 are 2, but"
    ),
    "following counter missing": Derived(
        Table.USER_COUNTS,
        counter_key(ADA, 1),
        None,
        "following of 11 are 1, but the counter says 0",
    ),
    "tweets counter": Derived(
        Table.USER_COUNTS, counter_key(ADA, 2), pack_i64(-1), "tweets of 11 are 4, but"
    ),
    "counter of nobody": Derived(
        Table.USER_COUNTS, counter_key(99, 2), pack_i64(1), "tweets of 99 are 0, but"
    ),
    "counter of an unknown kind": Derived(
        Table.USER_COUNTS, counter_key(ADA, 9), pack_i64(1), "there is no counter 9"
    ),
    "counter of another size": Derived(
        Table.USER_COUNTS, counter_key(ADA, 2), b"1", "impossible size", 2
    ),
    "key not listed": Derived(
        Table.USER_KEYS, triple_key(DIRECTORY, ADA, 111), None, "key 111 is not listed"
    ),
    "listed key missing": Derived(
        Table.USER_KEYS, triple_key(DIRECTORY, ADA, 5), b"d" * 32, "names 5, which is not a key"
    ),
    "listed key of another": Derived(
        Table.USER_KEYS, triple_key(DIRECTORY, BOB, 111), key_of(ADA).digest, "not a key of that"
    ),
    "key too long": Derived(
        Table.AUTHOR_INDEX, pair_key(ADA, 1) + b"x", b"\0", "impossible size", 2
    ),
}


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
    for table in (Table.AUTHOR_INDEX, Table.FOLLOWERS, Table.USER_COUNTS, Table.USER_KEYS):
        for key, _ in await world.engine.scatter(table, *everything(), 1 << 40):
            await world.set(table, key, None)
    report = await check_store(world.store)
    await repair_store(world.store, report.problems)
    assert (await check_store(world.store)).problems == []
    after = await world.rows()
    zeros = {(counter_key(EVE, 0), pack_i64(0))}
    assert [set(now) ^ set(then) - zeros for now, then in zip(after, before, strict=True)] == [  # type: ignore[call-overload]
        set() for _ in Table
    ]


# -- what is true ---------------------------------------------------------------------------


class Truth(NamedTuple):
    """A row to break by hand that nothing can mend."""

    table: Table
    key: bytes
    value: bytes | None
    says: str


TRUTH = {
    "tweet unreadable": Truth(Table.TWEETS, id_key(1), b"junk", "the row cannot be read"),
    "tweet of wrong types": Truth(
        Table.TWEETS, id_key(1), pack_array(("a", ADA, "", 1, 1, 0)), "the row cannot be read"
    ),
    "another's tweet": Truth(
        Table.TWEETS, id_key(1), pack_tweet(tweet_of(9)), "the row is that of another tweet"
    ),
    "tweet of nobody": Truth(
        Table.TWEETS, id_key(9), pack_tweet(tweet_of(9, UserId(99))), "the author 99 of tweet 9"
    ),
    "short tweet key": Truth(Table.TWEETS, id_key(1) + b"x", b"", "impossible size"),
    "profile unreadable": Truth(Table.USERS, id_key(ADA), b"", "the row cannot be read"),
    "profile missing": Truth(Table.USERS, id_key(ADA), None, "account 11 has no profile"),
    "another's profile": Truth(
        Table.USERS, id_key(ADA), pack_user(User(BOB, "ada", "", UnixMs(1))), "of another user"
    ),
    "profile of another name": Truth(
        Table.USERS, id_key(ADA), pack_user(User(ADA, "adá", "", UnixMs(1))), "different names"
    ),
    "account unreadable": Truth(
        Table.ACCOUNTS, pair_key(DIRECTORY, ADA), b"\1", "the row cannot be read"
    ),
    "account missing": Truth(
        Table.ACCOUNTS, pair_key(DIRECTORY, ADA), None, "user 11 has a profile, but no account"
    ),
    "another's account": Truth(
        Table.ACCOUNTS, pair_key(DIRECTORY, ADA), pack_account(account_of(BOB)), "another account"
    ),
    "name missing": Truth(
        Table.NAMES,
        text_key(DIRECTORY, 0, b"ada"),
        None,
        "the name of account 11 is held by nobody",
    ),
    "e-mail held by another": Truth(
        Table.NAMES,
        text_key(DIRECTORY, 1, b"ada@example.org"),
        pack_i64(BOB),
        "the e-mail of account 11 is held by account 12",
    ),
    "name of nobody": Truth(
        Table.NAMES,
        text_key(DIRECTORY, 0, b"zoe"),
        pack_i64(99),
        "account 99, which does not exist",
    ),
    "second name": Truth(
        Table.NAMES, text_key(DIRECTORY, 0, b"zoe"), pack_i64(ADA), "which is called otherwise"
    ),
    "key of nobody": Truth(
        Table.KEYS,
        digest_key(DIRECTORY, key_of(UserId(99)).digest),
        pack_key(key_of(UserId(99))),
        "user 99, who has no account",
    ),
    "another's key": Truth(
        Table.KEYS, digest_key(DIRECTORY, key_of(ADA).digest), pack_key(key_of(BOB)), "another key"
    ),
    "following since never": Truth(
        Table.FOLLOWING, member_key(ADA, BOB), pack_i64(-1), "impossible time"
    ),
}


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
    await world.follow(BOB, EVE, 60, applied=False)
    report = await check_store(world.store)
    assert report.problems == []
    assert report.notes() == [
        "the journal has 2 events that the index consumer has not applied; start the server once"
    ]


async def test_a_repair_leaves_to_events_what_they_will_write(world: World) -> None:
    await world.set(Table.USER_COUNTS, counter_key(ADA, Counter.TWEETS), pack_i64(7))
    problems = (await check_store(world.store)).problems
    await world.post(tweet_of(50), applied=False)
    assert await repair_store(world.store, problems) == 0


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
