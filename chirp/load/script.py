"""What a load consists of: who asks for what, in an order that a seed alone decides."""

from __future__ import annotations

import json
from bisect import bisect
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import NamedTuple

from chirp.load.mixes import Operation

KNOWN_TWEETS = 1_000
"""Of the newest so many tweets, one is read or favorited."""

_TEXT = (
    "of about ninety characters which is what people write on a normal day when they wait for "
    "the train and the coffee is still too hot to drink"
)
_WORDS = _TEXT.split()


class Person(NamedTuple):
    """Somebody who asks, with a key."""

    name: str
    key: str


class Request(NamedTuple):
    """A request, ready to be sent."""

    operation: Operation
    data: bytes


@dataclass(frozen=True, slots=True)
class Choice:
    """How people are chosen: uniformly, or the nth with a weight of 1/n to the power of `skew`."""

    skew: float = 0.0

    def totals(self, count: int) -> list[float]:
        """Return running totals of everybody's weight."""
        return list(accumulate(1 / rank**self.skew for rank in range(1, count + 1)))


class Script:
    """An endless sequence of requests: the same for the same seed and the same answers."""

    def __init__(
        self, mix: Mapping[Operation, int], people: Sequence[Person], choice: Choice, seed: str
    ) -> None:
        self._random = Random(seed)  # noqa: S311  (a load, not a secret)
        self._people = people
        self._operations = [operation for operation, share in mix.items() for _ in range(share)]
        self._totals = choice.totals(len(people))
        self._order = list(range(len(people)))
        Random(f"{seed.partition('/')[0]} order").shuffle(self._order)  # noqa: S311
        self._seed = seed.replace("/", "x")
        self._number = 0
        self.tweets: deque[bytes] = deque(maxlen=KNOWN_TWEETS)
        """Ids of tweets that exist, the newest last."""

    def next(self) -> Request:
        """Return the next request."""
        self._number += 1
        operation = self._operations[int(self._random.random() * len(self._operations))]
        if operation in {Operation.FAVORITE, Operation.TWEET} and not self.tweets:
            operation = Operation.HOME
        return Request(operation, self._data(operation, self._person()))

    def _person(self) -> Person:
        place = bisect(self._totals, self._random.random() * self._totals[-1])
        return self._people[self._order[min(place, len(self._order) - 1)]]

    def _data(self, operation: Operation, who: Person) -> bytes:
        match operation:
            case Operation.POST:
                return post("/tweet", who.key, self._text())
            case Operation.REGISTER:
                return post("/users", "", self._account())
            case Operation.FAVORITE:
                return post(f"/tweets/{self._tweet()}/favorite", who.key, b"")
            case Operation.FOLLOW:
                return post(f"/users/{self._other(who).name}/follow", who.key, b"")
        return get(self._page(operation), who.key)

    def _page(self, operation: Operation) -> str:
        if operation is Operation.HOME:
            return "/timeline/home"
        if operation is Operation.TWEET:
            return f"/tweets/{self._tweet()}"
        what = "tweets" if operation is Operation.USER else "followers"
        return f"/users/{self._person().name}/{what}"

    def _tweet(self) -> str:
        return self.tweets[int(self._random.random() * len(self.tweets))].decode()

    def _other(self, who: Person) -> Person:
        other = self._person()
        if other.name != who.name or len(self._people) == 1:
            return other
        return self._people[(self._people.index(who) + 1) % len(self._people)]

    def _text(self) -> bytes:
        count = self._random.randrange(10, 22)
        start = self._random.randrange(len(_WORDS))
        words = [_WORDS[(start + i) % len(_WORDS)] for i in range(count)]
        text = f"{' '.join(words)} #{self._number} @{self._person().name}"
        return json.dumps({"tweet_data": text}).encode()

    def _account(self) -> bytes:
        name = f"n{self._random.getrandbits(56):014x}"
        fields = {"username": name, "name": name, "email": f"{name}@bench.invalid"}
        return json.dumps({**fields, "password": "correct-horse"}).encode()


BASE = "/api/v1"


def get(path: str, key: str) -> bytes:
    """Return the bytes of a GET."""
    return f"GET {BASE}{path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n\r\n".encode()


def post(path: str, key: str, body: bytes) -> bytes:
    """Return the bytes of a POST of JSON; without a key where that is empty."""
    known = f"X-API-Key: {key}\r\n" if key else ""
    kind = "Content-Type: application/json\r\n" if body else ""
    head = f"POST {BASE}{path} HTTP/1.1\r\nHost: bench\r\n{known}{kind}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
