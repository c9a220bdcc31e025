"""Streams over HTTP: Server-Sent Events and WebSockets, from their first byte to their end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import ClientResponse, WSMsgType

from chirp.views import Viewer
from tests.support.driver import PASSWORD
from tests.support.process import ServerProcess
from tests.support.web import BASE, Http

SSE = {"Accept": "text/event-stream"}


async def event(answer: ClientResponse) -> dict[str, str]:
    """Return the next event, as its fields; a heartbeat has an id alone."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(20):
        async for line in answer.content:
            name, _, value = line.decode().rstrip("\n").partition(":")
            if line == b"\n":
                return fields
            if name:
                fields[name] = value.strip()
    raise EOFError


@asynccontextmanager
async def sent_events(
    http: Http, who: Viewer, last: str | None = None
) -> AsyncIterator[ClientResponse]:
    headers = SSE | {"X-API-Key": http.chirp.secrets[who.user_id]}
    if last is not None:
        headers["Last-Event-ID"] = last
    async with http.client.get(f"{BASE}/stream", headers=headers) as answer:
        assert answer.status == 200
        yield answer


async def posted(http: Http, author: Viewer, reader: Viewer, text: str) -> dict[str, Any]:
    """Post over HTTP; return the tweet as the reader is shown it."""
    tweet_id = (await http.tweet(author, text))["tweet_id"]
    tweet: dict[str, Any] = await http.ok(await http.get(f"/tweets/{tweet_id}", reader))
    return tweet


async def test_events_are_sent_as_they_happen(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(bob, ada)
    async with sent_events(http, bob) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        assert set(await event(answer)) == {"id"}
        tweet = await posted(http, ada, bob, "line one\nline two")
        told = await event(answer)
        assert (told["event"], orjson.loads(told["data"])) == ("tweet", tweet)
        await http.delete(f"/tweets/{tweet['tweet_id']}", ada)
        told = await event(answer)
    assert (told["event"], orjson.loads(told["data"])) == (
        "delete",
        {"tweet_id": tweet["tweet_id"]},
    )


async def test_a_reader_comes_back_with_the_last_event_id(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(bob, ada)
    async with sent_events(http, bob) as answer:
        await event(answer)
        await http.tweet(ada, "heard")
        last = (await event(answer))["id"]
    missed = await posted(http, ada, bob, "missed")
    async with sent_events(http, bob, last) as answer:
        assert orjson.loads((await event(answer))["data"]) == missed
        assert set(await event(answer)) == {"id"}


async def test_a_socket_tells_the_same(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(bob, ada)
    place = str(http.chirp.server.bus.place())
    first = await posted(http, ada, bob, "first")
    headers = {"X-API-Key": http.chirp.secrets[bob.user_id]}
    where = f"{BASE}/stream?last_event_id={place}"
    async with http.client.ws_connect(where, headers=headers) as socket:
        told: dict[str, Any] = await socket.receive_json(timeout=20)
        assert (told["event"], told["data"]) == ("tweet", first)
        second = await posted(http, ada, bob, "second")
        told = await socket.receive_json(timeout=20)
        assert told["data"] == second
        assert told["id"] == str(http.chirp.server.bus.place())


@pytest.mark.parametrize(
    "wrong", [{"Connection": "close"}, {"Sec-WebSocket-Version": "12"}, {"Sec-WebSocket-Key": "x"}]
)
async def test_a_handshake_that_is_not_whole_is_refused(http: Http, wrong: dict[str, str]) -> None:
    bob = await http.chirp.register("bob")
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} | wrong
    answer = await http.get("/stream", bob, headers=headers)
    assert "a WebSocket needs Connection: Upgrade" in answer.refused(400, "Upgrade")["message"]
    assert len(http.chirp.server.bus) == 0


async def test_a_socket_says_why_it_ends(http: Http) -> None:
    bob = await http.chirp.register("bob")
    headers = {"X-API-Key": http.chirp.secrets[bob.user_id]}
    async with http.client.ws_connect(f"{BASE}/stream", headers=headers) as socket:
        await http.chirp.suspend(bob)
        told = await socket.receive(timeout=20)
        assert (told.type, told.data) == (WSMsgType.CLOSE, 1008)
        assert told.extra == "the account is suspended or closed"


async def test_a_closed_account_hears_no_more(http: Http) -> None:
    bob = await http.chirp.register("bob")
    async with sent_events(http, bob) as answer:
        await event(answer)
        await http.chirp.server.administration.delete("bob")
        assert (await event(answer))["event"] == "end"
        assert await answer.content.read() == b""


@pytest.mark.parametrize("last", ["x", "1.2", "0.0.0.0", "G.1.1"])
async def test_a_foreign_last_event_id_is_refused(http: Http, last: str) -> None:
    bob = await http.chirp.register("bob")
    headers = SSE | {"Last-Event-ID": last}
    (await http.get("/stream", bob, headers=headers)).refused(400, "Last-Event-ID")
    where = f"/stream?last_event_id={last}"
    (await http.get(where, bob, headers=SSE)).refused(400, "Last-Event-ID")


async def test_a_stream_needs_a_key_and_a_way_to_be_told(http: Http) -> None:
    bob = await http.chirp.register("bob")
    (await http.get("/stream", headers=SSE)).refused(401)
    (await http.get("/stream", bob)).refused(400, "Accept")


async def test_sigterm_ends_streams_and_the_process(tmp_path: Path) -> None:
    person = {"username": "ada", "name": "Ada", "email": "a@b.org", "password": PASSWORD}
    server = ServerProcess(tmp_path / "data")
    async with aiohttp.ClientSession(base_url=server.url) as session:
        answer = await session.post(f"{BASE}/users", json=person)
        key = {"X-API-Key": (await answer.json())["api_dev_key"]}
        streams = [await session.get(f"{BASE}/stream", headers=SSE | key) for _ in range(2)]
        socket = await session.ws_connect(f"{BASE}/stream", headers=key)
        for stream in streams:
            await event(stream)
        begun_s = time.monotonic()
        assert await asyncio.to_thread(server.stop) == 0
        assert time.monotonic() - begun_s < 5  # the contract's word
        ends = [await event(stream) for stream in streams]
        closed = await socket.receive(timeout=20)
    assert {end["data"] for end in ends} == {'{"reason":"the server is shutting down"}'}
    assert closed.data == 1001
