"""Connections: how long each may take, how many there may be, and what is not HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest
from aiohttp import web

from chirp.config import Limits, Server
from chirp.http.connections import Connections
from chirp.http.pipeline import Pipeline, Route
from tests.support.driver import Driver, config
from tests.support.raw import GET, Raw, after, settle
from tests.support.web import Http

TIMES = Server(head_timeout_s=4, body_timeout_s=4, idle_timeout_s=8, send_timeout_s=4)
POST = b"POST /api/v1/tweet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def served(
    server: Server, *routes: Route, limits: Limits | None = None
) -> AsyncIterator[Http]:
    """Serve with these settings, and perhaps with more routes."""
    settings = config()
    settings = replace(settings, server=server, limits=limits or settings.limits)
    chirp = await Driver.open(settings=settings)
    inner = chirp.server
    pipeline = Pipeline(
        inner.fronts.gate,
        inner.fronts.request_ids,
        None,
        chirp.clock,
        inner.metrics,
        inner.fronts.heads,
        max_in_flight=server.max_in_flight,
    )
    for route in routes:
        inner.app.router.add_route(route.method, route.path, pipeline.wrap("test", route))
    async with Http(chirp) as http:
        yield http
        inner.connections.check()
    await chirp.close()


@pytest.fixture
async def http(same_switch_interval: None) -> AsyncIterator[Http]:
    async with served(TIMES) as http:
        yield http


def timeouts(http: Http) -> dict[str, int]:
    return dict(http.chirp.server.metrics.timeouts)


def refused(answer: bytes, status: int) -> None:
    """Assert that this is our refusal, whole, with an id."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) == status, answer
    fields = orjson.loads(body)
    assert set(fields) == {"status", "error", "message", "request_id"}
    assert b"X-Request-Id: " + fields["request_id"].encode() in head


async def test_a_connection_that_says_nothing_is_closed(http: Http) -> None:
    raw = await Raw.open(http)
    await after(http, 5)
    assert await raw.rest() == b""
    assert timeouts(http) == {"head": 1}


async def test_half_a_head_is_closed_with_an_answer(http: Http) -> None:
    raw = await (await Raw.open(http)).send(GET[:30])
    await after(http, 5)
    refused(await raw.rest(), 408)


@pytest.mark.parametrize("first", [b"", GET])
async def test_a_header_a_second_does_not_keep_a_connection(http: Http, first: bytes) -> None:
    raw = await Raw.open(http)
    if first:
        await raw.send(first)
        await raw.answer()
    await raw.send(b"GET /healthz HTTP/1.1\r\n")
    for number in range(6):
        await raw.send(b"X-%d: a\r\n" % number)
        await after(http, 1)
    refused(await raw.rest(), 408)


async def test_an_idle_connection_is_closed_without_a_word(http: Http) -> None:
    raw = await (await Raw.open(http)).send(GET)
    await raw.answer()
    await after(http, 6)
    assert raw.open_still
    await raw.send(GET)
    assert b"200 OK" in await raw.answer()
    await after(http, 9)
    assert await raw.rest() == b""
    assert timeouts(http) == {"idle": 1}


async def test_a_body_that_stops_is_refused(http: Http) -> None:
    raw = await (await Raw.open(http)).send(POST + b"Content-Length: 100\r\n\r\n" + b"{")
    await after(http, 6)
    refused(await raw.rest(), 408)
    assert timeouts(http) == {"body": 1}


async def test_a_body_that_drips_is_refused(http: Http) -> None:
    raw = await (await Raw.open(http)).send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(7):
        await raw.send(b"1\r\nx\r\n")
        await after(http, 1)
    refused(await raw.rest(), 408)


