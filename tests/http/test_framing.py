"""What is answered past aiohttp's parser, or learnt from, is a whole request and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from unittest.mock import Mock

import pytest
from aiohttp.http_parser import HttpRequestParser
from aiohttp.test_utils import make_mocked_request

from chirp.api.render import Renderer
from chirp.config import Server
from chirp.http.framing import BETWEEN, IN_HEAD, UNKNOWN, Framing
from chirp.http.known_heads import KnownHeads
from chirp.http.plain import Joined
from chirp.views import Viewer
from tests.http.test_known_heads import head_of, hits, parts
from tests.http.test_known_posts import held
from tests.support.driver import Driver, config
from tests.support.raw import Raw, after, settle
from tests.support.web import BASE, Http

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


def post(body: bytes, extra: bytes = b"") -> bytes:
    """Return a post with that body."""
    head = b"POST /a HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (extra, len(body))
    return head + body


WHOLE = (
    GET,
    post(b"{}"),
    post(b"a\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
    post(GET),
    b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 28\r\n\r\n" + GET,
    post(b"", b"X-Junk: GET / HTTP/1.1\r\n"),
    b"\r\n\r\n" + GET,
    b"\r\n" + post(GET),
    GET.replace(b"\r\n", b"\n"),
    post(b"a\r\n\r\nb").replace(b"\r\n", b"\n", 3),
    b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
)
"""Requests, some of which look like more than one, or end before they seem to."""


class Parsed:
    """What aiohttp's parser makes of pieces, and what is said of them."""

    def __init__(self, queue: int = 0) -> None:
        protocol = Mock(_reading_paused=False)
        loop = asyncio.get_running_loop()
        self._parser = HttpRequestParser(protocol, loop, 2**16, max_msg_queue_size=queue)
        self.framing = Framing()

    def take(self, data: bytes) -> int:
        """Feed a piece; return where that is said to end."""
        made, upgraded, _ = self._parser.feed_data(data)
        assert not upgraded
        self.framing.follow(data, made)
        if self.framing.left == BETWEEN:
            # What was beyond the queue would come now.
            for _ in range(50):
                self._parser.message_consumed()
            assert not self._parser.feed_data(b"")[0]
        return self.framing.left


@pytest.mark.parametrize("seed", range(40))
async def test_where_a_request_is_said_to_end_one_ends(seed: int) -> None:
    chance = random.Random(seed)
    told = 0
    for _ in range(400):
        said = [chance.choice(WHOLE[:3] * 4 + WHOLE) for _ in range(6)]
        stream, ends = b"".join(said), set()
        for number in range(len(said)):
            ends.add(len(b"".join(said[: number + 1])))
        parsed, at = Parsed(), 0
        while at < len(stream):
            nearest = min(end for end in ends if end > at)
            here = [nearest - at] * 8 + [nearest - at - 1, nearest - at - 2]
            more = max(1, chance.choice([1, 2, 27, 60, *here, nearest - at + 9, len(stream)]))
            try:
                left = parsed.take(stream[at : at + more])
            except Exception:  # noqa: BLE001  (refused: the connection ends)
                break
            at = min(len(stream), at + more)
            if left == BETWEEN:
                # Empty lines before a request belong to nobody.
                assert at in ends or stream[:at].endswith(b"\r\n\r\n\r\n\r\n"), stream[:at]
                told += 1
    assert told > 300


@pytest.mark.parametrize(
    ("pieces", "left"),
    [
        ([GET], BETWEEN),
        ([GET + GET], BETWEEN),
        ([GET[:9]], IN_HEAD),
        ([GET[:9], GET[9:]], BETWEEN),
        ([post(b"{}")], BETWEEN),
        ([post(b"{}")[:-2]], 2),
        ([post(b"{}")[:-2], b"{", b"}"], BETWEEN),
        ([GET + GET[:9]], UNKNOWN),
        ([GET + GET[:9], GET[9:]], UNKNOWN),
        ([post(b"{}") + GET[:9]], UNKNOWN),
        ([post(b"{}")[:-2], b"{}" + GET[:9]], UNKNOWN),
        ([post(b"{}")[:9], post(b"{}")[9:]], UNKNOWN),
        ([post(b"{}") + post(b"{}")], UNKNOWN),
        ([GET[:-2], GET[-2:]], BETWEEN),
        ([GET[:-1], GET[-1:]], BETWEEN),
        ([GET[:-2], GET[-2:] + GET], BETWEEN),
        ([GET[:-2], GET[-2:] + GET[:-2]], UNKNOWN),
        ([post(b"{}", b"Content-Encoding: gzip\r\n")], UNKNOWN),
    ],
)
async def test_what_is_said_of_pieces(pieces: list[bytes], left: int) -> None:
    parsed = Parsed()
    for piece in pieces:
        parsed.take(piece)
    assert parsed.framing.left == left


