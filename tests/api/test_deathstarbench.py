"""What DeathStarBench's wrk2 scripts send, as they form it, and what they must get."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from chirp.config import Server
from chirp.config_sources import load
from chirp.errors import ChirpError
from tests.support.driver import Driver, config
from tests.support.raw import Raw
from tests.support.web import Answer, Http

BASE = "//wrk2-api"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
URL = "http://" + "a1" * 32


@pytest.fixture
async def http(same_switch_interval: None) -> AsyncIterator[Http]:
    settings = replace(config(), server=Server(deathstarbench=True))
    chirp = await Driver.open(settings=settings)
    async with Http(chirp) as http:
        for number in range(3):
            assert (await register(http, number)).status == 200
        yield http
        await chirp.check()
    await chirp.close()


async def send(http: Http, path: str, body: str) -> Answer:
    return await http.ask("POST", BASE + path, data=body.encode(), headers=FORM)


async def register(http: Http, number: int) -> Answer:
    body = (
        f"first_name=first_name_{number}&last_name=last_name_{number}&username=username_{number}"
        f"&password=password_{number}&user_id={number}"
    )
    return await send(http, "/user/register", body)


async def follow(http: Http, who: int, whom: int) -> Answer:
    body = f"user_name=username_{who}&followee_name=username_{whom}"
    return await send(http, "/user/follow", body)


async def compose(http: Http, who: int, text: str) -> Answer:
    """As compose-post.lua does: nothing in the body is percent-encoded."""
    media = '&media_ids=["123456789012345678"]&media_types=["png"]&post_type=0'
    body = f"username=username_{who}&user_id={who}&text={text}{media}"
    return await send(http, "/post/compose", body)


async def read(http: Http, kind: str, who: int, start: int, stop: int) -> list[dict[str, Any]]:
    query = f"?user_id={who}&start={start}&stop={stop}"
    answer = await http.get(f"{BASE}/{kind}-timeline/read{query}")
    assert answer.status == 200, answer.raw
    found: list[dict[str, Any]] = answer.json
    return found


async def test_its_whole_workload(http: Http) -> None:
    assert (await follow(http, 1, 0)).raw == b"Success!"
    text = "x" * 256 + " @username_1 @username_2" + f" {URL}" * 6
    assert (await compose(http, 0, text)).raw == b"Successfully upload post"
    (post,) = await read(http, "home", 1, 0, 10)
    assert post["text"] == text
    assert post["creator"] == {"user_id": "0", "username": "username_0"}
    assert [one["user_id"] for one in post["user_mentions"]] == ["1", "2"]
    assert [one["username"] for one in post["user_mentions"]] == ["username_1", "username_2"]
    assert int(post["timestamp"]) > 0
    assert await read(http, "user", 0, 0, 10) == [post]
    assert await read(http, "home", 2, 0, 10) == []


async def test_follows_by_number(http: Http) -> None:
    assert (await send(http, "/user/follow", "user_id=2&followee_id=0")).status == 200
    await compose(http, 0, "hello")
    assert len(await read(http, "home", 2, 0, 10)) == 1


async def test_windows_of_a_long_timeline(http: Http) -> None:
    await follow(http, 1, 0)
    for number in range(120):
        await compose(http, 0, f"number {number}")
    for start, stop in (
        (0, 10),
        (95, 105),
        (100, 110),
        (115, 125),
        (119, 9999),
        (120, 130),
        (5, 5),
    ):
        for kind, who in (("home", 1), ("user", 0)):
            found = await read(http, kind, who, start, stop)
            wanted = [f"number {119 - place}" for place in range(start, min(stop, 120))]
            assert [post["text"] for post in found] == wanted


async def test_wrk_asks_with_a_whole_address(http: Http) -> None:
    await compose(http, 0, "hello")
    path = "http://localhost:8080/wrk2-api/user-timeline/read?user_id=0&start=0&stop=10"
    raw = await Raw.open(http)
    await raw.send(f"GET {path} HTTP/1.1\r\nHost: localhost:8080\r\n\r\n".encode())
    head, _, body = (await raw.answer()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert orjson.loads(body)[0]["text"] == "hello"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/user/register", "first_name=a&username=username_9", 400),
        ("/user/register", ("first_name=a&last_name=b&username=username_0&password=password_0"
                           "&user_id=0"), 500),
        ("/user/follow", "user_name=username_0", 400),
        ("/user/follow", "user_name=username_0&followee_name=username_9", 404),
        ("/user/follow", "user_id=x&followee_id=1", 400),
        ("/post/compose", "username=username_0&user_id=0", 400),
        ("/post/compose", "username=nobody&user_id=0&text=hi&post_type=0", 404),
        ("/post/compose", "username=username_0&user_id=0&post_type=0&text=" + "x" * 5000, 400),
    ],
)  # fmt: skip
async def test_what_cannot_be_done(http: Http, path: str, body: str, status: int) -> None:
    answer = await send(http, path, body)
    assert answer.status == status
    assert b"Traceback" not in answer.raw


@pytest.mark.parametrize("query", ["", "?user_id=0", "?user_id=0&start=-1&stop=5", "?user_id=a"])
async def test_reads_that_are_not_whole(http: Http, query: str) -> None:
    for kind in ("home", "user"):
        answer = await http.get(f"{BASE}/{kind}-timeline/read{query}")
        assert answer.status == 400
        assert "Incomplete arguments" in answer.raw.decode()


async def test_without_the_setting_there_is_nothing(same_switch_interval: None) -> None:
    chirp = await Driver.open()
    async with Http(chirp) as http:
        assert (await http.get(f"{BASE}/home-timeline/read?user_id=0&start=0&stop=1")).status == 404
        assert b"wrk2" not in (await http.get("//openapi.json")).raw
    await chirp.close()


def test_only_a_loopback_address_may_have_it() -> None:
    assert load(None, {"CHIRP_DEATHSTARBENCH": "1"}, {}).server.deathstarbench
    with pytest.raises(ChirpError, match="loopback"):
        load(None, {"CHIRP_DEATHSTARBENCH": "1", "CHIRP_HOST": "0.0.0.0"}, {})