async def test_a_body_that_nobody_reads_is_counted_once(same_switch_interval: None) -> None:
    gate = asyncio.Event()

    async def deaf(_request: web.Request) -> web.StreamResponse:
        return await slow_then(gate)

    async with served(TIMES, Route("POST", "/deaf", deaf)) as http:
        raw = await Raw.open(http)
        await raw.send(b"POST /deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        await after(http, 30)
        assert timeouts(http) == {"body": 1}
        gate.set()
        assert b"200 OK" in await raw.rest()


async def test_a_body_that_flows_may_take_its_time(http: Http) -> None:
    ada = await http.chirp.register("ada")
    key = http.chirp.secrets[ada.user_id].encode()
    body = b'{"tweet_data": "hi"}' + b" " * 20_460
    raw = await (await Raw.open(http)).send(
        POST + b"X-API-Key: %b\r\nContent-Length: %d\r\n\r\n" % (key, len(body))
    )
    for start in range(0, len(body), 2048):
        await raw.send(body[start : start + 2048])
        await after(http, 1)
    assert b"201 Created" in await raw.answer()


async def test_a_request_under_way_may_take_as_long_as_it_likes(
    same_switch_interval: None,
) -> None:
    gate = asyncio.Event()

    async def slow(_request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(text="done")

    async with served(TIMES, Route("GET", "/slow", slow)) as http:
        raw = await (await Raw.open(http)).send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await after(http, 40)
        gate.set()
        assert (await raw.answer()).endswith(b"done")
        assert timeouts(http) == {}


async def test_a_stream_lives_on_and_a_client_that_takes_nothing_does_not(
    same_switch_interval: None,
) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * (1 << 20 if "fast" in request.query else 1))
            await asyncio.sleep(0.001)

    async with served(TIMES, Route("GET", "/s", stream, stream=True)) as http:
        slow = await (await Raw.open(http)).send(b"GET /s HTTP/1.1\r\nHost: x\r\n\r\n")
        await after(http, 20)
        assert slow.open_still
        assert timeouts(http) == {}
        await (await Raw.open(http)).send(b"GET /s?fast HTTP/1.1\r\nHost: x\r\n\r\n")
        await after(http, 6)
        assert timeouts(http) == {"send": 1}


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"\x00" * 64, 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 9_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"PROPFIND /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 405),
        (b"POST http://x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
    ],
)
async def test_what_is_no_request_is_refused_in_our_words(
    http: Http, data: bytes, status: int
) -> None:
    raw = await (await Raw.open(http)).send(data)
    refused(await raw.answer(), status)


async def test_an_address_without_a_path_is_the_first_page(http: Http) -> None:
    for address in (b"http://x", b"http://x?limit=1"):
        raw = await Raw.open(http)
        await raw.send(b"GET " + address + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"<title>Public timeline" in await raw.answer()
    assert http.chirp.server.metrics.requests["/", 200] == 2


async def test_endless_headers_are_refused_while_they_arrive(http: Http) -> None:
    raw = await (await Raw.open(http)).send(b"GET / HTTP/1.1\r\nHost: x\r\n")
    for number in range(10):
        await raw.send(b"X-%d: " % number + b"x" * 4_000 + b"\r\n")
    refused(await raw.rest(), 431)


async def test_garbage_behind_a_request_is_refused_once(http: Http) -> None:
    raw = await (await Raw.open(http)).send(GET)
    assert b"200 OK" in await raw.answer()
    await raw.send(GET)
    await raw.send(b"garbage\r\n\r\n" + GET + b"more garbage")
    assert b"200 OK" in await raw.answer()
    refused(await raw.answer(), 400)
    assert await raw.rest() == b""


async def test_what_comes_in_one_piece_with_garbage_is_refused_with_it(http: Http) -> None:
    raw = await (await Raw.open(http)).send(GET + b"garbage\r\n\r\n" + GET)
    refused(await raw.answer(), 400)
    assert await raw.rest() == b""


async def test_what_clients_expect_is_asked_for_or_passed_over(http: Http) -> None:
    for word, status in ((b"100-continue", b"100 Continue"), (b"miracles", b"401")):
        raw = await Raw.open(http)
        await raw.send(POST + b"Content-Length: 2\r\nExpect: " + word + b"\r\n\r\n")
        await raw.send(b"{}")
        raw.writer.write_eof()
        assert b"HTTP/1.1 " + status in await raw.reader.readuntil(b"\r\n")


@pytest.mark.parametrize("path", ["/", "/status", "/healthz", "/metrics", "/api/v1/users/ada"])
async def test_head_is_get_without_a_body(http: Http, path: str) -> None:
    await http.chirp.register("ada")
    got, head = await http.get("/" + path), await http.ask("HEAD", "/" + path)
    assert (head.status, head.raw) == (200, b"")
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) > 0


