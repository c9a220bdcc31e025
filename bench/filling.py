"""Fills a store with many people and tweets, straight by its own batches, in bounded memory.

Each truth is the batch that the server commits, with its event; what follows in other partitions
are the batches that the index consumer would commit, and its cursors then stand at the journals'
ends. Nothing goes over HTTP and nothing waits for one tweet: thousands of batches are in flight,
and up to 512 share a synced commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from chirp.clock import ManualClock
from chirp.commands import entities_of
from chirp.demo.texts import TOPICS, write_text
from chirp.fanout.index import INDEX, effects_of, settled
from chirp.idgen.generator import IdGenerator
from chirp.idgen.layout import layout_named
from chirp.model import Account, Entity, Tweet, TweetId, UnixMs, User, UserId
from chirp.services.secrets import new_key
from chirp.storage.changes import account_created, followed, tweet_posted
from chirp.storage.engine import Batch, Receipt
from chirp.storage.events import AccountCreated, Followed, TweetPosted
from chirp.storage.store import Store
from chirp.text import parse

WINDOW = 8_000
"""Batches in flight: they bound the memory."""

TEXTS, CHARACTERS = 2_000, 90
REPLIES = 6
"""Every sixth tweet goes on from one of its author's: a reply that all their followers see."""

DAY_MS = 86_400_000
DAYS = 30


@dataclass(frozen=True, slots=True)
class Text:
    """What a tweet says, parsed."""

    content: str
    entities: tuple[Entity, ...]


def texts(random: Random) -> list[Text]:
    """Return invented texts of exactly 90 characters, hashtags and mentions among them."""
    found = []
    names = sorted(TOPICS)
    for _ in range(TEXTS):
        words = ""
        while len(words) < CHARACTERS:
            topics = (random.choice(names), random.choice(names))
            words += write_text(random, topics, "somebody") + " "
        content = words[: CHARACTERS - 1] + "."
        parsed = parse(content)
        mentioned = [None] * len(parsed.entities.mentions)
        found.append(Text(parsed.text, entities_of(parsed, mentioned)))
    return found


class Filler:
    """Writes into an empty store; `close` it, so that the index consumer need not begin anew."""

    def __init__(self, store: Store, until: UnixMs, seed: int = 1) -> None:
        self._store = store
        self._until = until
        self._random = Random(seed)
        self._texts = texts(self._random)
        self._clock = ManualClock(UnixMs(until - DAYS * DAY_MS))
        self._ids = IdGenerator(layout_named(store.manifest.id_layout), self._clock)
        self._window: list[asyncio.Future[Receipt | None]] = []
        self.users: list[UserId] = []
        self.secrets: list[str] = []
        """Keys of the viewers, who are the first users. They never write: no page is their own."""

    async def commit(self, batches: Iterable[Batch]) -> None:
        """Commit soon; wait when too much is in flight."""
        commit = self._store.engine.commit
        self._window += [commit(batch) for batch in batches]
        if len(self._window) >= WINDOW:
            await self.flush()

    async def flush(self) -> None:
        """Wait until all that was committed is on disk."""
        window, self._window = self._window, []
        await settled(window)

    async def people(self, count: int, viewers: int) -> None:
        """Make accounts; the first `viewers` of them have keys."""
        for number in range(count):
            self._clock.advance_ms(1)
            user_id, now = UserId(await self._ids.next()), self._clock.now_ms()
            name = f"user{number}"
            user = User(user_id, name, f"User {number}", now, "Mostly harmless.", "Earth")
            account = Account(user_id, name, f"{name}@bench.invalid")
            key = None
            if number < viewers:
                key, secret = new_key(user_id, "bench", self._clock)
                self.secrets.append(secret)
            event = AccountCreated(user, account, key)
            truth = account_created(self._store, user, account, key)
            await self.commit([truth, *effects_of(self._store, event)])
            self.users.append(user_id)
        await self.flush()

    async def follow(self, viewer: int, count: int) -> None:
        """Let a viewer (by place) follow `count` of those who write, chosen evenly."""
        authors = self.users[len(self.secrets) :]
        follower, now = self.users[viewer], self._clock.now_ms()
        for followee in self._random.sample(authors, count):
            event = Followed(follower, followee, now)
            truth = followed(self._store, follower, followee, now)
            await self.commit([truth, *effects_of(self._store, event)])

    async def tweets(self, count: int) -> None:
        """Post tweets, evenly over the days, a few authors much oftener than the others."""
        store, random, ids = self._store, self._random, self._ids
        began, recent = self._clock.now_ms(), [self._tweet(TweetId(await ids.next()), None)]
        span = self._until - began
        for number in range(1, count + 1):
            tweet = recent[-1]
            event = TweetPosted(tweet)
            await self.commit([tweet_posted(store, tweet), *effects_of(store, event)])
            self._clock.set_ms(UnixMs(began + span * number // count))
            answered = recent[int(random.random() * len(recent))] if number % REPLIES == 0 else None
            recent.append(self._tweet(TweetId(await ids.next()), answered))
            del recent[:-200]
        await self.flush()

    def _tweet(self, tweet_id: TweetId, answered: Tweet | None) -> Tweet:
        random = self._random
        viewers = len(self.secrets)
        place = viewers + int((len(self.users) - viewers) * random.random() ** 2)
        author = self.users[place] if answered is None else answered.author_id
        text = self._texts[int(len(self._texts) * random.random())]
        return Tweet(
            tweet_id,
            author,
            text.content,
            self._ids.layout.time_of(tweet_id),
            conversation_id=tweet_id if answered is None else answered.conversation_id,
            user_location="Earth",
            entities=text.entities,
            in_reply_to_tweet_id=None if answered is None else answered.tweet_id,
            in_reply_to_user_id=None if answered is None else answered.author_id,
        )

    async def close(self) -> None:
        """Write what waits, and the cursors of the index consumer."""
        await self.flush()
        engine = self._store.engine
        for source in range(engine.sources):
            await engine.advance(INDEX, source, engine.last_sequence(source))
