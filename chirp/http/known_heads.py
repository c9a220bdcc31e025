"""Requests that came before, byte for byte: what was parsed of them is used again.

Programs ask the same thing again and again: a phone its home timeline, a script its list. Parsing,
routing, a task and the writer of aiohttp take two thirds of a short answer's time, and would find
out what they found out before. So a head is remembered with the request that was made of it, and
when it comes again the same handler is run at once, as far as it gets without waiting. What it is
run for is looked at anew each time: the key, the limits, and everything that is read.

Invariants:
- Known is only what a handler answered with 200 to a key, over HTTP/1.1, on a connection that
  stayed, without a body and without a proxy in between: nothing about it depends on who carries it.
- A remembered request is used by one run at a time: when a run has to wait, its head is forgotten.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Generator, Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from aiohttp import EMPTY_PAYLOAD, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11

from chirp.cache.lru import LruMap
from chirp.http.calls import Call
from chirp.http.plain import Joined, Plain

MOST_HEAD_BYTES = 2048
_REQUEST_BYTES = 4096
"""A parsed request with its headers, beside the bytes that it was made of. Measured: 3.6 KiB."""
_END = b"\r\n\r\n"
_BREAK = re.compile("[\r\n]")
_NOWHERE = cast(
    "web.RequestHandler", SimpleNamespace(ssl_context=None, peername=None, sockname=None)
)
_SERVER = f"Server: {SERVER_SOFTWARE}\r\n\r\n"


class Begun:
    """A handler that has to wait: awaited by the task that takes it over, it goes on."""

    def __init__(
        self,
        call: Call,
        started_s: float,
        rest: Coroutine[Any, Any, web.StreamResponse | Plain] | None,
        waits_for: asyncio.Future[Any] | None,
        response: web.StreamResponse | Plain | None = None,
    ) -> None:
        self.call = call
        self.started_s = started_s
        self._rest = rest
        self._waits_for = waits_for
        self._response = response

    def __await__(self) -> Generator[Any, None, web.StreamResponse | Plain]:
        if self._response is not None:
            return self._response
        assert self._rest is not None
        try:
            yield self._waits_for
        except BaseException:
            self._rest.close()
            raise
        return (yield from self._rest.__await__())

    def abandon(self) -> None:
        """End what nobody will take over."""
        if self._rest is not None:
            self._rest.close()


class Kept(NamedTuple):
    """An answer that is sent again while `stands` says so: status and headers, and the body."""

    status: int
    lines: str
    body: bytes | Joined
    stands: Callable[[], bool]


class Known:
    """A head that came before: the request that was made of it, who answers, and the answer.

    `digest` is that of the key in it: the same bytes hold the same key.
    """

    __slots__ = ("_again", "digest", "kept", "request")

    def __init__(self, request: web.Request, digest: bytes, again: Again) -> None:
        self.request = request
        self.digest = digest
        self.kept: Kept | None = None
        self._again = again

    def answer(self) -> bytes | Begun | None:
        """Return the whole answer; or what has to wait; or None."""
        return self._again(self)


Again = Callable[[Known], "bytes | Begun | None"]
"""Runs a handler for a request that came before. None: it has to be asked the long way."""


class KnownHeads:
    """Heads of requests under a byte budget; those unused longest are forgotten."""

    def __init__(self, budget_bytes: int) -> None:
        self._heads: LruMap[bytes, Known] = LruMap(budget_bytes)
        self.find = self._heads.get

    def learn(self, head: bytes, request: web.Request, digest: bytes, again: Again) -> None:
        """Remember what was made of a head with that key, unless something in it is unusual."""
        if (
            len(head) <= MOST_HEAD_BYTES
            and head.find(_END) == len(head) - len(_END)
            and head.count(b"\n") == head.count(b"\r\n")
            and request.version == HttpVersion11
            and request.keep_alive
            and not request.can_read_body
        ):
            known = Known(_detached(request), digest, again)
            self._heads.put(head, known, _REQUEST_BYTES + len(head))

    def forget(self, head: bytes) -> None:
        """Forget what was made of a head: it is in use."""
        self._heads.delete(head)

    def stats(self) -> dict[str, int]:
        """Return sizes and counts."""
        return self._heads.stats()


def _detached(request: web.Request) -> web.Request:
    """Return a request of the same message that belongs to no connection."""
    made = web.Request(
        request._message,  # noqa: SLF001  (aiohttp has no way to ask for it)
        EMPTY_PAYLOAD,
        _NOWHERE,
        cast("Any", None),
        cast("Any", None),
        request._loop,  # noqa: SLF001
    )
    made._match_info = request.match_info  # noqa: SLF001
    return made


def is_plain(response: web.StreamResponse | Plain) -> bool:
    """Say whether a response is no more than a head and bytes, with no line break in a value."""
    if isinstance(response, Plain):
        return not _BREAK.search(response.link)
    return (
        type(response) is web.Response
        and type(response.body) is bytes
        and not response._cookies  # noqa: SLF001  (`cookies` would make some)
        and not response.compression
        and not _BREAK.search("".join(response.headers.values()))
    )


def kept_of(response: web.StreamResponse | Plain, stands: Callable[[], bool]) -> Kept:
    """Return what of a plain response, not signed yet, can be sent again."""
    if isinstance(response, Plain):
        return Kept(response.status, response.lines(), response.body, stands)
    assert isinstance(response, web.Response)
    first = f"HTTP/1.1 {response.status} {response.reason}\r\n"
    return Kept(
        response.status,
        first + _lines([one for one in response.headers.items() if one[0] != "X-Request-Id"]),
        cast("bytes", response.body),
        stands,
    )


def packed(kept: Kept, signature: str) -> bytes:
    """Return an answer, with the lines that tell of its request, as aiohttp would send it."""
    body = kept.body
    size = body.size if isinstance(body, Joined) else len(body)
    head = (
        f"{kept.lines}{signature}Content-Length: {size}\r\n"
        f"Date: {rfc822_formatted_time()}\r\n{_SERVER}"
    ).encode()
    return body.after(head) if isinstance(body, Joined) else head + body


def _lines(headers: Iterable[tuple[str, str]]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def never() -> bool:
    """Say of an answer that it does not stand."""
    return False
