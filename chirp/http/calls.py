"""What the gateway knows of one request: its id, who asks, and the limit that it counts against."""

from __future__ import annotations

import re
from itertools import count
from math import ceil
from secrets import token_hex
from typing import Any, Literal

from aiohttp import web

from chirp.errors import TooLarge
from chirp.http.addresses import Addresses
from chirp.http.limits import Buckets
from chirp.model import UnixMs
from chirp.views import Page, Viewer

Group = Literal["reads", "writes", "posts", "uploads", "registrations", "sign_ins"]
"""What a route counts as."""

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Call:
    """One request on its way through the pipeline."""

    __slots__ = (
        "buckets",
        "full_in_s",
        "group",
        "made_of",
        "max_body_bytes",
        "request_id",
        "viewer",
    )

    def __init__(self, request_id: str, group: Group | None, max_body_bytes: int) -> None:
        self.request_id = request_id
        self.group = group
        self.max_body_bytes = max_body_bytes
        self.viewer: Viewer | None = None
        self.buckets: Buckets | None = None
        self.full_in_s = 0.0
        self.made_of: Page[Any] | None = None
        """The page that says all of the answer, but for what `signature` gives."""

    def count_against(self, buckets: Buckets, full_in_s: float) -> None:
        """Remember a limit that was taken from; of several, the one that is nearer its end."""
        known = self.buckets
        if known is None or buckets.remaining(full_in_s) <= known.remaining(self.full_in_s):
            self.buckets, self.full_in_s = buckets, full_in_s

    def refuse_long(self, request: web.Request) -> None:
        """Refuse a body that is announced as too long. Raises: TooLarge."""
        if (request.content_length or 0) > self.max_body_bytes:
            raise TooLarge(f"the body is larger than {self.max_body_bytes} bytes")

    def sign(self, response: web.StreamResponse, now_ms: UnixMs) -> None:
        """Put the request's id and its limit on an answer.

        The pipeline does this when a handler returns. One that sends its head itself, as a stream
        does, calls this before.
        """
        for line in self.signature(now_ms).splitlines():
            name, _, value = line.partition(": ")
            response.headers[name] = value

    def signature(self, now_ms: UnixMs) -> str:
        """Return the headers that tell of this request alone, as the lines of a head."""
        buckets = self.buckets
        if buckets is None:
            return f"X-Request-Id: {self.request_id}\r\n"
        full_in_s = self.full_in_s
        return (
            f"X-Request-Id: {self.request_id}\r\nX-RateLimit-Limit: {buckets.limit_text}\r\n"
            f"X-RateLimit-Remaining: {buckets.remaining(full_in_s)}\r\n"
            f"X-RateLimit-Reset: {ceil(now_ms / 1000 + full_in_s)}\r\n"
        )


CALL = web.RequestKey("call", Call)


def call_of(request: web.Request) -> Call:
    """Return what the pipeline knows of a request."""
    return request[CALL]


class RequestIds:
    """Names requests: eight random digits of this process, and a number."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._boot = token_hex(4)
        self._numbers = count(1)
        self.may_be_given = addresses.some_trusted
        """False: nobody is trusted to name a request, `fresh` is all that is needed."""

    def fresh(self) -> str:
        """Return a new id."""
        return f"{self._boot}-{next(self._numbers)}"

    def of(self, request: web.BaseRequest) -> str:
        """Return the id that a trusted proxy gave the request, or a new one."""
        if self._addresses.trusts(request.remote):
            given = request.headers.get("X-Request-Id", "")
            if _SANE_ID.fullmatch(given):
                return given
        return self.fresh()
