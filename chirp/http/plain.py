"""Answers that are no more than bytes under headers that are known beforehand.

Most requests are answered so. aiohttp's response is made of it where aiohttp sends it; where a
known head is answered (known_heads), the lines of its head are there already: making a response
and taking it apart again took as long as finding out who asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

_FIRST = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Headers:
    """Headers that do not change, as aiohttp takes them and as lines."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.fields = dict(headers)
        self.lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])


class Joined:
    """A body in pieces: a beginning, items with commas in between, and an end.

    They are put together once, with the head before them. A page of 16 kB that was copied at each
    step took longer to be answered than to be made: it left nothing of ours in the nearest cache.
    """

    __slots__ = ("_first", "_items", "_last", "size")

    def __init__(self, first: bytes, items: Sequence[bytes], last: bytes) -> None:
        self._first = first
        self._items = items
        self._last = last
        self.size = len(first) + sum(map(len, items)) + max(0, len(items) - 1) + len(last)

    def after(self, head: bytes) -> bytes:
        """Return all of it behind a head."""
        items = self._items
        if len(items) < 2:
            return b"".join((head, self._first, *items, self._last))
        first, last = head + self._first + items[0], items[-1] + self._last
        return b",".join((first, *items[1:-1], last))

    def whole(self) -> bytes:
        """Return all of it."""
        return self.after(b"")


class Plain(NamedTuple):
    """An answer. `link`: what a page's Link header says; empty: there is none."""

    body: bytes | Joined
    headers: Headers
    link: str = ""
    status: int = 200

    def response(self) -> web.Response:
        """Return the same as aiohttp's response."""
        body = self.body.whole() if isinstance(self.body, Joined) else self.body
        response = web.Response(body=body, status=self.status, headers=self.headers.fields)
        if self.link:
            response.headers["Link"] = self.link
        return response

    def lines(self) -> str:
        """Return the status line and the headers of this answer."""
        link = f"Link: {self.link}\r\n" if self.link else ""
        return f"{_FIRST[self.status]}{self.headers.lines}{link}"
