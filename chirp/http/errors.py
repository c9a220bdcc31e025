"""Refusals as HTTP answers: one status and one name for each kind of refusal."""

from __future__ import annotations

from typing import NamedTuple

import orjson
from aiohttp import web

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
)

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
    RateLimited: Answer(429, "rate_limited"),
    Unavailable: Answer(503, "unavailable"),
}
_BY_STATUS = {answer.status: answer.error for answer in _ANSWERS.values()} | {
    405: "method_not_allowed",
    415: "unsupported_media",
    422: "unprocessable",
}


def refuse(error: ChirpError, request_id: str) -> web.Response:
    """Return the answer to a refusal or to the store's trouble."""
    if isinstance(error, Refusal):
        answer = _ANSWERS[type(error)]
        response = error_response(*answer, error.message, request_id, field=error.field)
        if isinstance(error, RateLimited | Unavailable):
            response.headers["Retry-After"] = str(error.retry_after_s)
    else:
        response = error_response(503, "unavailable", _words_of(error), request_id)
        response.headers["Retry-After"] = str(RETRY_STORAGE_S)
    if response.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="chirp"'
    return response


def _words_of(error: ChirpError) -> str:
    if isinstance(error, StorageError):
        return "the store cannot do this now; nothing was acknowledged"
    return "the server cannot do this now"


def refuse_http(error: web.HTTPException, request_id: str) -> web.Response:
    """Return our answer in place of one of aiohttp's own: no route, wrong method, too large."""
    response = refuse_status(error.status, request_id)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def refuse_status(status: int, request_id: str) -> web.Response:
    """Return our answer for a status that HTTP itself demands."""
    name = _BY_STATUS.get(status, "invalid_request")
    return error_response(status, name, _HTTP_WORDS.get(status, name), request_id)


_HTTP_WORDS = {
    400: "this is not HTTP/1.1",
    404: "no such page",
    405: "this address does not take that method",
    408: "the request took too long to arrive",
    413: "the body is too large",
    431: "the request line or a header is too long",
    501: "this method is unknown here",
    503: "too many connections",
    505: "only HTTP/1.1 is spoken here",
}
"""What is said of a refusal that HTTP itself demands."""


def error_response(
    status: int, error: str, message: str, request_id: str, *, field: str | None = None
) -> web.Response:
    """Return the body that every refusal has."""
    body: dict[str, str] = {"status": "error", "error": error, "message": message}
    if field is not None:
        body["field"] = field
    body["request_id"] = request_id
    headers = {"Content-Type": JSON_TYPE, "X-Request-Id": request_id}
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)
