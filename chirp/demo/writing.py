"""Writes a planned community into an empty store, by the same truths as the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from chirp.clock import ManualClock, SystemClock
from chirp.commands import entities_of
from chirp.demo.community import Community, Person, Post
from chirp.errors import ChirpError
from chirp.fanout.index import IndexConsumer, settled
from chirp.fanout.journal import JournalRunner
from chirp.idgen.generator import IdGenerator
from chirp.idgen.layout import layout_named
from chirp.model import Account, ApiKey, Tweet, TweetId, UnixMs, User, UserId
from chirp.services.passwords import Passwords
from chirp.services.secrets import new_key
from chirp.storage.changes import account_created, favorited, followed, retweeted, tweet_posted
from chirp.storage.engine import Batch, Receipt
from chirp.storage.store import Store
from chirp.storage.tables.marks import UNMARKED, Mark
from chirp.tasks import TaskRunner
from chirp.text import parse

WINDOW = 2_000
"""Batches in flight: enough for full groups, few enough to bound the memory."""

Progress = Callable[[str, int, int], None]
"""Told (what is written, done, total)."""


class StoreNotEmpty(ChirpError):
    """The store has people already: a demo would mix with them."""


@dataclass(slots=True)
class Written:
    """What was written: figures, and secrets that are shown this once."""

    people: int = 0
    follows: int = 0
    tweets: int = 0
    login: str = ""
    password: str = ""
    secrets: dict[str, str] = field(default_factory=dict)


class CommunityWriter:
    """Writes one community. The one with the login follows the most people."""

    def __init__(self, store: Store, community: Community, progress: Progress) -> None:
        self._store = store
        self._community = community
        self._progress = progress
        self._clock = ManualClock(community.founded_at)
        self._ids = IdGenerator(layout_named(store.manifest.id_layout), self._clock)
        self._user_ids: list[UserId] = []
        self._by_name: dict[str, UserId] = {}
        self._window: list[asyncio.Future[Receipt | None]] = []
        self._tweets: list[Tweet] = []
        self._marks: dict[tuple[int, int], Mark] = {}
        self._written = Written()

    async def write(self, password: str, *, with_keys: bool) -> Written:
        """Write everything, derived rows included. Raises: StoreNotEmpty, StorageError."""
        if await self._store.greatest_id():
            raise StoreNotEmpty("the store has people already; choose an empty folder")
        tasks = TaskRunner()
        journal = JournalRunner(self._store.engine, tasks, SystemClock())
        journal.add(IndexConsumer(self._store))
        await journal.start()
        try:
            await self._write_people(password, with_keys=with_keys)
            await self._write_follows()
            await self._write_posts()
            await self._write_likings()
            await journal.wait_idle()
            await journal.store_cursors()
        finally:
            await tasks.close()
        return self._written

    async def _commit(self, batch: Batch) -> None:
        self._window.append(self._store.engine.commit(batch))
        if len(self._window) >= WINDOW:
            await self._flush()

    async def _flush(self) -> None:
        window, self._window = self._window, []
        await settled(window)

    async def _write_people(self, password: str, *, with_keys: bool) -> None:
        people, login = self._community.people, self._login_place()
        for place, person in enumerate(people):
            self._clock.advance_ms(1)
            user_id = UserId(await self._ids.next())
            self._user_ids.append(user_id)
            self._by_name[person.username.lower()] = user_id
            password_hash = await _hash(password) if place == login else None
            key = self._key(user_id, person) if with_keys or place == login else None
            await self._commit(self._account(user_id, person, password_hash, key))
            self._progress("people", place + 1, len(people))
        await self._flush()
        self._written.people = len(people)
        self._written.login, self._written.password = people[login].username, password

    def _login_place(self) -> int:
        following = [0] * len(self._community.people)
        for follower, _ in self._community.follows:
            following[follower] += 1
        return following.index(max(following))

    def _account(
        self, user_id: UserId, person: Person, password_hash: str | None, key: ApiKey | None
    ) -> Batch:
        now = self._clock.now_ms()
        user = User(user_id, person.username, person.name, now, person.bio, person.location)
        email = f"{person.username.lower()}@demo.invalid"
        account = Account(user_id, person.username, email, password_hash)
        return account_created(self._store, user, account, key)

    def _key(self, user_id: UserId, person: Person) -> ApiKey:
        key, secret = new_key(user_id, "demo", self._clock)
        self._written.secrets[person.username] = secret
        return key

    async def _write_follows(self) -> None:
        follows, ids = self._community.follows, self._user_ids
        begun, span = self._clock.now_ms(), self._community.until - self._clock.now_ms()
        for number, (follower, followee) in enumerate(follows):
            at = UnixMs(begun + span * number // len(follows))
            await self._commit(followed(self._store, ids[follower], ids[followee], at))
            self._progress("follows", number + 1, len(follows))
        await self._flush()
        self._written.follows = len(follows)

    async def _write_posts(self) -> None:
        posts = self._community.posts
        for number, post in enumerate(posts):
            self._clock.set_ms(max(post.at, self._clock.now_ms()))
            tweet_id = TweetId(await self._ids.next())
            if post.retweet_of is None:
                tweet = self._tweet(tweet_id, post)
                await self._commit(tweet_posted(self._store, tweet))
            else:
                tweet = self._retweet(tweet_id, post, self._tweets[post.retweet_of])
                await self._mark_retweeted(tweet, post)
            self._tweets.append(tweet)
            self._progress("tweets", number + 1, len(posts))
        await self._flush()
        self._written.tweets = len(posts)

    def _tweet(self, tweet_id: TweetId, post: Post) -> Tweet:
        text = parse(post.text)
        mentioned = [self._by_name.get(m.username.lower()) for m in text.entities.mentions]
        answered = None if post.reply_to is None else self._tweets[post.reply_to]
        return Tweet(
            tweet_id,
            self._user_ids[post.author],
            text.text,
            self._ids.layout.time_of(tweet_id),
            conversation_id=tweet_id if answered is None else answered.conversation_id,
            user_location=self._community.people[post.author].location,
            entities=entities_of(text, mentioned),
            in_reply_to_tweet_id=None if answered is None else answered.tweet_id,
            in_reply_to_user_id=None if answered is None else answered.author_id,
        )

    def _retweet(self, tweet_id: TweetId, post: Post, original: Tweet) -> Tweet:
        at = self._ids.layout.time_of(tweet_id)
        author = self._user_ids[post.author]
        return Tweet(tweet_id, author, "", at, tweet_id, retweet_of=original.tweet_id)

    async def _mark_retweeted(self, retweet: Tweet, post: Post) -> None:
        assert post.retweet_of is not None
        await self._commit(retweeted(self._store, retweet, UNMARKED, None))
        self._marks[post.author, post.retweet_of] = Mark(retweet_id=retweet.tweet_id)

    async def _write_likings(self) -> None:
        likings, store = self._community.likings, self._store
        for number, liking in enumerate(likings):
            user, tweet = self._user_ids[liking.who], self._tweets[liking.post].tweet_id
            mark = self._marks.get((liking.who, liking.post), UNMARKED)
            await self._commit(favorited(store, user, tweet, mark, liking.at))
            self._progress("favorites", number + 1, len(likings))
        await self._flush()


async def _hash(password: str) -> str:
    passwords = Passwords()
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()
