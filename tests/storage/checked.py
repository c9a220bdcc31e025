"""A small store in which some of everything was done, for the check to look at."""

from __future__ import annotations

import hashlib

from chirp.fanout.index import effects_of
from chirp.model import Account, ApiKey, KeyId, Tweet, TweetId, UnixMs, User, UserId
from chirp.storage.changes import (
    Claim,
    account_created,
    blocked,
    bookmarked,
    favorited,
    followed,
    muted,
    retweeted,
    tweet_deleted,
    tweet_edited,
    tweet_posted,
    tweet_reserved,
    unfavorited,
    unfollowed,
)
from chirp.storage.engine import Batch, Engine
from chirp.storage.events import unpack_event
from chirp.storage.keys import (
    Table,
    everything,
    partition_of,
)
from chirp.storage.manifest import new_manifest
from chirp.storage.memory import MemoryEngine
from chirp.storage.store import Store
from chirp.storage.tables.answers import Answer
from chirp.storage.tables.marks import UNMARKED, Mark

ADA, BOB, EVE = UserId(11), UserId(12), UserId(13)
NAMES = {ADA: "ada", BOB: "bob", EVE: "eve"}


def tweet_of(number: int, author: UserId = ADA, **fields: object) -> Tweet:
    i = TweetId(number)
    return Tweet(i, author, "hi", UnixMs(number), i, **fields)  # type: ignore[arg-type]


ONE = TweetId(1)
RETWEET = tweet_of(7, BOB, retweet_of=ONE)
ANSWER = Answer(b"d" * 16, b"b" * 32, TweetId(9), UnixMs(50))


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

    async def do(self, batch: Batch, *, applied: bool = True) -> None:
        """Commit a truth and, unless told otherwise, all that follows from it."""
        batches = [batch]
        while batches:
            batch = batches.pop(0)
            receipt = await self.engine.commit(batch)
            if not applied or batch.event is None:
                continue
            assert receipt is not None
            batches += effects_of(self.store, unpack_event(batch.event))
            await self.engine.advance("index", receipt.source, receipt.sequence)

    async def join(self, user: UserId) -> None:
        profile = User(user, NAMES[user], "", UnixMs(1))
        await self.do(account_created(self.store, profile, account_of(user), key_of(user)))

    async def post(self, tweet: Tweet, *, applied: bool = True) -> None:
        await self.do(tweet_posted(self.store, tweet), applied=applied)

    async def follow(self, one: UserId, two: UserId, at: int, *, applied: bool = True) -> None:
        await self.do(followed(self.store, one, two, UnixMs(at)), applied=applied)

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


async def filled(shards: int) -> World:
    """Return a world in which some of everything was done."""
    world = World(MemoryEngine(shards))
    for user in NAMES:
        await world.join(user)
    for i in range(1, 6):
        await world.post(tweet_of(i))
    await world.post(tweet_of(6, BOB, in_reply_to_tweet_id=TweetId(1)))
    await world.do(tweet_deleted(world.store, tweet_of(2), UnixMs(9)))
    for one, two, at in ((ADA, BOB, 20), (BOB, ADA, 21), (EVE, ADA, 22), (ADA, EVE, 23)):
        await world.follow(one, two, at)
    await world.do(unfollowed(world.store, ADA, EVE, UnixMs(23)))
    await react(world)
    await shut_out(world)
    return world


async def react(world: World) -> None:
    """Let the tweets 7 to 9 come, and marks at 1."""
    store, favorite = world.store, Mark(favorited_at=31)
    await world.do(retweeted(store, RETWEET, UNMARKED, None))
    await world.post(tweet_of(8, BOB, quote_of=TweetId(3)))
    await world.do(tweet_reserved(store, tweet_of(9, BOB), Claim(ANSWER, None, ())))
    await world.do(favorited(store, BOB, ONE, Mark(retweet_id=7), UnixMs(30)))
    await world.do(favorited(store, EVE, ONE, UNMARKED, UnixMs(31)))
    await world.do(bookmarked(store, EVE, ONE, favorite, UnixMs(32)))
    await world.do(favorited(store, EVE, TweetId(3), UNMARKED, UnixMs(33)))
    await world.do(unfavorited(store, EVE, TweetId(3), Mark(favorited_at=33)))
    await world.do(tweet_edited(store, tweet_of(4), tweet_of(4, version=2)))
    await world.do(tweet_edited(store, tweet_of(4, version=2), tweet_of(4, version=3)))


async def shut_out(world: World) -> None:
    await world.do(blocked(world.store, EVE, BOB, UnixMs(40), None))
    await world.do(muted(world.store, BOB, ADA, UnixMs(41)))
