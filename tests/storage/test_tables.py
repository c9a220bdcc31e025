"""The typed tables, on the memory engine."""

from __future__ import annotations

import hashlib

import pytest

from chirp.errors import Conflict
from chirp.model import (
    MAX_ID,
    Account,
    ApiKey,
    KeyId,
    Tweet,
    TweetId,
    UnixMs,
    User,
    UserCounts,
    UserId,
)
from chirp.storage.codec import pack_tweet
from chirp.storage.engine import Batch
from chirp.storage.keys import DIRECTORY, Table
from chirp.storage.memory import MemoryEngine
from chirp.storage.tables.directory import Directory
from chirp.storage.tables.relations import Relation
from chirp.storage.tables.tweets import IndexFlag, Tweets, flags_of
from chirp.storage.tables.users import Counter, Users

ADA, BOB, EVE = UserId(11), UserId(12), UserId(13)


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine(8)


def tweet_of(number: int, author: UserId = ADA, **fields: object) -> Tweet:
    i = TweetId(number)
    return Tweet(i, author, f"tweet {number}", UnixMs(number), i, **fields)  # type: ignore[arg-type]


async def post(engine: MemoryEngine, tweet: Tweet) -> None:
    batch = Batch(tweet.tweet_id)
    Tweets.put_new(batch, pack_tweet(tweet))
    await engine.commit(batch)
    batch = Batch(tweet.author_id)
    Tweets.index(batch, tweet)
    await engine.commit(batch)


# -- tweets ---------------------------------------------------------------------------------


async def test_tweets_are_found_in_the_order_asked(engine: MemoryEngine) -> None:
    tweets = [tweet_of(i) for i in (1, 2, 3)]
    for tweet in tweets:
        await post(engine, tweet)
    found = await Tweets(engine).find_many([TweetId(3), TweetId(9), TweetId(1)])
    assert found == [tweets[2], None, tweets[0]]


async def test_a_tweet_id_is_taken_once(engine: MemoryEngine) -> None:
    await post(engine, tweet_of(1))
    with pytest.raises(Conflict):
        await post(engine, tweet_of(1, BOB))


async def test_a_deleted_tweet_is_gone_and_its_id_stays_taken(engine: MemoryEngine) -> None:
    await post(engine, tweet_of(1))
    batch = Batch(1)
    Tweets.delete(batch, tweet_of(1))
    await engine.commit(batch)
    assert await Tweets(engine).find_many([TweetId(1)]) == [None]
    with pytest.raises(Conflict):
        await post(engine, tweet_of(1))


async def test_a_tweet_that_changed_is_not_deleted(engine: MemoryEngine) -> None:
    await post(engine, tweet_of(1, version=2))
    batch = Batch(1)
    Tweets.expect(batch, tweet_of(1, version=1))
    Tweets.delete(batch, tweet_of(1, version=1))
    with pytest.raises(Conflict):
        await engine.commit(batch)


async def test_ids_of_an_author_are_paged_both_ways(engine: MemoryEngine) -> None:
    for i in (1, 3, 5, 7):
        await post(engine, tweet_of(i))
    await post(engine, tweet_of(4, BOB))
    tweets = Tweets(engine)
    assert await tweets.ids_of(ADA, MAX_ID, 10) == [7, 5, 3, 1]
    assert await tweets.ids_of(ADA, 5, 1) == [3]
    assert await tweets.ids_above(ADA, 3, 10) == [5, 7]
    assert await tweets.ids_above(ADA, 0, 1) == [1]
    assert await tweets.ids_above(ADA, MAX_ID, 1) == []


async def test_an_unindexed_tweet_is_no_longer_listed(engine: MemoryEngine) -> None:
    await post(engine, tweet_of(1))
    batch = Batch(ADA)
    Tweets.unindex(batch, ADA, TweetId(1))
    await engine.commit(batch)
    assert await Tweets(engine).ids_of(ADA, MAX_ID, 10) == []


def test_flags_say_what_a_tweet_is() -> None:
    one = TweetId(1)
    assert flags_of(tweet_of(5)) == IndexFlag.PLAIN
    assert flags_of(tweet_of(5, in_reply_to_tweet_id=one)) == IndexFlag.REPLY
    assert flags_of(tweet_of(5, retweet_of=one)) == IndexFlag.RETWEET
    both = tweet_of(5, quote_of=one, media_ids=(3,))
    assert flags_of(both) == IndexFlag.QUOTE | IndexFlag.MEDIA


# -- users ----------------------------------------------------------------------------------


async def test_users_and_their_counters(engine: MemoryEngine) -> None:
    users = Users(engine)
    ada = User(ADA, "ada", "Ada", UnixMs(1))
    for user in (User(BOB, "bob", "Bob", UnixMs(2)), ada):
        batch = Batch(user.user_id)
        Users.put(batch, user)
        Users.count(batch, user.user_id, Counter.TWEETS, 3)
        Users.count(batch, user.user_id, Counter.FOLLOWERS, -1)
        await engine.commit(batch)
    assert await users.find_many([ADA, EVE]) == [ada, None]
    assert await users.all_ids() == [ADA, BOB]
    assert await users.counts_many([EVE, ADA]) == [UserCounts(), UserCounts(-1, 0, 3)]


# -- relations ------------------------------------------------------------------------------


