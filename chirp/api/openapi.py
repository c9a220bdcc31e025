"""The OpenAPI 3.1 document, written from the route table and what `chirp.api.contract` says of it.

Besides its own answers an operation may refuse in these ways: 400, 429, 500 and 503 always below
the base; 401 and 403 where a key is needed or taken; 404 under a path that names something; 409
under an Idempotency-Key; 413 where there may be a body; and what its line adds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from chirp import __version__
from chirp.api.bodies import UploadBody
from chirp.api.contract import ABOUT, KEPT_ANSWERS, OUTSIDE, About
from chirp.api.routes import BASE
from chirp.api.schemas import Schema, Schemas
from chirp.client.shapes import Failure, Hidden
from chirp.http.body import Body
from chirp.http.pipeline import Route

JSON = "application/json"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
SECTIONS = {
    "users": "People",
    "sessions": "Accounts and keys",
    "keys": "Accounts and keys",
    "tweet": "Tweets",
    "tweets": "Tweets",
    "timeline": "Timelines",
    "bookmarks": "Timelines",
    "stream": "Timelines",
    "admin": "Moderators and admins",
    "": "The server",
}
"""Headings, by the first word of a path; a word that is not here is its own heading."""
_ACCOUNT = ("POST /users", "GET /users/me", "PATCH /users/me", "DELETE /users/me")

REFUSALS = {
    400: ("invalid_request", "Malformed, wrong type, missing, too long, or an unknown id"),
    401: ("unauthorized", "No key where one is needed; a wrong or a revoked one"),
    403: ("forbidden", "Not yours, blocked, suspended; a wrong `password` of one's own account"),
    404: ("not_found", "No such thing, or one that this viewer may not know of"),
    405: ("method_not_allowed", "The address takes other methods"),
    409: ("conflict", "Taken; or the same Idempotency-Key with another body"),
    413: ("too_large", "A body over 1 MiB, or a file over its limit"),
    415: ("unsupported_media", "A file of a kind that is not taken"),
    422: ("unprocessable", "A file that cannot be used"),
    429: ("rate_limited", "Over the limit of the key, the user or the address"),
    500: ("internal", "A bug; the log has it under `request_id`"),
    503: ("unavailable", "Writes are refused, shutting down, or overloaded"),
}
_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HEADERS: dict[str, tuple[str, str]] = {
    "X-RateLimit-Limit": ("integer", "How many requests a window of this limit has."),
    "X-RateLimit-Remaining": ("integer", "How many of them are left."),
    "X-RateLimit-Reset": ("integer", "When all are back, in Unix seconds."),
    "Retry-After": ("integer", "Seconds after which to ask again."),
    "X-Request-Id": ("string", "The `request_id` of the body, as in the log."),
    "WWW-Authenticate": ("string", "How to send a key."),
    "Allow": ("string", "The methods that this address takes."),
    "Link": ("string", 'Whole addresses of the neighbouring pages, rel="next" and rel="prev".'),
}
_OF_REFUSAL = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After", *_LIMITS),
               503: ("Retry-After",)}  # fmt: skip
_IN_PATH = {
    "id": ("An id; where nothing else is said, of a tweet.", "117503961088000001"),
    "username": ("A name of an account; compares without case.", "ada"),
    "key_id": ("The id of a key.", "117503961088000002"),
    "file": ("A file's name.", "docs.css"),
}
_KEYS: list[dict[str, list[str]]] = [{"key": []}, {"bearer": []}]
_DESCRIPTION = """JSON or forms in, JSON out, in UTF-8. Ids are strings out, strings or numbers \
in. Times are RFC 3339 in UTC with milliseconds. New fields may be added; none goes.

