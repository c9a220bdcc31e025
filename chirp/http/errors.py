"""Refusals as HTTP answers: one status and one name for each kind of refusal."""

from __future__ import annotations

import re
from typing import NamedTuple

import orjson
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, BadStatusLine, LineTooLong

from chirp.errors import (
    ChirpError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Refusal,
    StorageError,
    Taken,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unprocessable,
    UnsupportedMedia,
)

_METHOD = re.compile(r"b'[A-Z]{1,32} \S+ HTTP/1\.[01]'")
"""How aiohttp quotes a request line in what it says of it."""

JSON_TYPE = "application/json; charset=utf-8"
RETRY_STORAGE_S = 10


class Answer(NamedTuple):
    """How a refusal is told."""

    status: int
    error: str


_ANSWERS: dict[type[ChirpError], Answer] = {
    Invalid: Answer(400, "invalid_request"),
    Unauthorized: Answer(401, "unauthorized"),
    Forbidden: Answer(403, "forbidden"),
    NotFound: Answer(404, "not_found"),
    Taken: Answer(409, "conflict"),
    TooLarge: Answer(413, "too_large"),
    UnsupportedMedia: Answer(415, "unsupported_media"),
    Unprocessable: Answer(422, "unprocessable"),
    RateLimited: Answer(429, "rate_limited"),
    Unavailable: Answer(503, "unavailable"),
}
_BY_STATUS = {answer.status: answer.error for answer in _ANSWERS.values()} | {
    405: "method_not_allowed",
    500: "internal",
}


class Told(NamedTuple):
    """A refusal as any front end tells it; `allow`: the methods that an address does take."""

    status: int
    error: str
    message: str
    field: str | None = None
    retry_after_s: int | None = None
    allow: str | None = None


FAILED = Told(500, "internal", "the server made a mistake; it is logged")


def told_of(error: ChirpError) -> Told:
    """Return what is told of a refusal or of the store's trouble."""
    if not isinstance(error, Refusal):
        return Told(503, "unavailable", _words_of(error), retry_after_s=RETRY_STORAGE_S)
    answer = _ANSWERS[type(error)]
    later = error.retry_after_s if isinstance(error, RateLimited | Unavailable) else None
    return Told(*answer, error.message, error.field, later)


def _words_of(error: ChirpError) -> str:
    if isinstance(error, StorageError):
        return "the store cannot do this now; nothing was acknowledged"
    return "the server cannot do this now"


def told_of_http(error: web.HTTPException) -> Told:
    """Return what is told in place of one of aiohttp's own: no route, wrong method, too large."""
    return _told_of_status(error.status)._replace(allow=error.headers.get("Allow"))


def _told_of_status(status: int) -> Told:
    name = _BY_STATUS.get(status, "invalid_request")
    return Told(status, name, _HTTP_WORDS.get(status, name))


def tell_json(told: Told, request_id: str) -> web.Response:
    """Answer with the body that every refusal of the API has."""
    body: dict[str, str] = {"status": "error", "error": told.error, "message": told.message}
    if told.field is not None:
        body["field"] = told.field
    body["request_id"] = request_id
    headers = {"Content-Type": JSON_TYPE, **refusal_headers(told, request_id)}
    return web.Response(status=told.status, body=orjson.dumps(body), headers=headers)


def refusal_headers(told: Told, request_id: str) -> dict[str, str]:
    """Return the headers that HTTP wants beside a refusal, in whatever words it is told."""
    headers = {"X-Request-Id": request_id}
    if told.retry_after_s is not None:
        headers["Retry-After"] = str(told.retry_after_s)
    if told.allow is not None:
        headers["Allow"] = told.allow
    if told.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="chirp"'
    return headers


def refuse_status(status: int, request_id: str) -> web.Response:
    """Return our answer for a status that HTTP itself demands."""
    return tell_json(_told_of_status(status), request_id)


_HTTP_WORDS = {
    400: "this is not HTTP/1.1",
    404: "no such page",
    405: "this address does not take that method",
    408: "the request took too long to arrive",
    413: "the body is too large",
    431: "the request line or a header is too long",
    500: "the server made a mistake",
    501: "this method is unknown here",
    503: "too many connections",
    505: "only HTTP/1.1 is spoken here",
}
"""What is said of a refusal that HTTP itself demands."""


def status_of_unparsed(error: BaseException | None) -> int | None:
    """Return what aiohttp's parser complains of, where that is not simply 400."""
    if isinstance(error, LineTooLong):
        return 431
    if isinstance(error, BadHttpMethod) and _METHOD.search(str(error)):
        return 501
    if isinstance(error, BadStatusLine) and "HTTP version" in str(error):
        return 505
    return None


def farewell(status: int, request_id: str) -> bytes:
    """Return a whole refusal as bytes, for where there is no request to answer."""
    response = refuse_status(status, request_id)
    body = response.body
    assert isinstance(body, bytes)
    head = [f"HTTP/1.1 {status} {response.reason}", "Connection: close"]
    head += [f"{name}: {value}" for name, value in response.headers.items()]
    if status == 503:
        head.append("Retry-After: 1")
    head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body
