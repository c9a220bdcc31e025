"""Makes those who ask, over HTTP: accounts, who follows whom, and first tweets, all by the seed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar

from chirp.client import ChirpClient, ChirpClientError, Conflict, Listing, RateLimited
from chirp.client.shapes import Tweet
from chirp.load.errors import BenchFailed
from chirp.load.script import KNOWN_TWEETS, Person

AT_ONCE = 16
PASSWORD = "correct-horse"  # noqa: S105  (of accounts that exist for a load)

T = TypeVar("T")

Told = Callable[[str, int, int], None]


class Community:
    """People of a server, and the tweets that a load may begin with."""

    def __init__(self, url: str, seed: int, told: Told) -> None:
        self._url = url
        self._seed = seed
        self._told = told
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._done = 0

    async def make(self, count: int, followees: int, tweets: int) -> list[Person]:
        """Return `count` people: those of an earlier run with this seed, or new ones.

        New ones follow `followees` others each and have posted `tweets` times. Raises: BenchFailed,
        at the first refusal: what was made by then is found again by the next run.
        """
        try:
            found = await self._all("people", [partial(self._person, n) for n in range(count)])
            people = [person for person, _ in found]
            new = [place for place, (_, is_new) in enumerate(found) if is_new]
            random = Random(self._seed)  # noqa: S311  (a load, not a secret)
            works = []
            for place in new:
                chosen = random.sample(range(count), min(followees + 1, count))
                whom = [people[other] for other in chosen if other != place][:followees]
                works.append(partial(self._settle, people[place], whom, tweets))
            await self._all("follows, tweets", works)
        except ChirpClientError as error:
            raise _failed("let people in", error) from error
        return people

    async def known_tweets(self, reader: Person) -> list[str]:
        """Return the ids of the newest public tweets, oldest first."""
        try:
            async with self._client(reader.key) as client:
                found = await _first(client.public(), KNOWN_TWEETS)
        except ChirpClientError as error:
            raise _failed("show its tweets", error) from error
        return found[::-1]

    def _client(self, key: str | None = None) -> ChirpClient:
        return ChirpClient(self._url, key, waits_for_limits=False)

    async def _all(self, what: str, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Do all works, some at once. Raises: ChirpClientError: the first ends the others."""
        self._done = 0

        async def one(work: Callable[[], Awaitable[T]]) -> T:
            async with self._gate:
                found = await work()
            self._done += 1
            self._told(what, self._done, len(works))
            return found

        try:
            async with self._client() as self._nobody, asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(work)) for work in works]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _person(self, number: int) -> tuple[Person, bool]:
        """Return somebody, and whether they have done nothing yet."""
        name = f"bench{self._seed}x{number}"
        try:
            made = await self._nobody.register(
                name, f"Bench {number}", f"{name}@bench.invalid", PASSWORD
            )
        except Conflict:
            made = await self._nobody.sign_in(name, PASSWORD)
        is_new = not (made.user.num_tweets or made.user.num_following)
        return Person(name, made.api_dev_key), is_new

    async def _settle(self, who: Person, whom: Sequence[Person], tweets: int) -> None:
        async with self._client(who.key) as client:
            for other in whom:
                await client.follow(other.name)
            for number in range(tweets):
                await client.post(f"Tweet {number} of {who.name}: so it begins #bench")


def _failed(deed: str, error: ChirpClientError) -> BenchFailed:
    if isinstance(error, RateLimited):
        words = "the server limits rates: start it with CHIRP_RATE_LIMITS=0"
        return BenchFailed(f"{words} ({error.message})")
    return BenchFailed(f"the server did not {deed} ({error})")


async def _first(tweets: Listing[Tweet], count: int) -> list[str]:
    found: list[str] = []
    async for tweet in tweets:
        found.append(tweet.tweet_id)
        if len(found) >= count:
            break
    return found


def people_of(file: Path) -> list[Person]:
    """Return the people of a file that `chirp demo --keys-out` wrote. Raises: BenchFailed."""
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        people = [Person(name, key) for name, key in sorted(fields.items())]
    except (OSError, ValueError, AttributeError) as error:
        raise BenchFailed(f"{file} is no file of keys ({error})") from error
    if not people:
        raise BenchFailed(f"{file} holds no keys")
    return people
