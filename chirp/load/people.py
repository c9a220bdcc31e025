"""Makes those who ask, over HTTP: accounts, who follows whom, and first tweets, all by the seed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Any

from chirp.client import ChirpClient, ChirpClientError, Conflict, Listing
from chirp.client.shapes import Tweet
from chirp.load.errors import BenchFailed
from chirp.load.script import KNOWN_TWEETS, Person

AT_ONCE = 16
PASSWORD = "correct-horse"  # noqa: S105  (of accounts that exist for a load)

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

        New ones follow `followees` others each and have posted `tweets` times. Raises: BenchFailed.
        """
        try:
            found = await self._all("people", [self._person(number) for number in range(count)])
            people = [person for person, _ in found]
            new = [place for place, (_, is_new) in enumerate(found) if is_new]
            random = Random(self._seed)  # noqa: S311  (a load, not a secret)
            works = []
            for place in new:
                chosen = random.sample(range(count), min(followees + 1, count))
                whom = [people[other] for other in chosen if other != place][:followees]
                works.append(self._settle(people[place], whom, tweets))
            await self._all("follows, tweets", works)
        except ChirpClientError as error:
            raise BenchFailed(f"the server did not let people in ({error})") from error
        return people

    async def known_tweets(self, reader: Person) -> list[str]:
        """Return the ids of the newest public tweets, oldest first."""
        try:
            async with ChirpClient(self._url, reader.key) as client:
                found = await _first(client.public(), KNOWN_TWEETS)
        except ChirpClientError as error:
            raise BenchFailed(f"the server did not show its tweets ({error})") from error
        return found[::-1]

    async def _all(self, what: str, works: list[Coroutine[Any, Any, Any]]) -> list[Any]:
        self._done = 0

        async def one(work: Coroutine[Any, Any, Any]) -> Any:
            async with self._gate:
                found = await work
            self._done += 1
            self._told(what, self._done, len(works))
            return found

        async with ChirpClient(self._url) as self._nobody:
            return await asyncio.gather(*map(one, works))

    async def _person(self, number: int) -> tuple[Person, bool]:
        name = f"bench{self._seed}x{number}"
        try:
            made = await self._nobody.register(
                name, f"Bench {number}", f"{name}@bench.invalid", PASSWORD
            )
        except Conflict:
            made = await self._nobody.sign_in(name, PASSWORD)
            return Person(name, made.api_dev_key), False
        return Person(name, made.api_dev_key), True

    async def _settle(self, who: Person, whom: Sequence[Person], tweets: int) -> None:
        async with ChirpClient(self._url, who.key) as client:
            for other in whom:
                await client.follow(other.name)
            for number in range(tweets):
                await client.post(f"Tweet {number} of {who.name}: so it begins #bench")


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