@pytest.fixture
async def following(engine: MemoryEngine) -> Relation:
    relation = Relation(engine, Table.FOLLOWING)
    for other, since in ((7, 30), (5, 10), (9, 20), (8, 20)):
        batch = Batch(ADA)
        relation.put(batch, other, UnixMs(since))
        await engine.commit(batch)
    return relation


async def test_who_stands_in_a_relation(following: Relation) -> None:
    assert await following.find(ADA, 9) == 20
    assert await following.find(9, ADA) is None
    assert await following.find_many([(ADA, 5), (ADA, 6), (BOB, 5)]) == [True, False, False]
    assert list(await following.members(ADA)) == [5, 7, 8, 9]
    assert list(await following.members(BOB)) == []


async def test_a_relation_is_paged_by_time(following: Relation) -> None:
    assert await following.newest(ADA, None, 2) == [(30, 7), (20, 9)]
    assert await following.newest(ADA, (20, 9), 9) == [(20, 8), (10, 5)]
    assert await following.oldest_after(ADA, (10, 5), 2) == [(20, 8), (20, 9)]
    assert await following.oldest_after(ADA, (0, 0), 1) == [(10, 5)]


async def test_an_ended_membership_leaves_nothing(
    engine: MemoryEngine, following: Relation
) -> None:
    batch = Batch(ADA)
    following.expect(batch, 9, UnixMs(20))
    following.delete(batch, 9, UnixMs(20))
    await engine.commit(batch)
    assert list(await following.members(ADA)) == [5, 7, 8]
    assert await following.newest(ADA, None, 9) == [(30, 7), (20, 8), (10, 5)]


@pytest.mark.parametrize(("other", "since"), [(9, None), (9, 21), (6, 20)])
async def test_a_relation_that_is_otherwise_conflicts(
    engine: MemoryEngine, following: Relation, other: int, since: int | None
) -> None:
    batch = Batch(ADA)
    following.expect(batch, other, None if since is None else UnixMs(since))
    with pytest.raises(Conflict):
        await engine.commit(batch)


# -- directory ------------------------------------------------------------------------------

ADA_ACCOUNT = Account(ADA, "Ada", "Ada@Example.org")


def key_of(number: int, user: UserId = ADA) -> ApiKey:
    digest = hashlib.sha256(str(number).encode()).digest()
    return ApiKey(KeyId(number), user, "phone", digest, UnixMs(1))


async def claim(engine: MemoryEngine, account: Account, *keys: ApiKey) -> None:
    batch = Batch(DIRECTORY)
    Directory.claim(batch, account)
    for key in keys:
        Directory.put_key(batch, key)
    await engine.commit(batch)


async def test_accounts_are_found_whatever_the_case(engine: MemoryEngine) -> None:
    await claim(engine, ADA_ACCOUNT)
    directory = Directory(engine)
    assert await directory.find_many(["aDA", "bob"]) == [ADA, None]
    assert await directory.find_email("ada@example.ORG") == ADA
    assert await directory.find_account(ADA) == ADA_ACCOUNT
    assert await directory.find_account(BOB) is None
    assert await directory.accounts() == [ADA_ACCOUNT]


@pytest.mark.parametrize(
    "other", [Account(BOB, "ADA", "bob@example.org"), Account(BOB, "bob", "ADA@example.org")]
)
async def test_names_and_mails_are_taken_once(engine: MemoryEngine, other: Account) -> None:
    await claim(engine, ADA_ACCOUNT)
    with pytest.raises(Conflict):
        await claim(engine, other)
    assert await Directory(engine).find_account(BOB) is None


async def test_a_name_is_no_mail(engine: MemoryEngine) -> None:
    await claim(engine, Account(ADA, "ada", "bob"))
    await claim(engine, Account(BOB, "bob", "ada"))
    assert await Directory(engine).find_many(["ada", "bob"]) == [ADA, BOB]


async def test_an_account_that_changed_conflicts(engine: MemoryEngine) -> None:
    await claim(engine, ADA_ACCOUNT)
    batch = Batch(DIRECTORY)
    Directory.expect_account(batch, Account(ADA, "Ada", "other@example.org"))
    with pytest.raises(Conflict):
        await engine.commit(batch)


async def test_keys_are_found_by_digest_and_by_user(engine: MemoryEngine) -> None:
    directory, keys = Directory(engine), [key_of(2), key_of(1)]
    await claim(engine, ADA_ACCOUNT, *keys, key_of(3, BOB))
    assert await directory.find_key(keys[0].digest) == keys[0]
    assert await directory.find_key(b"x" * 32) is None
    assert await directory.keys_of(ADA) == keys[::-1]


async def test_a_revoked_key_is_gone_from_both(engine: MemoryEngine) -> None:
    directory = Directory(engine)
    await claim(engine, ADA_ACCOUNT, key_of(1), key_of(2))
    batch = Batch(DIRECTORY)
    Directory.delete_key(batch, key_of(1))
    await engine.commit(batch)
    assert await directory.find_key(key_of(1).digest) is None
    assert await directory.keys_of(ADA) == [key_of(2)]


async def test_a_released_account_frees_its_names(engine: MemoryEngine) -> None:
    await claim(engine, ADA_ACCOUNT, key_of(1))
    batch = Batch(DIRECTORY)
    Directory.release(batch, ADA_ACCOUNT, [key_of(1)])
    await engine.commit(batch)
    tables = engine.stats().tables
    assert [tables[t].rows for t in ("names", "accounts", "keys", "user_keys")] == [0] * 4
    await claim(engine, Account(BOB, "ada", "ada@example.org"))