A key comes as `X-API-Key`, as `Authorization: Bearer`, or as `api_dev_key` in a body of up to \
64 KiB; two different ones are refused, and so is a wrong one where none is needed."""


class Operation(NamedTuple):
    """A route below the base or outside of it, with what is said of it."""

    route: Route
    about: About
    inside: bool
    """Whether it stands below the base."""

    @property
    def name(self) -> str:
        """Return method and path below the base."""
        return f"{self.route.method} {self.route.path.removeprefix(BASE)}"

    @property
    def takes_key(self) -> bool:
        """Return whether a key changes the answer."""
        return self.inside and (self.route.needs_key or self.route.method == "GET")

    @property
    def section(self) -> str:
        """Return the heading under which it stands."""
        if not self.inside:
            return SECTIONS[""]
        word = self.name.split("/")[1]
        word = "sessions" if self.name in _ACCOUNT else word
        return SECTIONS.get(word, word.capitalize())


def operations(routes: Iterable[Route]) -> list[Operation]:
    """Return what is said of each route, in the order of the contract. Raises: KeyError."""
    told = {f"{route.method} {route.path}": route for route in routes}
    found = []
    for table, base in ((ABOUT, BASE), (OUTSIDE, "")):
        for name, about in table.items():
            method, _, path = name.partition(" ")
            route = told.pop(f"{method} {base}{path}")
            found.append(Operation(route, about, inside=bool(base)))
    if told:
        raise KeyError(f"chirp.api.contract does not describe {sorted(told)}")
    return found


def document(routes: Iterable[Route], public_url: str) -> dict[str, Any]:
    """Return the whole document for a table of routes."""
    found = operations(routes)
    schemas = Schemas(_types(found))
    paths: dict[str, dict[str, Any]] = {}
    for operation in found:
        described = _describe(operation, schemas)
        paths.setdefault(operation.route.path, {})[operation.route.method.lower()] = described
    for operation in found:
        if operation.about.query is not None:
            schemas.drop(operation.about.query)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chirp", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": public_url}],
        "tags": [{"name": name} for name in dict.fromkeys(one.section for one in found)],
        "paths": paths,
        "components": _components(schemas),
    }


def _types(found: Iterable[Operation]) -> Iterator[object]:
    yield from (Failure, Hidden, Body)
    for _, about, _ in found:
        kinds = (about.body, about.query, about.answer, *about.others.values())
        yield from (kind for kind in kinds if kind is not None and not isinstance(kind, str))


def _describe(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    route, about, inside = operation
    described: dict[str, Any] = {
        "operationId": _id(operation),
        "summary": about.summary,
        "tags": [operation.section],
    }
    parameters = list(_parameters(operation, schemas))
    if parameters:
        described["parameters"] = parameters
    if inside and (route.method in {"POST", "PATCH"} or about.body is not None):
        described["requestBody"] = _request_body(about, schemas)
    if operation.takes_key:
        described["security"] = _KEYS if route.needs_key else [{}, *_KEYS]
    else:
        described["security"] = []
    described["responses"] = _responses(operation, schemas)
    return described


def _id(operation: Operation) -> str:
    return "_".join(re.findall(r"\w+", operation.name.lower())) or "get"


def _parameters(operation: Operation, schemas: Schemas) -> Iterator[Schema]:
    for name in re.findall(r"\{(\w+)\}", operation.route.path):
        description, example = _IN_PATH[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": {"type": "string", "examples": [example]},
        }
    if operation.about.query is not None:
        yield from schemas.parameters(operation.about.query)
    if operation.name in KEPT_ANSWERS:
        yield {"$ref": "#/components/parameters/Idempotency-Key"}


def _request_body(about: About, schemas: Schemas) -> Schema:
    """Return what may be sent; forms are taken wherever JSON is."""
    schema = schemas.of(about.body or Body)
    example = about.example
    if example is None:
        example = {} if about.body is None else schemas.example_of_body(about.body.__name__)
    kinds = FORMS[-1:] if about.body is UploadBody else (JSON, *FORMS)
    return {
        "required": about.body is not None,
        "content": {kind: {"schema": schema, "example": example} for kind in kinds},
    }


def _responses(operation: Operation, schemas: Schemas) -> dict[str, Schema]:
    about, inside = operation.about, operation.inside
    limits = _LIMITS if inside else ()
    found = {about.status: _answer(about.answer, about.query, schemas, limits)}
    for status, kind in about.others.items():
        found[status] = _answer(kind, None, schemas, limits)
    for status in _refusals(operation):
        found.setdefault(status, {"$ref": f"#/components/responses/{REFUSALS[status][0]}"})
    return {str(status): found[status] for status in sorted(found)}


def _refusals(operation: Operation) -> set[int]:
    route, about, inside = operation
    found = set(about.refusals)
    if not inside:
        return found
    found |= {400, 429, 500, 503}
    if operation.takes_key or route.path.endswith("/sessions"):
        found |= {401, 403}
    if "{" in route.path:
        found.add(404)
    if operation.name in KEPT_ANSWERS:
        found.add(409)
    if route.method != "GET":
        found.add(413)
    return found


def _answer(kind: object, query: object, schemas: Schemas, limits: Iterable[str]) -> Schema:
    if kind is None:
        return {"description": "Done; there is no body.", "headers": _headers(limits)}
    if isinstance(kind, str):
        return {"description": "The page.", "content": {kind: {}}}
    schema = schemas.of(kind)
    pages = () if query is None else ("Link",)
    return {
        "description": schemas.words(schema),
        "headers": _headers([*limits, *pages]),
        "content": {JSON: {"schema": schema, "example": schemas.example(schema)}},
    }


def _headers(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _components(schemas: Schemas) -> dict[str, Any]:
    return {
        "schemas": schemas.components,
        "parameters": {"Idempotency-Key": _IDEMPOTENCY_KEY},
        "headers": {
            name: {"description": words, "schema": {"type": kind}}
            for name, (kind, words) in _HEADERS.items()
        },
        "responses": {
            error: _refusal(status, error, words, schemas)
            for status, (error, words) in REFUSALS.items()
        },
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        },
    }


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Up to 255 characters of one's own choice. A second request with the same one, "
    "within 24 hours, gets the first one's answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def _refusal(status: int, error: str, words: str, schemas: Schemas) -> Schema:
    schema = schemas.of(Failure)
    example = {"status": "error", "error": error, "message": words, "request_id": "aed80a37-2"}
    return {
        "description": f"{words}.",
        "headers": _headers(["X-Request-Id", *_OF_REFUSAL.get(status, ())]),
        "content": {JSON: {"schema": schema, "example": example}},
    }
