"""Faces and handlers that fail: the pipeline answers in any case, and logs that once."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web

from chirp.config import Server
from chirp.errors import NotFound
from chirp.http.calls import Call
from chirp.http.errors import Told, refuse_status
from chirp.http.faces import JsonFace
from chirp.http.gate import Gate
from chirp.http.pipeline import Handler, Route
from tests.http.test_connections import served


class Failing(JsonFace):
    """A face whose method of that name raises an error of no known kind."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _fail(self, name: str) -> None:
        if name == self._name:
            raise UnicodeError(f"a secret of {name}")

    def key_of(self, request: web.Request) -> str | None:
        self._fail("key_of")
        return super().key_of(request)

    async def let_in(self, gate: Gate, request: web.Request, call: Call, key: str) -> None:
        self._fail("let_in")
        await super().let_in(gate, request, call, key)

    async def recall(self, _request: web.Request) -> None:
        self._fail("recall")

    def refused(self, request: web.Request, call: Call, told: Told) -> web.StreamResponse:
        self._fail("refused")
        return super().refused(request, call, told)


async def gone(_request: web.Request) -> web.Response:
    raise NotFound("no such thing")


async def broken(_request: web.Request) -> web.Response:
    raise RuntimeError("a secret of the handler")


@pytest.mark.parametrize("handler", [gone, broken])
@pytest.mark.parametrize("name", ["key_of", "let_in", "recall", "refused"])
async def test_a_face_that_fails_is_answered_for_and_logged_once(
    name: str,
    handler: Handler,
    caplog: pytest.LogCaptureFixture,
    same_switch_interval: None,
) -> None:
    route = Route("GET", "/x", handler, face=Failing(name))
    async with served(Server(), route) as http:
        caplog.set_level(logging.WARNING)
        answer = await http.get("//x", "a-key" if name == "let_in" else None)
        body = answer.refused(500)
        assert http.chirp.server.metrics.requests["test", 500] == 1
        assert http.chirp.server.metrics.in_flight == 0
    (record,) = caplog.records
    assert body["request_id"] in record.getMessage()
    assert f"a secret of {name}" in caplog.text
    assert b"secret" not in answer.raw
    if handler is broken and name in {"recall", "refused"}:
        assert "a secret of the handler" in caplog.text, "the first error is told with it"


async def test_a_face_that_fails_is_answered_for_when_its_request_comes_again(
    caplog: pytest.LogCaptureFixture, same_switch_interval: None
) -> None:
    asked = 0

    async def fails(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=b"ok") if asked == 1 else await gone(_request)

    route = Route("GET", "/x", fails, face=Failing("refused"), repeatable=True)
    async with served(Server(), route) as http:
        ada = await http.chirp.register("ada")
        statuses = [(await http.get("//x", ada)).status for _ in range(2)]
        assert statuses == [200, 500]
        assert http.chirp.server.fronts.heads.stats()["hits"] == 1
    assert len(caplog.records) == 1


def test_what_escapes_is_named_as_what_it_is() -> None:
    response = refuse_status(500, "id-1")
    assert isinstance(response.body, bytes)
    assert b'"error":"internal"' in response.body
