"""Requests that came before, byte for byte: what was parsed of them is used again.

Programs ask the same thing again and again: a phone its home timeline, a script its list, a bot
posts with the same headers. Parsing, routing, a task and the writer of aiohttp take two thirds of
a short answer's time, and would find out what they found out before. So a head is remembered with
the request that was made of it, and when it comes again the same handler is run at once, as far as
it gets without waiting. What it is run for is looked at anew each time: the key, the limits, the
body, and everything that is read.

Invariants:
- Known is only what a handler answered with success to a key in the head, over HTTP/1.1, on a
  connection that stayed, without a proxy in between: nothing about it depends on who carries it.
- Known is a head without a body, or one whose body came with it, as long as the head says; of such
  a head all but that length is the same.
- Known is one whole request and nothing else, received while the parser held nothing (framing).
- A handler that has to wait has a request of its own: another run of that head disturbs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast
from weakref import ref

from aiohttp import EMPTY_PAYLOAD, StreamReader, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11

from chirp.cache.lru import LruMap
from chirp.http.plain import Joined, Plain
from chirp.views import Page

MOST_HEAD_BYTES = 2048
MOST_BODY_BYTES = 64 << 10
"""A longer body comes in several pieces anyway."""

_REQUEST_BYTES = 4096
"""A parsed request with its headers, beside the bytes that it was made of. Measured: 3.6 KiB."""
_KEPT_BYTES = 1_000
"""An answer whose body is the page's, or the tweets'."""
_WITH_BODY = b"+"
"""Before what heads are known under that came with a body: no head begins so."""
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: ?([0-9]{1,6})\r\n", re.IGNORECASE)
_TYPED = ("_content_type", "_content_dict", "_stored_content_type")
_UNUSUAL = ("Expect", "Transfer-Encoding", "Content-Encoding", "Idempotency-Key")
"""Headers that make a request with a body another one each time, or its body no plain bytes."""
_NO_CONTENT = 204
_BREAK = re.compile("[\r\n]")


class _Nowhere:
    """What a request without a connection belongs to."""

    ssl_context = peername = sockname = transport = None

    def pause_reading(self) -> None:
        """Do nothing: there is nobody who sends."""

    def resume_reading(self, *, resume_parser: bool = True) -> None:
        """Do nothing."""


class _Whole:
    """A body that is there, as aiohttp's stream of it: as much of that as bodies are read with."""

    def __init__(self, body: bytes) -> None:
        self.total_bytes = len(body)
        self._rest = body

    def is_eof(self) -> bool:
        """Say that all has arrived."""
        return True

    def at_eof(self) -> bool:
        """Say whether it was read."""
        return not self._rest

    def exception(self) -> None:
        """Return what failed: nothing."""

    def read_nowait(self) -> bytes:
        """Return what was not read yet."""
        rest, self._rest = self._rest, b""
        return rest


_NOWHERE = cast("web.RequestHandler", _Nowhere())
_SERVER = f"Server: {SERVER_SOFTWARE}\r\n\r\n"


class Kept:
    """An answer as it is sent: status and headers as lines, and the body."""

    __slots__ = ("__weakref__", "body", "lines", "stands", "status")

    def __init__(self, status: int, lines: str, body: bytes | Joined) -> None:
        self.status = status
        self.lines = lines
        self.body = body
        self.stands: Callable[[], bool] = _never
        """Says whether the same would be answered now."""


class Known:
    """A head that came before: the request that was made of it, who answers, and the answer.

    `digest` is that of the key in it: the same bytes hold the same key.
    """

    __slots__ = ("_again", "digest", "kept", "request")

    def __init__(self, request: web.Request, digest: bytes, again: Again) -> None:
        self.request = request
        self.digest = digest
        self.kept: Callable[[], Kept | None] = _nothing
        """The last answer, as long as the page lives that it was made of; pages have a budget."""
        self._again = again

    def answer(self, body: bytes = b"") -> bytes | Awaitable[bytes] | None:
        """Return the whole answer; or what will give it; or None: it has to be asked as ever."""
        return self._again(self, body)

    def keep(self, kept: Kept, page: Page[Any]) -> None:
        """Remember an answer with the page that it was made of, if that may be handed out again."""
        if page.keep is not None and page.stands is not None:
            kept.stands = page.stands
            own = len(kept.body) if isinstance(kept.body, bytes) else 0
            page.keep(_KEPT_BYTES + own, kept)
            self.kept = ref(kept)

    def fresh(self, body: bytes = b"") -> web.Request:
        """Return another request of the same head, with its own body."""
        return _detached(self.request, body)


Again = Callable[[Known, bytes], "bytes | Awaitable[bytes] | None"]
"""Runs a handler for a request that came before. None: nothing was done."""


