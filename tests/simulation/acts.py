"""Everything that people do, on a server and on the model beside it.

Each act knows what of the world it depends on (`keys`), so that acts which run at the same time
commute: then their outcome does not depend on which of them the server does first.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any

import pytest

from chirp.commands import EditProfile, EditTweet, parse_content, post_tweet, repeatable
from chirp.model import TweetId
from chirp.pages import NEWEST
from chirp.views import Viewer, original_of
from tests.simulation.world import Post, Refused, World
from tests.support.driver import PASSWORD, Driver

Lock = dict[tuple[object, ...], bool]
"""What an act depends on; True: alone, False: beside others that do."""


class Locks:
    """Shared and exclusive locks by key, taken in one order."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._held: dict[tuple[object, ...], int] = defaultdict(int)

    @asynccontextmanager
    async def hold(self, wanted: Lock) -> AsyncIterator[None]:
        """Hold all of `wanted` at once."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free(wanted))
            for key, alone in wanted.items():
                self._held[key] += -1 if alone else 1
        try:
            yield
        finally:
            async with self._changed:
                for key, alone in wanted.items():
                    self._held[key] -= -1 if alone else 1
                self._changed.notify_all()

    def _free(self, wanted: Lock) -> bool:
        return all(
            not self._held[key] if alone else self._held[key] >= 0 for key, alone in wanted.items()
        )


class Acts:
    """Does things on a Chirp and in a World, and compares how they were answered."""

    def __init__(self, chirp: Driver, world: World, people: dict[int, Viewer]) -> None:
        self.chirp = chirp
        self.world = world
        self.people = people
        self.locks = Locks()
        self.done: dict[str, int] = defaultdict(int)
        self.refused: dict[str, int] = defaultdict(int)
        self._texts = count()

    # -- what an act depends on -----------------------------------------------------------

    def _around(self, who: int, *tweets: int | None, alone: bool = False) -> Lock:
        """Return the lock for who does something to, or with, tweets."""
        lock: Lock = {("user", who): False}
        for tweet in tweets:
            for each in () if tweet is None else (tweet, self.world.original(tweet)):
                author = self.world.ever[each].author
                lock |= {("tweet", each): False, ("user", author): False}
                lock |= {("pair", min(who, author), max(who, author)): False}
            if tweet is not None and alone:
                lock["tweet", tweet] = True
        return lock

    @staticmethod
    def _between(one: int, two: int) -> Lock:
        pair = ("pair", min(one, two), max(one, two))
        return {("user", one): False, ("user", two): False, pair: True}

    def _active(self, who: int) -> bool:
        """Say whether somebody may still do things, now that the locks are held."""
        return who in self.people and who not in self.world.suspended

    async def _try(self, name: str, wanted: Refused, work: Awaitable[Any]) -> Any:
        """Return the answer; None when it was refused, as it must be."""
        if wanted is not None:
            with pytest.raises(wanted):
                await work
            self.refused[name] += 1
            return None
        answer = await work
        self.done[name] += 1
        return answer

    # -- tweets -------------------------------------------------------------------------

    async def post(self, who: int, *, reply_to: int | None = None, quote_of: int | None = None,
                   key: str | None = None) -> None:  # fmt: skip
        """Post, answer or quote; with a key, twice at once."""
        async with self.locks.hold(self._around(who, reply_to, quote_of)):
            if not self._active(who):
                return
            text = f"text {next(self._texts)}"
            refused = self.world.refuses_target(who, reply_to)
            refused = refused or self.world.refuses_target(who, quote_of)
            times = range(1 if key is None else 2)
            posts = [self._post(who, text, reply_to, quote_of, key) for _ in times]
            views = await self._try("post", refused, asyncio.gather(*posts))
            if views is None:
                return
            tweet = views[0].cached.tweet
            ids = [view.cached.tweet.tweet_id for view in views]
            assert set(ids) == {tweet.tweet_id}, (ids, key, self.chirp.server.watermark.value)
            up, quoted = tweet.in_reply_to_tweet_id, tweet.quote_of
            assert up == (None if reply_to is None else self.world.original(reply_to))
            assert quoted == (None if quote_of is None else self.world.original(quote_of))
            self.world.post(Post(tweet.tweet_id, who, [text], up, quoted))

    async def _post(
        self, who: int, text: str, up: int | None, quoted: int | None, key: str | None
    ) -> Any:
        answered = None if up is None else TweetId(up)
        quote = None if quoted is None else TweetId(quoted)
        command = post_tweet(text, 280, in_reply_to=answered, quote_of=quote)
        repeat = None if key is None else repeatable(key, text.encode())
        return await self.chirp.server.tweet_service.post(self.people[who], command, repeat)

    async def edit(self, who: int, tweet: int) -> None:
        """Edit a tweet, which may be somebody else's."""
        lock = self._around(who, tweet) | {("text", tweet): True}
        async with self.locks.hold(lock):
            if not self._active(who):
                return
            text = f"text {next(self._texts)}"
            command = EditTweet(TweetId(tweet), parse_content(text, 280))
            edit = self.chirp.server.tweet_service.edit(self.people[who], command)
            view = await self._try("edit", self.world.refuses_edit(who, tweet), edit)
            if view is not None:
                self.world.posts[tweet].texts.append(text)
                assert view.cached.tweet.content == text

    async def delete(self, who: int, tweet: int) -> None:
        """Delete a tweet, which may be somebody else's."""
        original = self.world.original(tweet)
        lock = self._around(who, tweet, alone=True) | {("retweet", who, original): True}
        async with self.locks.hold(lock):
            if not self._active(who):
                return
            delete = self.chirp.server.tweet_service.delete(self.people[who], TweetId(tweet))
            refused = self.world.refuses_change(who, tweet)
            await self._try("delete", refused, delete)
            if refused is None:
                self.world.delete(tweet)

    # -- reactions ----------------------------------------------------------------------

    async def react(self, who: int, verb: str, tweet: int) -> None:
        """Favorite, retweet or bookmark, or take it back."""
        original, kind = self.world.original(tweet), verb.removeprefix("un")
        lock = self._around(who, tweet) | {(kind, who, original): True}
        async with self.locks.hold(lock):
            if not self._active(who):
                return
            react = getattr(self.chirp.server.reactions, verb)(self.people[who], TweetId(tweet))
            view = await self._try(verb, self.world.refuses_reaction(who, tweet), react)
            if view is not None:
                flags = view.flags
                assert view.cached.tweet.tweet_id == original
                stands = not verb.startswith("un")
                assert getattr(flags, kind.rstrip("e") + "ed") == stands, (verb, flags)
                await self._mark(who, kind, original, stands=stands)

    async def _mark(self, who: int, kind: str, tweet: int, *, stands: bool) -> None:
        world = self.world
        if kind == "retweet":
            mark = await self.chirp.store.marks.find(self.people[who].user_id, TweetId(tweet))
            assert bool(mark.retweet_id) == stands
            before = world.retweets.get((who, tweet))
            assert None in {before, mark.retweet_id or None} or before == mark.retweet_id
            if stands and before is None:
                world.post(Post(mark.retweet_id, who, [""], retweet_of=tweet))
            elif not stands and before is not None:
                world.delete(before)
            return
        marks = world.favorites if kind == "favorite" else world.bookmarks
        if stands:
            marks.setdefault((who, tweet), self.chirp.clock.now_ms())
        else:
            marks.pop((who, tweet), None)

    # -- people -------------------------------------------------------------------------

    async def relate(self, who: int, verb: str, other: int) -> None:
        """Follow, block or mute somebody, or end it."""
        async with self.locks.hold(self._between(who, other)):
            if not self._active(who) or other not in self.people:
                return
            server, world, now = self.chirp.server, self.world, self.chirp.clock.now_ms()
            service = server.follows if verb.endswith("follow") else server.blocks
            refused = world.refuses_relation(other)
            if verb == "follow" and (who, other) not in world.follows:
                refused = world.refuses_follow(who, other)
            act = getattr(service, verb)(self.people[who], world.names[other])
            answer = await self._try(verb, refused, act)
            if answer is None:
                return
            self._related(who, verb, other, now)
            assert answer == world.relationship(who, other), verb

    def _related(self, who: int, verb: str, other: int, now: int) -> None:
        world, pair = self.world, (who, other)
        match verb:
            case "follow":
                world.follows.setdefault(pair, now)
            case "unfollow":
                world.follows.pop(pair, None)
            case "block":
                world.block(who, other)
            case "unblock":
                world.blocks.discard(pair)
            case "mute":
                world.mutes.add(pair)
            case "unmute":
                world.mutes.discard(pair)

    async def edit_profile(self, who: int, name: str) -> None:
        """Give oneself another name."""
        async with self.locks.hold({("user", who): True}):
            if self._active(who):
                edit = self.chirp.server.own_account.edit(self.people[who], EditProfile(name=name))
                await self._try("edit_profile", None, edit)

    async def suspend(self, who: int, *, suspended: bool) -> None:
        """Suspend somebody, or lift that."""
        async with self.locks.hold({("user", who): True}):
            if who not in self.people:
                return
            name = self.world.names[who]
            work = self.chirp.server.administration.suspend(name, suspended=suspended)
            await self._try("suspend", None, work)
            change = self.world.suspended.add if suspended else self.world.suspended.discard
            change(who)

    async def close(self, who: int) -> None:
        """Close an account; the sweep goes on behind."""
        async with self.locks.hold({("user", who): True}):
            if not self._active(who):
                return
            close = self.chirp.server.own_account.close(self.people[who], PASSWORD)
            await self._try("close", None, close)
            del self.people[who]
            self.world.close(who)

    async def read(self, who: int) -> None:
        """Read the first page of a home timeline, so that it is kept."""
        async with self.locks.hold({("user", who): False}):
            if self._active(who):
                page = await self.chirp.home_page(self.people[who], NEWEST)
                assert all(original_of(view).cached.tweet.content for view in page.items)

    # -- at random ----------------------------------------------------------------------

    async def any(self, dice: Random) -> None:
        """Do something at random; suspended people do nothing."""
        active = [who for who in self.people if who not in self.world.suspended]
        who, other = dice.sample(active, 2)
        tweets = list(self.world.ever)[-120:]
        tweet = dice.choice(tweets) if tweets else None
        roll = dice.random()
        if tweet is None or roll < 0.2:
            key = f"key {next(self._texts)}" if dice.random() < 0.3 else None
            await self.post(who, key=key)
        elif roll < 0.4:
            quoted = dice.choice(tweets) if dice.random() < 0.4 else None
            up = tweet if quoted is None or dice.random() < 0.3 else None
            await self.post(who, reply_to=up, quote_of=quoted)
        elif roll < 0.7:
            verbs = ["favorite", "favorite", "retweet", "retweet", "bookmark", "unfavorite",
                     "unretweet", "unbookmark"]  # fmt: skip
            await self.react(who, dice.choice(verbs), tweet)
        elif roll < 0.82:
            verbs = ["follow", "unfollow", "block", "unblock", "mute", "unmute"]
            await self.relate(who, dice.choice(verbs), other)
        else:
            await self._rarer(dice, who, tweet)

    async def _rarer(self, dice: Random, who: int, tweet: int) -> None:
        author = self.world.ever[tweet].author if dice.random() < 0.9 else who
        if author in self.world.suspended:
            author = who
        roll = dice.randrange(100)
        if roll < 35:
            await self.edit(author, tweet)
        elif roll < 65:
            await self.delete(author, tweet)
        elif roll < 75:
            name = f"Name {next(self._texts)}"
            await self.edit_profile(who, name)
        elif roll < 82:
            gone = sorted(self.world.suspended)
            lift = bool(gone) and dice.random() < 0.5
            await self.suspend(dice.choice(gone) if lift else who, suspended=not lift)
        elif roll < 85:
            await self.close(who)
        else:
            await self.read(who)