async def opened(http: Http, count: int) -> list[Raw]:
    """Open connections, each with a request."""
    raws = [await Raw.open(http) for _ in range(count)]
    for raw in raws:
        raw.writer.write(GET)
    return raws


async def answers(raws: list[Raw]) -> list[int]:
    """Return each connection's status."""
    return [int((await raw.answer()).split(b" ")[1]) for raw in raws]


@pytest.mark.parametrize("why", ["address", "server"])
async def test_a_thousand_connections_from_one_address_are_too_many(
    same_switch_interval: None, why: str
) -> None:
    most = {"server": (40, 999), "address": (999, 40)}[why]
    limits = replace(TIMES, max_connections=most[0], max_connections_per_address=most[1])
    async with served(limits) as http:
        raws = await opened(http, 1_000)
        statuses = await answers(raws)
        assert (statuses.count(200), statuses.count(503)) == (40, 960)
        assert http.chirp.server.metrics.connections_refused == {why: 960}
        refused_raw = raws[statuses.index(503)]
        assert await refused_raw.rest() == b""
        for raw in raws:
            raw.writer.close()
        await settle()
        again = await opened(http, 40)
        assert await answers(again) == [200] * 40


async def test_a_trusted_proxy_may_have_as_many_as_it_likes(same_switch_interval: None) -> None:
    limits = replace(TIMES, max_connections_per_address=3, trusted_proxies="127.0.0.0/8")
    async with served(limits) as http:
        raws = await opened(http, 20)
        assert await answers(raws) == [200] * 20


async def slow_then(gate: asyncio.Event) -> web.StreamResponse:
    await gate.wait()
    return web.Response(text="done")


@pytest.fixture
def gate() -> Iterator[asyncio.Event]:
    gate = asyncio.Event()
    yield gate
    gate.set()


async def test_too_many_requests_at_once_are_refused_and_then_no_longer(
    gate: asyncio.Event, same_switch_interval: None
) -> None:
    async def slow(_request: web.Request) -> web.StreamResponse:
        return await slow_then(gate)

    limits = replace(TIMES, max_in_flight=5)
    async with served(limits, Route("GET", "/slow", slow)) as http:
        asked = [asyncio.create_task(http.get("//slow")) for _ in range(30)]
        await settle()
        refusals = [task.result() for task in asked if task.done()]
        assert [answer.status for answer in refusals] == [503] * 25
        assert {answer.headers["Retry-After"] for answer in refusals} == {"1"}
        assert (await http.get("//healthz")).status == 200
        assert (await http.get("//readyz")).status == 200
        gate.set()
        statuses = sorted(answer.status for answer in await asyncio.gather(*asked))
        assert statuses == [200] * 5 + [503] * 25
        assert (await http.get("//slow")).status == 200
        assert http.chirp.server.metrics.overload_refused == 25


async def test_streams_are_not_under_way(gate: asyncio.Event, same_switch_interval: None) -> None:
    async def stream(_request: web.Request) -> web.StreamResponse:
        return await slow_then(gate)

    limits = replace(TIMES, max_in_flight=2)
    async with served(limits, Route("GET", "/s", stream, stream=True)) as http:
        streams = [asyncio.create_task(http.get("//s")) for _ in range(9)]
        await settle()
        assert (await http.get("/users/x")).status == 404
        gate.set()
        await asyncio.gather(*streams)


async def test_a_long_body_is_refused_before_it_is_read(same_switch_interval: None) -> None:
    async def upload(_request: web.Request) -> web.StreamResponse:
        raise AssertionError("not reached")

    async with served(TIMES, Route("POST", "/up", upload, max_body_bytes=100)) as http:
        raw = await Raw.open(http)
        await raw.send(b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n")
        assert (await raw.answer()).startswith(b"HTTP/1.1 413 ")


def test_the_tick_is_short_enough_for_every_time() -> None:
    server = replace(Server(), head_timeout_s=2.0)
    chirp_tick = Connections(server, None, None, None, None, None, None).tick_s  # type: ignore[arg-type]
    assert chirp_tick == 0.5
