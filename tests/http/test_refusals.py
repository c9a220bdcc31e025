"""Refusals: one body for all, the right status, and nothing of the inside."""

from __future__ import annotations

import logging

import pytest

from chirp.errors import (
    ChirpError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    StorageError,
    Taken,
    TooLarge,
    Unauthorized,
    Unavailable,
    WritesStopped,
)
from chirp.http.errors import tell_json, told_of
from tests.support.web import ERRORS, Http

REFUSALS: list[tuple[ChirpError, int]] = [
    (Invalid("no"), 400), (Unauthorized("no"), 401), (Forbidden("no"), 403), (NotFound("no"), 404),
    (Taken("no"), 409), (TooLarge("no"), 413), (RateLimited("no", retry_after_s=3), 429),
    (Unavailable("no", retry_after_s=3), 503), (StorageError("/secret/path"), 503),
    (Conflict("/secret/path"), 503), (WritesStopped("/secret/path"), 503),
]  # fmt: skip


@pytest.mark.parametrize(("error", "status"), REFUSALS, ids=lambda value: type(value).__name__)
def test_each_refusal_has_its_status_and_name(error: ChirpError, status: int) -> None:
    response = tell_json(told_of(error), "id-1")
    assert response.status == status
    assert isinstance(response.body, bytes)
    assert b'"request_id":"id-1"' in response.body
    assert (ERRORS | {429: "rate_limited"})[status].encode() in response.body
    assert b"secret" not in response.body
    assert ("Retry-After" in response.headers) == (status in {429, 503})
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("PUT", "/tweet", "POST"), ("GET", "/tweet", "POST"), ("POST", "/timeline/home", "GET,HEAD"),
     ("PUT", "/tweets/1", "DELETE,GET,HEAD,PATCH"), ("GET", "/users/ada/follow", "DELETE,POST"),
     ("POST", "//healthz", "GET,HEAD"), ("DELETE", "/users", "POST")],
)  # fmt: skip
async def test_a_wrong_method_is_told_the_right_ones(
    http: Http, method: str, path: str, allow: str
) -> None:
    answer = await http.ask(method, path)
    answer.refused(405)
    assert answer.headers["Allow"].replace(" ", "") == allow


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/", "/users/a/b/c", "/tweets/", "/tweets/1/2", "//api/v2/x",
     "/search", "/timeline/home/"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
async def test_what_is_not_there_is_not_found(http: Http, path: str, method: str) -> None:
    (await http.ask(method, path)).refused(404)


async def test_every_refusal_has_an_id_of_its_own(http: Http) -> None:
    ids = {(await http.get("/nothing")).json["request_id"] for _ in range(5)}
    assert len(ids) == 5


async def test_our_own_mistakes_are_logged_and_not_told(
    http: Http, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await http.chirp.register("ada")
    monkeypatch.setattr(http.chirp.server.timelines, "_homes", None)
    with caplog.at_level(logging.ERROR):
        async with http.client.get(
            "/api/v1/timeline/home", headers={"X-API-Key": http.chirp.secrets[ada.user_id]}
        ) as response:
            body = await response.json()
    assert (response.status, body["error"]) == (500, "internal")
    assert set(body) == {"status", "error", "message", "request_id"}
    assert "NoneType" not in str(body)
    assert body["request_id"] in caplog.text
    assert "NoneType" in caplog.text


async def test_success_is_json_in_utf_8(http: Http) -> None:
    ada = await http.chirp.register("ada")
    for path in ("/users/ada", "/users/me", "/keys", "/timeline/home", "/users/ada/followers"):
        answer = await http.get(path, ada)
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
