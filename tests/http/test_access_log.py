"""The access log: one line a request; and no log that holds a secret."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest

from chirp.config import Server
from tests.support.driver import PASSWORD, Driver, config
from tests.support.raw import Raw
from tests.support.web import Http


@asynccontextmanager
async def logged(style: str) -> AsyncIterator[Http]:
    """Serve with an access log, behind a trusted proxy."""
    server = Server(access_log=style, trusted_proxies="127.0.0.1")
    chirp = await Driver.open(settings=replace(config(), server=server))
    async with Http(chirp) as http:
        yield http
    await chirp.close()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "chirp.access"]


async def test_a_line_for_programs(
    caplog: pytest.LogCaptureFixture, same_switch_interval: None
) -> None:
    caplog.set_level(logging.INFO)
    async with logged("json") as http:
        ada = await http.chirp.register("ada")
        headers = {"X-Forwarded-For": "192.0.2.1", "X-Request-Id": "from-caddy"}
        answer = await http.get("/users/ada?token=hidden", ada, headers=headers)
    (line,) = lines(caplog)
    fields = orjson.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields.pop("time"))
    assert fields.pop("ms") >= 0
    assert fields == {
        "address": "192.0.2.1",
        "method": "GET",
        "path": "/api/v1/users/ada",
        "status": 200,
        "bytes": len(answer.raw),
        "request_id": "from-caddy",
        "user_id": str(ada.user_id),
    }
    assert answer.headers["X-Request-Id"] == "from-caddy"


async def test_a_line_for_people(
    caplog: pytest.LogCaptureFixture, same_switch_interval: None
) -> None:
    caplog.set_level(logging.INFO)
    async with logged("text") as http:
        answer = await http.get("/nothing%0Aforged%20line")
    (line,) = lines(caplog)
    request_id = answer.headers["X-Request-Id"]
    wanted = rf"\S+Z 127\.0\.0\.1 GET /api/v1/nothing%0Aforged%20line 404 \d+ \S+ {request_id} -"
    assert re.fullmatch(wanted, line)


async def test_without_the_setting_there_is_no_line(
    http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await http.get("/users/ada")
    assert lines(caplog) == []


@pytest.mark.parametrize("given", ["two words", "a" * 65, "new\tline", "", "<script>"])
async def test_odd_request_ids_are_not_taken_over(given: str, same_switch_interval: None) -> None:
    async with logged("off") as http:
        answer = await http.get("/users/x", headers={"X-Request-Id": given})
        assert answer.headers["X-Request-Id"] not in {given, ""}


async def test_strangers_do_not_name_requests(http: Http) -> None:
    answer = await http.get("/users/x", headers={"X-Request-Id": "mine"})
    assert answer.headers["X-Request-Id"] == answer.json["request_id"] != "mine"


async def test_every_answer_has_an_id_of_its_own(http: Http) -> None:
    ada = await http.chirp.register("ada")
    paths = ("/users/me", "/timeline/home", "//healthz", "//status", "//metrics", "/nothing")
    found = [(await http.get(path, ada)).headers["X-Request-Id"] for path in paths]
    assert len(set(found)) == len(paths)


@pytest.mark.parametrize("style", ["text", "json"])
async def test_no_log_holds_a_secret(
    style: str, caplog: pytest.LogCaptureFixture, same_switch_interval: None
) -> None:
    """Every route, with keys in every place where somebody may put one, at the debug level."""
    caplog.set_level(logging.DEBUG)
    async with logged(style) as http:
        key = (await http.register("ada"))["api_dev_key"]
        await http.post("/sessions", {"username": "ada", "password": PASSWORD})
        await everywhere(http, key)
        for junk in (b"\r\n", b" HTTP/9.9\r\n", b"\r\nno colon\r\n", b" HTTP/1.1\r\nX: \0\r\n"):
            raw = await Raw.open(http)
            await raw.send(b"GET /" + key.encode() + junk + b"X-API-Key: " + key.encode())
            await raw.send(b"\r\n\r\n")
    assert len(lines(caplog)) > 50
    assert key not in caplog.text
    assert PASSWORD not in caplog.text
    assert "Bearer" not in caplog.text


async def everywhere(http: Http, key: str) -> None:
    """Ask every route that there is, and one that fails inside."""
    routes = {
        (route.method, route.resource.canonical)
        for route in http.chirp.server.app.router.routes()
        if route.resource is not None and route.method != "*"
    }
    http.chirp.server.profiles = None  # type: ignore[assignment]
    for method, path in sorted(routes):
        filled = re.sub(r"\{\w+\}", key, path)
        body = {"api_dev_key": key, "password": PASSWORD, "tweet_data": PASSWORD}
        for headers in ({}, {"Authorization": f"Bearer {key}"}, {"X-API-Key": key[:-1]}):
            if "current" not in path:
                sent = None if method in {"GET", "HEAD"} else body
                await http.ask(
                    method, f"/{filled}?api_dev_key={key}", None, json=sent, headers=headers
                )
