"""A whole Chirp and short words to drive it with, so that a test reads as its promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec.structs import replace as changed

from chirp.app import Chirp
from chirp.commands import EditTweet, parse_content, post_tweet, repeatable
from chirp.config import Cache, Config, Fanout, Limits
from chirp.model import Account, ApiKey, KeyId, Tweet, TweetId, User, UserId
from chirp.pages import ReadActions, ReadTweets
from chirp.services import passwords
from chirp.services.secrets import digest_of, new_secret
from chirp.storage.changes import account_created, profile_written
from chirp.storage.check import check_store
from chirp.storage.manifest import Manifest
from chirp.storage.memory import MemoryEngine
from chirp.storage.store import Store
from chirp.views import Page, Position, Relationship, TweetView, UserView, Viewer
from tests.support.clock import FixedClock

SECRET = "00112233445566778899aabbccddeeff"
PASSWORD = "correct-horse"
PASSWORD_COST = (passwords._MEMORY_KIB, passwords._PASSES)
"""What hashes cost outside the tests, in KiB and passes; conftest makes them cheap."""


LOOSE = Limits(factor=1_000_000)
"""The limiter works and never refuses."""


def config(*, push_limit: int = 10_000, warm: bool = False) -> Config:
    """Return settings with small caches; warming is off unless a test is about it."""
    cache = Cache(tweets_mb=8, homes_mb=8, graph_mb=8, users_mb=8, warm=warm)
    return replace(Config(), cache=cache, fanout=Fanout(push_limit=push_limit), limits=LOOSE)


def memory_store(engine: MemoryEngine | None = None, *, id_layout: str = "64") -> Store:
    """Return a store without a folder."""
    engine = engine or MemoryEngine(2)
    return Store(engine, Manifest(engine.sources, id_layout, 0, SECRET))


@dataclass
class Driver:
    """One server and the people on it. Whoever acts is a Viewer."""

    server: Chirp
    clock: FixedClock
    names: dict[UserId, str] = field(default_factory=dict)
    secrets: dict[UserId, str] = field(default_factory=dict)

    @classmethod
    async def open(
        cls,
        store: Store | None = None,
        settings: Config | None = None,
        clock: FixedClock | None = None,
    ) -> Driver:
        """Return a started server on `store`, or on an empty one."""
        clock = clock or FixedClock()
        server = await Chirp.open(store or memory_store(), settings or config(), clock)
        return cls(server, clock)

    @property
    def store(self) -> Store:
        return self.server.store

    @property
    def engine(self) -> MemoryEngine:
        assert isinstance(self.store.engine, MemoryEngine)
        return self.store.engine

    async def close(self) -> None:
        await self.server.close()
        await self.store.close()

    async def restart(self, *, crash: bool = False) -> None:
        """Stop and start again on the same rows; a crash neither drains nor stores anything."""
        if crash:
            await self.server.tasks.close()
            self.server.passwords.close()
        else:
            await self.server.close()
        engine = self.engine.reopened()
        store = Store(engine, self.store.manifest)
        self.server = await Chirp.open(store, self.server.config, self.clock)

    # -- people -------------------------------------------------------------------------

    async def register(self, name: str, *, password_hash: str | None = None) -> Viewer:
        """Write an account, without the cost of a password, and return who it is."""
        ids, now, secret = self.server.ids, self.clock.now_ms(), new_secret()
        user_id, key_id = UserId(await ids.next()), KeyId(await ids.next())
        user = User(user_id, name, name.title(), now)
        account = Account(user_id, name, f"{name.lower()}@example.org", password_hash)
        key = ApiKey(key_id, user_id, "session", digest_of(secret), now)
        receipt = await self.store.engine.commit(account_created(self.store, user, account, key))
        assert receipt is not None
        await self.server.journal.wait_applied("home", receipt)
        self.names[user_id], self.secrets[user_id] = name, secret
        return Viewer(user_id, key.digest)

    async def register_many(self, *names: str) -> list[Viewer]:
        return [await self.register(name) for name in names]

    async def suspend(self, who: Viewer) -> None:
        """Suspend an account as an operator would: in the directory and on the profile."""
        user = (await self.server.users.get(who.user_id)).user
        await self.write_profile(who, suspended=True, version=user.version + 1)

    async def write_profile(self, who: Viewer, **changes: object) -> None:
        """Change a profile, and its account where that says the same."""
        before = await self.store.directory.find_account(who.user_id)
        assert before is not None
        user = changed((await self.server.users.get(who.user_id)).user, **changes)
        after = changed(before, suspended=user.suspended)
        batch = profile_written(self.store, user, before, after)
        receipt = await self.store.engine.commit(batch)
        assert receipt is not None
        await self.server.journal.wait_applied("home", receipt)

    async def profile(self, viewer: Viewer | None, of: Viewer) -> UserView:
        return await self.server.profiles.get(viewer, self.names[of.user_id])

    # -- graph --------------------------------------------------------------------------

    async def follow(self, viewer: Viewer, *others: Viewer) -> list[Relationship]:
        follow = self.server.follows.follow
        return [await follow(viewer, self.names[other.user_id]) for other in others]

    async def unfollow(self, viewer: Viewer, other: Viewer) -> Relationship:
        return await self.server.follows.unfollow(viewer, self.names[other.user_id])

    async def followers(self, of: Viewer, limit: int = 100) -> list[UserId]:
        command = ReadActions(limit)
        page = await self.server.follows.followers(None, self.names[of.user_id], command)
        return [view.user.user_id for view in page.items]

    async def following(self, of: Viewer, limit: int = 100) -> list[UserId]:
        command = ReadActions(limit)
        page = await self.server.follows.following(None, self.names[of.user_id], command)
        return [view.user.user_id for view in page.items]

    # -- tweets -------------------------------------------------------------------------

    async def post(
        self,
        viewer: Viewer,
        text: str = "hi",
        *,
        reply_to: Tweet | None = None,
        quote: Tweet | None = None,
        key: str | None = None,
        **fields: Any,
    ) -> Tweet:
        answered = None if reply_to is None else reply_to.tweet_id
        quoted = None if quote is None else quote.tweet_id
        command = post_tweet(text, 280, in_reply_to=answered, quote_of=quoted, **fields)
        repeat = None if key is None else repeatable(key, text.encode())
        view = await self.server.tweet_service.post(viewer, command, repeat)
        return view.cached.tweet

    async def edit(self, viewer: Viewer, tweet: Tweet, text: str) -> Tweet:
        command = EditTweet(tweet.tweet_id, parse_content(text, 280))
        return (await self.server.tweet_service.edit(viewer, command)).cached.tweet

    async def react(self, viewer: Viewer, verb: str, tweet: Tweet) -> TweetView:
        """Favorite, unfavorite, retweet, unretweet, bookmark or unbookmark a tweet."""
        react = getattr(self.server.reactions, verb)
        view: TweetView = await react(viewer, tweet.tweet_id)
        return view

    async def relate(self, viewer: Viewer, verb: str, other: Viewer) -> Relationship:
        """Block, unblock, mute or unmute somebody."""
        relate = getattr(self.server.blocks, verb)
        between: Relationship = await relate(viewer, self.names[other.user_id])
        return between

    async def post_many(self, viewer: Viewer, count: int) -> list[Tweet]:
        return [await self.post(viewer, f"number {number}") for number in range(count)]

    async def delete(self, viewer: Viewer, tweet: Tweet) -> None:
        await self.server.tweet_service.delete(viewer, tweet.tweet_id)

    async def get(self, viewer: Viewer | None, tweet: Tweet) -> TweetView:
        return await self.server.tweet_service.get(viewer, tweet.tweet_id)

    async def home_page(self, viewer: Viewer, command: ReadTweets) -> Page[TweetView]:
        return await self.server.timelines.home(viewer, command)

    async def user_page(
        self, viewer: Viewer | None, of: Viewer, command: ReadTweets
    ) -> Page[TweetView]:
        return await self.server.timelines.of_user(viewer, self.names[of.user_id], command)

    async def home(self, viewer: Viewer, limit: int = 100) -> list[TweetId]:
        """Return the ids of the newest page of a home timeline."""
        return ids_of(await self.home_page(viewer, ReadTweets(limit)))

    async def tweets_of(self, author: Viewer, limit: int = 100) -> list[TweetId]:
        """Return the ids of the newest page of a user timeline."""
        return ids_of(await self.user_page(None, author, ReadTweets(limit)))

    # -- at rest ------------------------------------------------------------------------

    async def check(self) -> None:
        """Wait until all is quiet; then assert every invariant of the store and the caches."""
        await self.server.journal.wait_idle()
        report = await check_store(self.store, deep=True)
        assert not report.problems, report.problems
        caches = self.server.caches
        for cache in (
            caches.tweets, caches.users, caches.followees, caches.followers, caches.homes,
            caches.viewers, self.server.ids, self.server.watermark,
        ):  # fmt: skip
            cache.check()
        assert self.server.tasks.failures == []


def ids_of(page: Page[TweetView]) -> list[TweetId]:
    """Return the ids of a page's tweets."""
    return [view.cached.tweet.tweet_id for view in page.items]


def texts_of(page: Page[TweetView]) -> list[str]:
    """Return the texts of a page's tweets."""
    return [view.cached.tweet.content for view in page.items]


def tweet_ids(tweets: Sequence[Tweet]) -> list[TweetId]:
    """Return the ids of tweets, newest first, as timelines list them."""
    return sorted((tweet.tweet_id for tweet in tweets), reverse=True)


def older(position: Position | None, limit: int) -> ReadTweets:
    """Return the command for the page that `next` leads to."""
    assert position is not None
    return ReadTweets(limit, max_id=position.other)
