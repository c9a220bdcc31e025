"""The life of a soak: people who come, write, react, change their minds and go.

The number of people and of each one's tweets has a bound, so that what is stored does too, however
long this lasts: what grows all the same is a leak.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

BASE = "/api/v1"
PASSWORD = "correct-horse-battery"
MOST_PEOPLE = 40
MOST_TWEETS = 25
"""Of each; the oldest one is deleted then."""


@dataclass(slots=True, eq=False)
class Person:
    """Somebody with an account, and their tweets that are still there."""

    name: str
    key: str
    tweets: deque[str] = field(default_factory=deque)


class Life:
    """Does at random what people do; counts what the server answered."""

    def __init__(self, session: aiohttp.ClientSession, url: str, seed: int) -> None:
        self.session = session
        self.url = url
        self.random = random.Random(seed)
        self.people: list[Person] = []
        self.statuses: Counter[int] = Counter()
        self._number = 0
        self._doing: Sequence[Callable[[], Awaitable[None]]] = (
            [self.post] * 8
            + [self.react] * 12
            + [self.relate] * 6
            + [self.read] * 16
            + [self.edit] * 2
            + [self.delete] * 2
            + [self.mistake] * 2
        )

    async def ask(self, method: str, path: str, key: str = "", **body: Any) -> dict[str, Any]:
        """Send a request; return the answer's JSON, empty when there is none or it is a refusal."""
        headers = {"X-API-Key": key} if key else {}
        call = self.session.request(
            method, self.url + BASE + path, headers=headers, json=body or None
        )
        async with call as answer:
            self.statuses[answer.status] += 1
            raw = await answer.read()
            if answer.status >= 400 or not raw:
                return {}
            found: dict[str, Any] = await answer.json()
            return found

    async def anything(self) -> None:
        """Do one thing."""
        await self.random.choice(self._doing)()

    def someone(self) -> Person:
        """Return one of the people."""
        return self.random.choice(self.people)

    def some_tweet(self) -> str:
        """Return somebody's tweet, more likely a new one; what is no tweet when there is none."""
        tweets = self.someone().tweets
        return tweets[-1 - int(self.random.random() ** 2 * len(tweets))] if tweets else "1"

    # -- coming and going -----------------------------------------------------------------

    async def join(self) -> None:
        """Register, follow some, and say hello."""
        self._number += 1
        name = f"p{self._number}"
        email = f"{name}@example.org"
        body = {"username": name, "name": name, "email": email, "password": PASSWORD}
        answer = await self.ask("POST", "/users", **body)
        if "api_dev_key" not in answer:
            return
        person = Person(name, answer["api_dev_key"])
        self.people.append(person)
        for other in self.random.sample(self.people, min(8, len(self.people))):
            await self.ask("POST", f"/users/{other.name}/follow", person.key)
        await self.post_as(person)

    async def leave(self, person: Person) -> None:
        """Close an account: everything of it goes."""
        self.people.remove(person)
        await self.ask("DELETE", "/users/me", person.key, password=PASSWORD)

    async def turn_over(self) -> None:
        """Let somebody come, and somebody go once there are many."""
        await self.join()
        if len(self.people) > MOST_PEOPLE:
            await self.leave(self.people[0])

    # -- tweets ---------------------------------------------------------------------------

    async def post(self) -> None:
        """Post as somebody: a tweet, a reply or a quote."""
        await self.post_as(self.someone())

    async def post_as(self, person: Person) -> None:
        """Post; delete the oldest tweet of somebody who has many."""
        self._number += 1
        body = {"tweet_data": f"number {self._number} by @{person.name} #soak, {'lorem ' * 12}"}
        kind = self.random.random()
        if kind < 0.4:
            name = "in_reply_to_tweet_id" if kind < 0.25 else "quote_of_tweet_id"
            body[name] = self.some_tweet()
        answer = await self.ask("POST", "/tweet", person.key, **body)
        if answer:
            person.tweets.append(answer["tweet"]["tweet_id"])
        if len(person.tweets) > MOST_TWEETS:
            await self.ask("DELETE", f"/tweets/{person.tweets.popleft()}", person.key)

    async def edit(self) -> None:
        """Give a tweet another text."""
        person = self.someone()
        if person.tweets:
            path = f"/tweets/{self.random.choice(person.tweets)}"
            await self.ask("PATCH", path, person.key, tweet_data=f"edited {self.random.random()}")

    async def delete(self) -> None:
        """Delete a tweet."""
        person = self.someone()
        if person.tweets:
            tweet = self.random.choice(person.tweets)
            person.tweets.remove(tweet)
            await self.ask("DELETE", f"/tweets/{tweet}", person.key)

    # -- the rest -------------------------------------------------------------------------

    async def react(self) -> None:
        """Favorite, retweet or bookmark a tweet, or take it back."""
        verb = self.random.choice(("favorite", "favorite", "retweet", "bookmark"))
        method = self.random.choice(("POST", "DELETE"))
        await self.ask(method, f"/tweets/{self.some_tweet()}/{verb}", self.someone().key)

    async def relate(self) -> None:
        """Follow, block or mute somebody, or take it back."""
        verb = self.random.choice(("follow", "follow", "follow", "block", "mute"))
        undo = self.random.random() < (0.45 if verb == "follow" else 0.8)
        path = f"/users/{self.someone().name}/{verb}"
        await self.ask("DELETE" if undo else "POST", path, self.someone().key)

    async def read(self) -> None:
        """Read a page of some kind."""
        name, tweet = self.someone().name, self.some_tweet()
        choices = ["/timeline/home"] * 4
        choices += ["/timeline/public", "/bookmarks", f"/users/{name}", f"/tweets/{tweet}/thread"]
        choices += [f"/users/{name}/{kind}" for kind in ("tweets", "followers", "favorites")]
        choices += [f"/tweets/{tweet}/{kind}" for kind in ("favorites", "quotes", "versions")]
        await self.ask("GET", self.random.choice(choices), self.someone().key)

    async def mistake(self) -> None:
        """Ask for something wrong."""
        key = self.someone().key
        mistakes: list[tuple[str, str, str, dict[str, Any]]] = [
            ("POST", "/tweet", key, {"tweet_data": "x" * 300}),
            ("POST", "/tweet", key, {"nonsense": [1, {"a": 2}]}),
            ("GET", "/tweets/99999999999999999999999", key, {}),
            ("GET", "/timeline/home?cursor=made-up", key, {}),
            ("PATCH", "/timeline/public", key, {}),
            ("GET", f"/nothing/{self.random.random()}", "", {}),
            ("GET", "/users/me", f"chirp_{self.random.randbytes(24).hex()}", {}),
        ]  # fmt: skip
        method, path, sent, body = self.random.choice(mistakes)
        await self.ask(method, path, sent, **body)


async def at_times(every_s: float, deed: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again, for ever."""
    while True:
        await deed()
        await asyncio.sleep(every_s)