@pytest.fixture
async def http(same_switch_interval: None) -> AsyncIterator[Http]:
    settings = replace(config(), server=Server(head_timeout_s=4, idle_timeout_s=30))
    chirp = await Driver.open(settings=settings)
    async with Http(chirp) as http:
        yield http
        chirp.server.connections.check()
    await chirp.close()


async def opened(http: Http) -> Raw:
    raw = await Raw.open(http)
    await settle()
    return raw


async def test_nobody_decides_what_others_are_answered(http: Http) -> None:
    """A stranger's request may be the end of somebody's own, with her key in its beginning."""
    mallory = await http.chirp.register("mallory")
    key = http.chirp.secrets[mallory.user_id].encode()
    first = f"GET {BASE}/timeline/public HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    begun = b"GET %b/users/me HTTP/1.1\r\nX-API-Key: %b\r\nX-Junk: " % (BASE.encode(), key)
    for _ in range(3):
        raw = await opened(http)
        await (await raw.send(first + begun)).answer()
        await settle()
        assert b"mallory" in await (await raw.send(first)).answer()
        stranger = await opened(http)
        answer = await (await stranger.send(first)).answer()
        assert b"mallory" not in answer
        assert b'"data"' in answer
    assert hits(http) == 0


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_body_is_no_request(http: Http, method: str) -> None:
    ada = await http.chirp.register("ada")
    known = head_of(http, ada, "/users/me")
    raw = await opened(http)
    for _ in range(2):
        assert b'"ada"' in await (await raw.send(known)).answer()
    assert hits(http) == 1
    head = f"{method} {BASE}/timeline/public HTTP/1.1\r\nHost: x\r\nContent-Length: {len(known)}"
    first = await (await raw.send(head.encode() + b"\r\n\r\n")).answer()
    assert (b" 405 " if method == "POST" else b" 200 ") in first[:15]
    await settle()
    await raw.send(known)  # the body that was announced
    assert hits(http) == 1
    if method == "GET":
        assert b'"ada"' in await (await raw.send(known)).answer()
        assert hits(http) == 2, "known again, behind the body"


async def test_what_the_parser_holds_is_not_forgotten(http: Http) -> None:
    """At its queue's limit it keeps the rest, also when the end of the last head was divided."""
    ada = await http.chirp.register("ada")
    known, post = head_of(http, ada, "/users/me"), a_post(http, ada)
    raw = await opened(http)
    for one in (known, post, post):
        await (await raw.send(one)).answer()
    release = await held(http)
    await raw.send(post[:-1])  # waits for its last byte, and is answered the long way
    await raw.send(post[-1:])
    await raw.send(known * 31)
    await settle()
    before, stored = hits(http), len(await http.chirp.tweets_of(ada))
    await raw.send(known[:-2])
    refused = f"POST {BASE}/users/me HTTP/1.1\r\nHost: x\r\nContent-Length: {len(post) + 9}"
    await raw.send(known[-2:] + refused.encode() + b"\r\n\r\n")
    release()
    answers = [await asyncio.wait_for(raw.answer(), 10) for _ in range(34)]
    assert b" 405 " in answers[-1][:15]
    await raw.send(post)
    await settle()
    assert hits(http) == before
    assert len(await http.chirp.tweets_of(ada)) == stored + 1