class KnownHeads:
    """Heads of requests under a byte budget; those unused longest are forgotten."""

    def __init__(self, budget_bytes: int) -> None:
        self._heads: LruMap[bytes, Known] = LruMap(budget_bytes)
        self.find = self._heads.get
        """Returns what is known of bytes that are a head and nothing else."""

    def find_with_body(self, data: bytes) -> tuple[Known, bytes] | None:
        """Return what is known of bytes that are a head and its whole body, and the body."""
        parts = _parts(data)
        known = None if parts is None else self._heads.get(parts[0])
        return None if parts is None or known is None else (known, parts[1])

    def answer(self, data: bytes) -> bytes | Awaitable[bytes] | None:
        """Answer a request that came before; None: it did not, or must be looked at anew."""
        known, body = self.find(data), b""
        if known is None:
            found = self.find_with_body(data)
            if found is None:
                return None
            known, body = found
        return known.answer(body)

    def learn(
        self, data: bytes, request: web.Request, key: str, digest: bytes, again: Again
    ) -> None:
        """Remember what was made of a head with that key, unless something in it is unusual.

        `data`: the whole request and nothing else. It is looked whether that can be so.
        """
        head = _head_of(data, request)
        if (
            head is not None
            and len(head) <= MOST_HEAD_BYTES
            and head.removeprefix(_WITH_BODY).startswith(_first_line(request))
            and key.encode() in head
            and head.count(b"\n") == head.count(b"\r\n")
            and request.version == HttpVersion11
            and request.keep_alive
            and not request.can_read_body
        ):
            known = Known(_detached(request, b""), digest, again)
            self._heads.put(head, known, _REQUEST_BYTES + len(head))

    def stats(self) -> dict[str, int]:
        """Return sizes and counts."""
        return self._heads.stats()


def _first_line(request: web.Request) -> bytes:
    return f"{request.method} {request.raw_path} HTTP/1.1\r\n".encode(errors="surrogateescape")


def _head_of(data: bytes, request: web.Request) -> bytes | None:
    """Return under what a head is known; None: it is not to be remembered."""
    if request.method == "GET":
        return data if data.find(_END) == len(data) - len(_END) else None
    parts = _parts(data)
    unusual = any(name in request.headers for name in _UNUSUAL)
    return None if parts is None or unusual else parts[0]


def _parts(data: bytes) -> tuple[bytes, bytes] | None:
    """Return a head without the length in it, and the body; None: they are not both there.

    The first Content-Length is the only one: aiohttp refuses a head that has two.
    """
    end = data.find(_END) + len(_END)
    size = len(data) - end
    if end < len(_END) or not 0 < size <= MOST_BODY_BYTES:
        return None
    found = _LENGTH.search(data, 0, end)
    if found is None or int(found[1]) != size:
        return None
    return _WITH_BODY + data[: found.start(1)] + data[found.end(1) : end], data[end:]


def _detached(request: web.Request, body: bytes) -> web.Request:
    """Return a request of the same message that belongs to no connection."""
    payload = cast("StreamReader", _Whole(body)) if body else EMPTY_PAYLOAD
    message, nobody = request._message, cast("Any", None)  # noqa: SLF001  (there is no other way)
    loop = request._loop  # noqa: SLF001
    made = web.Request(message, payload, _NOWHERE, nobody, nobody, loop)
    # What its Content-Type says was found out before.
    for name in _TYPED:
        setattr(made, name, getattr(request, name))
    made._match_info = request.match_info  # noqa: SLF001
    return made


def kept_of(response: web.StreamResponse | Plain) -> Kept:
    """Return an answer that is not signed yet as it is sent.

    Raises: ValueError: a header's value has a line break; TypeError: it is no answer of bytes.
    """
    if isinstance(response, Plain):
        if "\n" in response.link or "\r" in response.link:
            raise ValueError("a line break in the Link header")
        return Kept(response.status, response.lines(), response.body)
    body = response.body if type(response) is web.Response else response
    if not isinstance(body, bytes | None) or response.compression:
        raise TypeError("what is asked for repeatedly must be answered with bytes")
    values = [one for one in response.headers.items() if one[0] != "X-Request-Id"]
    values += [("Set-Cookie", one.OutputString()) for one in response.cookies.values()]
    if _BREAK.search("".join([value for _, value in values])):
        raise ValueError("a line break in a header")
    first = f"HTTP/1.1 {response.status} {response.reason}\r\n"
    return Kept(response.status, first + _lines(values), body or b"")


def packed(kept: Kept, signature: str) -> bytes:
    """Return an answer, with the lines that tell of its request, as aiohttp would send it."""
    body = kept.body
    size = body.size if isinstance(body, Joined) else len(body)
    length = "" if kept.status == _NO_CONTENT else f"Content-Length: {size}\r\n"
    head = (f"{kept.lines}{signature}{length}Date: {rfc822_formatted_time()}\r\n{_SERVER}").encode()
    return body.after(head) if isinstance(body, Joined) else head + body


def _lines(headers: Iterable[tuple[str, str]]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def _never() -> bool:
    return False


def _nothing() -> None:
    return None
