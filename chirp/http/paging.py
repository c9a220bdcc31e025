"""Paging: bounds and limits out of a query, signed cursor tokens, and the Link header.

A cursor names a direction, a position and a keyed 64-bit xxh3 of both, in hexadecimal. It is
opaque and short, and a foreign or mistyped one is refused. The hash is fast, not cryptographic
(0.2 µs against 2 µs twice a page): a position is no secret and grants nothing; who forged one
would read what `max_id` shows anyway.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from aiohttp import web
from xxhash import xxh3_64_intdigest
from yarl import URL

from chirp.errors import Invalid
from chirp.model import MAX_ID
from chirp.pages import DEFAULT_PAGE, NEWEST, ReadActions, ReadTweets
from chirp.views import Page, Position

_OLDER, _NEWER = "o", "n"
_TOKEN = re.compile(r"([on])([0-9a-f]{1,16})-([0-9a-f]{1,16})-([0-9a-f]{1,16})")
_ID = re.compile(r"[0-9]{1,19}")


class Direction(NamedTuple):
    """Where a cursor leads: below (older) or above (newer) a position."""

    newer: bool
    position: Position


class Cursors:
    """Makes and reads cursor tokens with a store's secret."""

    def __init__(self, secret: bytes) -> None:
        self._seed = int.from_bytes(secret[:8], "big")

    def token(self, position: Position, *, newer: bool) -> str:
        """Return the token that leads below, or above, a position."""
        place = f"{_NEWER if newer else _OLDER}{position.at:x}-{position.other:x}"
        return f"{place}-{xxh3_64_intdigest(place.encode(), self._seed):x}"

    def read(self, token: str) -> Direction:
        """Return where a token leads. Raises: Invalid: it is not one of ours."""
        match = _TOKEN.fullmatch(token)
        if match is not None:
            position = Position(int(match[3], 16), int(match[2], 16))
            newer = match[1] == _NEWER
            if self.token(position, newer=newer) == token:
                return Direction(newer, position)
        raise Invalid("cursor is not one that this server gave", field="cursor")


def parse_id(text: str, field: str) -> int:
    """Return an id of a query or body. Raises: Invalid: not 1 to 19 digits, or not above 0.

    >>> parse_id("12", "max_id")
    12
    """
    if not _ID.fullmatch(text) or not 0 < int(text) <= MAX_ID:
        raise Invalid(f"{field} must be an id of 1 to 19 digits", field=field)
    return int(text)


def parse_limit(query: web.Request) -> int:
    """Return how many items a query asks for. Raises: Invalid: not a number."""
    text = query.query.get("maximum_results_to_return", query.query.get("limit"))
    if text is None:
        return DEFAULT_PAGE
    if not re.fullmatch(r"-?[0-9]{1,6}", text):
        raise Invalid("maximum_results_to_return must be 1 to 100", field=_LIMIT_FIELD)
    return int(text)


_LIMIT_FIELD = "maximum_results_to_return"


def parse_tweets_query(request: web.Request, cursors: Cursors) -> ReadTweets:
    """Return which page of tweets a request asks for. Raises: Invalid.

    It stays with the request: one whose head comes again is not parsed again.
    """
    if not request.query_string:
        return NEWEST
    if _ASKED not in request:
        request[_ASKED] = _tweets_query(request, cursors)
    return request[_ASKED]


_ASKED = web.RequestKey("asked", ReadTweets)


def _tweets_query(request: web.Request, cursors: Cursors) -> ReadTweets:
    query = request.query
    bounds = {
        name: parse_id(query[name], name)
        for name in ("max_id", "since_id", "min_id")
        if name in query
    }
    if "cursor" in query:
        direction = cursors.read(query["cursor"])
        bounds["min_id" if direction.newer else "max_id"] = direction.position.other
    exclude_replies, only_media = (parse_flag(request, name) for name in _FILTERS)
    return ReadTweets(
        parse_limit(request), **bounds, exclude_replies=exclude_replies, only_media=only_media
    )


def parse_flag(request: web.Request, name: str) -> bool:
    """Return a true or false of a query; false when it is not there. Raises: Invalid."""
    text = request.query.get(name, "false").lower()
    if text not in {"true", "1", "false", "0"}:
        raise Invalid(f"{name} must be true or false", field=name)
    return text in {"true", "1"}


def parse_actions_query(request: web.Request, cursors: Cursors) -> ReadActions:
    """Return which page of a list by action a request asks for. Raises: Invalid."""
    limit = parse_limit(request)
    token = request.query.get("cursor")
    if token is None:
        return ReadActions(limit)
    direction = cursors.read(token)
    if direction.newer:
        return ReadActions(limit, above=direction.position)
    return ReadActions(limit, below=direction.position)


class Links(NamedTuple):
    """Cursor tokens of a page's neighbours, and the Link header that names them."""

    next: str | None
    prev: str | None
    header: str


def links(request: web.Request, page: Page[object], cursors: Cursors, public_url: str) -> Links:
    """Return what leads to the page's neighbours; the other query parameters are kept."""
    older = newer = None
    kept = _kept_query(request) if request.query_string else ""
    address, header = f"{public_url}{request.path}?{kept}cursor=", ""
    if page.next is not None:
        older = cursors.token(page.next, newer=False)
        header = f'<{address}{older}>; rel="next"'
    if page.prev is not None:
        newer = cursors.token(page.prev, newer=True)
        link = f'<{address}{newer}>; rel="prev"'
        header = f"{header}, {link}" if header else link
    return Links(older, newer, header)


_FILTERS = ("exclude_replies", "only_media")
_BOUNDS = {"cursor", "max_id", "min_id"}


def _kept_query(request: web.Request) -> str:
    raw = request.rel_url.raw_query_string
    return (_kept_of if len(raw) <= _SHORT else _kept_of.__wrapped__)(raw)


_SHORT = 200
"""Longer queries are not remembered."""


@lru_cache(1024)
def _kept_of(raw: str) -> str:
    # Not out of request.url: that is built of the Host header, which may be anything.
    url = URL(f"?{raw}", encoded=True)
    kept = [(name, value) for name, value in url.query.items() if name not in _BOUNDS]
    query = url.with_query(kept).raw_query_string
    return query + "&" if query else ""
