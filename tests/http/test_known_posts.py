"""A head with a body that came before: the body is looked at anew, whoever else is under way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import orjson
import pytest

from chirp.config import Limits
from chirp.rates import Rate
from chirp.storage.engine import Batch
from chirp.views import Viewer
from tests.http.test_known_heads import CHANGING, head_of, hits, parts
from tests.support.driver import Driver, config
from tests.support.raw import Raw, settle
from tests.support.web import BASE, Http


@pytest.fixture
async def http(same_switch_interval: None) -> AsyncIterator[Http]:
    chirp = await Driver.open(settings=replace(config(), limits=Limits(posts=Rate(1000, 900))))
    async with Http(chirp) as http:
        yield http
        chirp.server.connections.check()
    await chirp.close()


def post_of(http: Http, key: Viewer, body: bytes | str, extra: str = "") -> bytes:
    """Return a post; a text is put into JSON."""
    if isinstance(body, str):
        body = orjson.dumps({"tweet_data": body})
    head = (
        f"POST {BASE}/tweet HTTP/1.1\r\nHost: x\r\nX-API-Key: {http.chirp.secrets[key.user_id]}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    )
    return head.encode() + body


async def opened(http: Http) -> Raw:
    raw = await Raw.open(http)
    await settle()  # what comes with the connection itself is not remembered
    return raw


async def sent(raw: Raw, data: bytes) -> tuple[bytes, dict[str, str], bytes]:
    return parts(await (await raw.send(data)).answer())


def content(answer: tuple[bytes, dict[str, str], bytes]) -> str:
    assert answer[0] == b"HTTP/1.1 201 Created", answer
    return str(orjson.loads(answer[2])["tweet"]["content"])


async def test_the_second_post_of_a_program_is_known_whatever_its_length(http: Http) -> None:
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    first = await sent(raw, post_of(http, ada, "one"))
    before = hits(http)
    for text in ("two", "a longer one", "x" * 280, "three"):
        answer = await sent(raw, post_of(http, ada, text))
        assert content(answer) == text
        assert set(answer[1]) == set(first[1])
        stays = [{k: v for k, v in one[1].items() if k not in CHANGING | {"Content-Length"}}
                 for one in (first, answer)]  # fmt: skip
        assert stays[0] == stays[1]
    assert hits(http) == before + 4
    assert len(await http.chirp.tweets_of(ada)) == 5


BODIES: tuple[tuple[bytes, int], ...] = (
    (b"{}", 400),
    (b"no JSON", 400),
    (b'{"tweet_data": 7}', 400),
    (b'{"tweet_data": "' + b"x" * 281 + b'"}', 400),
    (b'{"tweet_data": "hi", "media_ids": ["7"]}', 400),
    (b'{"tweet_data": "hi", "api_dev_key": "another"}', 400),
    (b'{"tweet_data": "hi", "in_reply_to_tweet_id": "7"}', 400),
    (b'{"tweet_data": "hi"}', 201),
)


@pytest.mark.parametrize(("body", "status"), BODIES)
async def test_a_known_head_refuses_what_an_unknown_one_does(
    http: Http, body: bytes, status: int
) -> None:
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    await sent(raw, post_of(http, ada, "known"))
    before = hits(http)
    known = await sent(raw, post_of(http, ada, body))
    assert hits(http) == before + 1
    fresh = await sent(raw, post_of(http, ada, body, "X-New: 1\r\n"))
    assert known[0].split()[1] == fresh[0].split()[1] == str(status).encode()
    if status != 201:
        told = [orjson.loads(one[2]) | {"request_id": ""} for one in (known, fresh)]
        assert told[0] == told[1]


UNUSUAL = (
    "Expect: 100-continue\r\n",
    "Content-Encoding: identity\r\n",
    "Idempotency-Key: once\r\n",
)


@pytest.mark.parametrize("extra", UNUSUAL)
async def test_what_is_unusual_is_never_known(http: Http, extra: str) -> None:
    ada = await http.chirp.register("ada")
    before = http.chirp.server.fronts.heads.stats()["entries"]
    raw = await opened(http)
    await raw.send(post_of(http, ada, "hi", extra))
    await settle()
    assert http.chirp.server.fronts.heads.stats()["entries"] == before


async def test_a_key_in_a_body_is_never_known(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    raw = await opened(http)
    for who in (ada, bob, ada):
        body = orjson.dumps({"tweet_data": "hi", "api_dev_key": http.chirp.secrets[who.user_id]})
        head = f"POST {BASE}/tweet HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        answer = await sent(raw, head.encode() + body)
        author = orjson.loads(answer[2])["tweet"]["user"]["username"]
        assert author == http.chirp.names[who.user_id]


async def test_many_at_once_under_one_head_are_each_answered(http: Http) -> None:
    ada = await http.chirp.register("ada")
    await sent(await opened(http), post_of(http, ada, "first"))
    raws = [await opened(http) for _ in range(20)]
    for number, raw in enumerate(raws):
        raw.writer.write(post_of(http, ada, f"number {number:03}"))
    answers = [parts(await raw.answer()) for raw in raws]
    assert [content(one) for one in answers] == [f"number {n:03}" for n in range(20)]
    left = {one[1]["X-RateLimit-Remaining"] for one in answers}
    assert len(left) == 20
    assert http.chirp.server.metrics.in_flight == 0


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_pipelined_behind_a_post_is_answered_in_order(http: Http, seed: int) -> None:
    chance = random.Random(seed)
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    await sent(raw, post_of(http, ada, "known"))
    await sent(raw, head_of(http, ada, "/users/me"))
    asked = [chance.choice(["post", "me"]) for _ in range(30)]
    stream = b"".join(
        post_of(http, ada, f"number {n}") if what == "post" else head_of(http, ada, "/users/me")
        for n, what in enumerate(asked)
    )
    while stream:
        cut = chance.choice([len(stream), 1 + chance.randrange(900)])
        raw.writer.write(stream[:cut])
        stream = stream[cut:]
        await asyncio.sleep(chance.choice([0, 0, 0.002]))
    for number, what in enumerate(asked):
        answer = parts(await raw.answer())
        if what == "post":
            assert content(answer) == f"number {number}"
        else:
            assert orjson.loads(answer[2])["username"] == "ada"


async def held(http: Http) -> Callable[[], None]:
    """Let no commit be answered until what is returned is called."""
    engine, gate = http.chirp.engine, asyncio.Event()
    commit = engine.commit

    def slow(batch: Batch) -> asyncio.Future[object]:
        async def wait() -> object:
            await gate.wait()
            return await commit(batch)

        return asyncio.ensure_future(wait())

    engine.commit = slow  # type: ignore[method-assign, assignment]
    return gate.set


async def test_a_client_that_leaves_changes_nothing_for_others(http: Http) -> None:
    ada = await http.chirp.register("ada")
    await sent(await opened(http), post_of(http, ada, "known"))
    leaves, stays = await opened(http), await opened(http)
    release = await held(http)
    await leaves.send(post_of(http, ada, "left behind"))
    await stays.send(post_of(http, ada, "stays"))
    leaves.writer.close()
    await settle()
    release()
    assert content(parts(await stays.answer())) == "stays"
    assert len(await http.chirp.tweets_of(ada)) == 3
    assert http.chirp.server.metrics.in_flight == 0


async def test_a_stop_waits_for_a_post_under_way(http: Http) -> None:
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    await sent(raw, post_of(http, ada, "known"))
    release = await held(http)
    await raw.send(post_of(http, ada, "under way"))
    stopping: Awaitable[None] = asyncio.ensure_future(http.client.server.close())
    await settle()
    release()
    assert content(parts(await raw.answer())) == "under way"
    await stopping
    assert await raw.rest() == b""


async def test_a_connection_that_closes_begins_nothing_more(http: Http) -> None:
    """Its answer would come too late, and whoever posts again would post twice."""
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    for text in ("one", "two"):
        await sent(raw, post_of(http, ada, text))
    (connection,) = http.chirp.server.connections._open
    before = hits(http)
    connection.close()
    connection.data_received(post_of(http, ada, "too late"))
    await settle()
    await connection.shutdown(1)
    assert hits(http) == before
    assert len(await http.chirp.tweets_of(ada)) == 2
    assert await raw.rest() == b""


async def test_heads_without_answers_are_answered_without_bodies(http: Http) -> None:
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    head = head_of(http, ada, "/users/me").replace(b"GET", b"HEAD", 1)
    for _ in range(3):
        await raw.send(head)
        told = await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 20)
        assert told.startswith(b"HTTP/1.1 200")
    answer = parts(await (await raw.send(head_of(http, ada, "/users/me"))).answer())
    assert orjson.loads(answer[2])["username"] == "ada"


async def test_an_answer_that_fails_ends_its_connection(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bytes:
        raise RuntimeError("nothing can be sent")

    ada = await http.chirp.register("ada")
    raw = await opened(http)
    await sent(raw, post_of(http, ada, "known"))
    monkeypatch.setattr("chirp.http.pipeline.packed", fails)
    await raw.send(post_of(http, ada, "unanswered"))
    assert await raw.rest() == b""
    assert http.chirp.server.tasks.failures.pop().args == ("nothing can be sent",)


async def test_very_many_pipelined_requests_are_all_owed(http: Http) -> None:
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    head = head_of(http, ada, "/users/me")
    await sent(raw, head)
    stream = [post_of(http, ada, f"number {number}", "X-New: 1\r\n") for number in range(120)]
    raw.writer.write(b"".join(stream))
    await asyncio.sleep(0.01)
    raw.writer.write(head)
    for number in range(120):
        assert content(parts(await raw.answer())) == f"number {number}"
        if number % 10 == 0:
            raw.writer.write(head)
    for _ in range(13):
        assert orjson.loads(parts(await raw.answer())[2])["username"] == "ada"