async def test_what_follows_an_upgrade_is_answered_in_order(http: Http) -> None:
    ada = await http.chirp.register("ada")
    known = head_of(http, ada, "/users/me")
    raw = await opened(http)
    for _ in range(2):
        await (await raw.send(known)).answer()
    begins = known[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    later = head_of(http, ada, "/users/ada/tweets")
    await raw.send(begins + later)
    assert b'"ada"' in await raw.answer()
    await raw.send(known)
    assert b'"data"' in parts(await raw.answer())[2]
    assert b'"ada"' in await raw.answer()
    assert hits(http) == 1


async def test_very_many_at_once_are_all_owed(http: Http) -> None:
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    await raw.send(head_of(http, ada, "/users/me") * 40)
    raw.writer.write_eof()
    assert (await asyncio.wait_for(raw.rest(), 20)).count(b"HTTP/1.1 200 OK") == 40


async def test_half_a_head_behind_a_request_has_the_time_of_a_head(http: Http) -> None:
    ada = await http.chirp.register("ada")
    known = head_of(http, ada, "/users/me")
    raw = await opened(http)
    assert b'"ada"' in await (await raw.send(known + known[:20])).answer()
    await after(http, 5)
    assert b" 408 " in (await raw.rest())[:15]


def a_post(http: Http, key: Viewer, *, chunked: bool = False) -> bytes:
    """Return a post, whole."""
    body = b'{"tweet_data":"one"}'
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = (
        f"POST {BASE}/tweet HTTP/1.1\r\nHost: x\r\nX-API-Key: {http.chirp.secrets[key.user_id]}\r\n"
        f"Content-Type: application/json\r\n{length}\r\n\r\n"
    ).encode()
    return head + (b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body)


@pytest.mark.parametrize(
    ("known", "chunked", "more"),
    [(False, False, 0), (True, False, 0), (False, True, 0), (False, False, 2), (True, False, 2)],
)
async def test_who_sends_no_more_is_answered_all_that_is_owed(
    http: Http, *, known: bool, chunked: bool, more: int
) -> None:
    ada = await http.chirp.register("ada")
    post, raw = a_post(http, ada, chunked=chunked), await opened(http)
    for _ in range(known):
        assert b" 201 " in (await (await raw.send(post)).answer())[:15]
    before = hits(http)
    release = await held(http)
    await raw.send(post)
    await raw.send(a_post(http, ada) * more)
    raw.writer.write_eof()
    await settle()
    assert hits(http) == before + known
    release()
    answers = await asyncio.wait_for(raw.rest(), 10)
    assert answers.count(b"HTTP/1.1 201 Created") == 1 + more
    assert len(await http.chirp.tweets_of(ada)) == known + 1 + more


async def test_who_sends_no_more_of_a_body_is_not_waited_for(http: Http) -> None:
    ada = await http.chirp.register("ada")
    raw = await opened(http)
    await raw.send(a_post(http, ada)[:-3])
    raw.writer.write_eof()
    assert await asyncio.wait_for(raw.rest(), 10) == b""
    assert await http.chirp.tweets_of(ada) == []


@pytest.mark.parametrize(
    "data",
    [
        GET + GET,
        GET.replace(b"/a", b"/b"),
        GET.replace(b"Host", b"X-API-Key: other\r\nHost").replace(b"X-API-Key: key\r\n", b""),
        GET.replace(b"Host: x\r\n", b"Host: x\n"),
    ],
)
async def test_what_cannot_be_that_request_is_not_learnt(data: bytes) -> None:
    right = GET.replace(b"Host", b"X-API-Key: key\r\nHost")
    if data != GET + GET and b"X-API-Key" not in data:
        data = data.replace(b"Host", b"X-API-Key: key\r\nHost")
    request = make_mocked_request("GET", "/a", headers={"Host": "x", "X-API-Key": "key"})
    heads = KnownHeads(1 << 20)
    heads.learn(data, request, "key", b"digest", lambda _known, _body: None)
    assert heads.find(data) is None
    heads.learn(right, request, "key", b"digest", lambda _known, _body: None)
    assert heads.find(right) is not None


async def test_a_failure_is_not_handed_out_again(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await http.chirp.register("ada")
    await http.chirp.post(ada)
    raw, head = await opened(http), head_of(http, ada, "/timeline/home")
    page = Renderer.page
    for _ in range(2):
        assert b'"content"' in await (await raw.send(head)).answer()

    def fails(*_: object) -> Joined:
        raise RuntimeError("once")

    await http.chirp.post(ada)  # so that the page is made again
    monkeypatch.setattr(Renderer, "page", fails)
    assert b" 500 " in (await (await raw.send(head)).answer())[:15]
    monkeypatch.setattr(Renderer, "page", page)
    assert b" 200 " in (await (await raw.send(head)).answer())[:15]


async def test_a_length_that_is_not_said_is_not_known(http: Http) -> None:
    ada = await http.chirp.register("ada")
    head = (
        f"POST {BASE}/tweet HTTP/1.1\r\nHost: x\r\nX-API-Key: {http.chirp.secrets[ada.user_id]}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    raw = await opened(http)
    body = b'{"tweet_data":"one"}'
    for _ in range(2):
        answer = await (await raw.send(head + b"%d\r\n\r\n" % len(body) + body)).answer()
        assert b" 201 " in answer[:15]
    assert b" 400 " in (await (await raw.send(head + b"\r\n\r\n")).answer())[:15]
