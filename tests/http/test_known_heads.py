"""The same bytes again are answered as a request is that nobody has seen."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from chirp.config import Limits
from chirp.http.pipeline import Route
from chirp.model import Tweet
from chirp.rates import Rate
from chirp.views import Viewer
from tests.http.test_connections import TIMES, served
from tests.support.driver import Driver, config
from tests.support.raw import Raw, settle
from tests.support.web import BASE, Http

CHANGING = {"X-Request-Id", "Date", "X-RateLimit-Remaining", "X-RateLimit-Reset"}


@pytest.fixture
async def http(same_switch_interval: None) -> AsyncIterator[Http]:
    chirp = await Driver.open(settings=replace(config(), limits=Limits(reads=Rate(1000, 900))))
    async with Http(chirp) as http:
        yield http
    await chirp.close()


def head_of(http: Http, key: Viewer | str, path: str, extra: str = "") -> bytes:
    secret = http.chirp.secrets[key.user_id] if isinstance(key, Viewer) else key
    return f"GET {BASE}{path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {secret}\r\n{extra}\r\n".encode()


def parts(answer: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Return status line, headers and body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers = dict(line.decode().split(": ", 1) for line in lines)
    assert len(headers) == len(lines)
    return first, headers, body


def hits(http: Http) -> int:
    return http.chirp.server.fronts.heads.stats()["hits"]


def paths_of(http: Http) -> list[str]:
    routes = http.chirp.server.fronts.described
    found = [r for r in routes if r.repeatable and r.method == "GET" and BASE in r.path]
    assert len(found) > 15
    return [route.path.removeprefix(BASE) for route in found]


class Twice:
    """One connection that says known heads, and one that says each head for the first time."""

    def __init__(self, http: Http, known: Raw, fresh: Raw) -> None:
        self.http, self.known, self.fresh = http, known, fresh
        self.number = 0

    @classmethod
    async def open(cls, http: Http) -> Twice:
        known, fresh = await Raw.open(http), await Raw.open(http)
        await settle()  # what comes with the connection itself is not remembered
        return cls(http, known, fresh)

    async def same(self, viewer: Viewer | str, path: str) -> bytes:
        """Ask both ways; assert that they agree; return the status line."""
        self.number += 1
        plain = head_of(self.http, viewer, path, f"X-Number: {self.number}\r\n")
        before = hits(self.http)
        fresh = parts(await self.fresh.ask(plain))
        assert hits(self.http) == before
        known = parts(await self.known.ask(head_of(self.http, viewer, path)))
        assert known[0] == fresh[0]
        assert set(known[1]) == set(fresh[1])
        stays = [{k: v for k, v in one[1].items() if k not in CHANGING} for one in (known, fresh)]
        assert stays[0] == stays[1]
        left = [int(one[1].get("X-RateLimit-Remaining", 0)) for one in (known, fresh)]
        assert left[0] in {left[1] - 1, 0}
        if known[0].startswith(b"HTTP/1.1 200"):
            assert known[2] == fresh[2]
        return known[0]


async def test_every_route_that_may_be_repeated_answers_the_same(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(ada, bob)
    tweet = await http.chirp.post(bob)
    twice = await Twice.open(http)
    for path in paths_of(http):
        where = path.format(id=tweet.tweet_id, username="bob")
        before = hits(http)
        for _ in range(3):
            assert await twice.same(ada, where) == b"HTTP/1.1 200 OK"
        assert hits(http) == before + 2, path


async def test_pages_for_browsers_too(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(ada, bob)
    raw = await Raw.open(http)
    cookie = f"Cookie: chirp_session={http.chirp.secrets[ada.user_id]}"
    for path in ("/", "/public"):
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\n{cookie}\r\n\r\n".encode()
        for number in range(3):
            await http.chirp.post(bob, f"number {number}")
            known = parts(await (await raw.send(head)).answer())
            fresh = parts(
                await (await raw.send(head[:-2] + b"X-New: %d\r\n\r\n" % hits(http))).answer()
            )
            assert known[0] == fresh[0] == b"HTTP/1.1 200 OK"
            assert known[2] == fresh[2]
            assert f"number {number}".encode() in known[2]
            again = parts(await (await raw.send(head)).answer())
            assert again[2] == known[2]
            name = {"name": f"Ada {path}{number}"}
            await http.ask("PATCH", "/users/me", ada, json=name)
            renamed = parts(await (await raw.send(head)).answer())
            assert name["name"].encode() in renamed[2]
            assert set(known[1]) == set(fresh[1])
    assert hits(http) == 16


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_both_ways_agree(http: Http, seed: int) -> None:
    chance = random.Random(seed)
    people = await http.chirp.register_many("ada", "bob", "eve")
    tweets = [await http.chirp.post(people[0])]
    twice = await Twice.open(http)
    for _ in range(40):
        await something(http, chance, people, tweets)
        tweet = chance.choice(tweets)
        for path in ("/timeline/home", "/timeline/home?limit=2", "/users/ada/tweets",
                     f"/tweets/{tweet.tweet_id}", "/bookmarks", "/users/me"):  # fmt: skip
            await twice.same(chance.choice(people), path)
    assert hits(http) > 60


async def something(
    http: Http, chance: random.Random, people: list[Viewer], tweets: list[Tweet]
) -> None:
    actor, other = chance.sample(people, 2)
    name, tweet = http.chirp.names[other.user_id], chance.choice(tweets)
    path = chance.choice(
        [f"/users/{name}/follow", f"/users/{name}/block", f"/users/{name}/mute",
         f"/tweets/{tweet.tweet_id}/favorite", f"/tweets/{tweet.tweet_id}/bookmark",
         f"/tweets/{tweet.tweet_id}/retweet", "/tweet", "/tweet", "/users/me"]
    )  # fmt: skip
    if path == "/tweet":
        tweets.append(await http.chirp.post(actor, f"number {len(tweets)}"))
    elif path == "/users/me":
        await http.ask("PATCH", path, actor, json={"name": f"Name {chance.random()}"})
    else:
        await http.ask(chance.choice(["POST", "POST", "DELETE"]), path, actor)


async def test_a_key_that_is_revoked_opens_nothing(http: Http) -> None:
    await http.chirp.register("ada")
    key = (await http.register("bob"))["api_dev_key"]
    twice = await Twice.open(http)
    for _ in range(2):
        assert await twice.same(key, "/timeline/home") == b"HTTP/1.1 200 OK"
    await http.ask("DELETE", "/sessions/current", key)
    assert b" 401 " in await twice.same(key, "/timeline/home")


async def test_limits_hold_for_what_is_repeated(http: Http) -> None:
    ada = await http.chirp.register("ada")
    raw, head = await Raw.open(http), head_of(http, ada, "/users/me")
    for _ in range(1000):
        raw.writer.write(head)
        assert b" 200 " in (await raw.answer())[:15]
    refused = parts(await (await raw.send(head)).answer())
    assert b" 429 " in refused[0]
    assert refused[1]["X-RateLimit-Remaining"] == "0"
    assert int(refused[1]["Retry-After"]) > 0
    assert http.chirp.server.metrics.rate_limited["reads"] == 1


async def test_pipelined_and_divided_heads_are_answered_once_each(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    raw = await Raw.open(http)
    mine, other = head_of(http, ada, "/users/me"), head_of(http, bob, "/users/me")
    for data in (mine, mine, mine + other, mine + other, other, mine[:40], mine[40:] + other):
        await raw.send(data)
    names = [b'"bob"' in await raw.answer() for _ in range(9 - 1)]
    assert names == [False, False, False, True, False, True, True, False]
    assert b'"bob"' in await raw.answer()
    await raw.send(mine + b"GET")
    assert b'"ada"' in await raw.answer()
    await raw.send(other[3:])
    assert b'"bob"' in await raw.answer()
    http.chirp.server.connections.check()


async def test_who_has_to_wait_is_answered_by_the_long_way() -> None:
    asked = 0

    async def slow(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked > 1:
            await asyncio.sleep(0.02)
        return web.Response(body=b"%d" % asked, content_type="text/plain")

    route = Route("GET", "/slow", slow, repeatable=True)
    async with served(TIMES, route, limits=Limits()) as http:
        ada = await http.chirp.register("ada")
        raw = await Raw.open(http)
        head = head_of(http, ada, "/users/me").replace(BASE.encode() + b"/users/me", b"/slow")
        for number in range(1, 5):
            first, headers, body = parts(await (await raw.send(head)).answer())
            assert (first, body) == (b"HTTP/1.1 200 OK", b"%d" % number)
            assert headers["X-RateLimit-Remaining"] == str(900 - number)
        counted = http.chirp.server.metrics.requests
        assert counted["test", 200] == 4
        assert http.chirp.server.metrics.in_flight == 0
        await raw.send(head)
        raw.writer.close()
        await asyncio.sleep(0.1)
        assert http.chirp.server.metrics.in_flight == 0


async def test_a_failure_is_told_without_a_trace() -> None:
    asked = 0

    async def fails(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise RuntimeError("a secret")
        return web.Response(body=b"ok")

    async with served(TIMES, Route("GET", "/fails", fails, repeatable=True)) as http:
        ada = await http.chirp.register("ada")
        raw = await Raw.open(http)
        head = head_of(http, ada, "/users/me").replace(BASE.encode() + b"/users/me", b"/fails")
        assert b" 200 " in (await (await raw.send(head)).answer())[:15]
        answer = await (await raw.send(head)).answer()
        assert b" 500 " in answer[:15]
        assert b"secret" not in answer


STREAM = (
    "GET {base}/users/me HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n",
    "GET {base}/timeline/home HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n",
    "GET {base}/users/ada/tweets?limit=1 HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n",
    "GET {base}/users/nobody HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n",
    "GET {base}/timeline/home HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    ("POST {base}/users/ada/block HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: "
    "application/json\r\nContent-Length: 2\r\n\r\n{{}}"),
)  # fmt: skip


async def answers(heads_mb: int, seed: int) -> list[tuple[bytes, bytes]]:
    """Send random streams of requests, cut anywhere; return statuses and bodies."""
    cache = replace(config().cache, heads_mb=heads_mb)
    chirp = await Driver.open(settings=replace(config(), cache=cache))
    async with Http(chirp) as http:
        ada = await chirp.register("ada")
        await chirp.post(ada)
        chance, found, key = random.Random(seed), [], chirp.secrets[ada.user_id]
        for number in range(6):
            said = [chance.choice(STREAM[:3] * 3 + STREAM) for _ in range(15)]
            stream = "".join(one.format(base=BASE, key=key) for one in said).encode()
            found += await streamed(http, stream, len(said), chance, wild=number % 2 == 0)
        known = chirp.server.fronts.heads.stats()["hits"]
        assert (known > 0) == (heads_mb > 0)
    await chirp.close()
    return found


async def streamed(
    http: Http, stream: bytes, count: int, chance: random.Random, *, wild: bool
) -> list[tuple[bytes, bytes]]:
    """Send a stream in pieces, which end where requests do unless it is `wild`."""
    raw, found = await Raw.open(http), []
    await settle()
    while stream:
        ends = [stream.find(b"\r\n\r\n") + 4] * 9
        at = chance.choice([1, 40, 700, *ends] if wild else [40, *ends])
        raw.writer.write(stream[:at])
        stream = stream[at:]
        await asyncio.sleep(0.003)
    for _ in range(count):
        status, _, body = parts(await raw.answer())
        found.append((status, body if b" 200 " in status else b""))
    raw.writer.close()
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_any_stream_of_requests_is_answered_alike(
    same_switch_interval: None, seed: int
) -> None:
    assert await answers(16, seed) == await answers(0, seed)
