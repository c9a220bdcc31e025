"""How a front end meets its callers: where their key stands, and how a refusal is told."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from chirp.http.auth import header_key
from chirp.http.calls import Call
from chirp.http.errors import Told, tell_json
from chirp.http.gate import Gate


class Face(Protocol):
    """One front end's manners."""

    def key_of(self, request: web.Request) -> str | None:
        """Return the key of a request. Raises: Refusal: what stands there is none."""

    async def let_in(self, gate: Gate, request: web.Request, call: Call, key: str) -> None:
        """Let in the owner of a key that is not known yet. Raises: Refusal."""

    async def recall(self, request: web.Request) -> None:
        """Find out what a refusal will show of who asked. Raises nothing: it can do without."""

    def refused(self, request: web.Request, call: Call, told: Told) -> web.StreamResponse:
        """Return the answer to a request that was refused."""


class JsonFace:
    """Programs: a key in a header, a wrong one is refused, refusals are JSON."""

    def key_of(self, request: web.Request) -> str | None:
        """Return the key in the headers. Raises: Invalid, Unauthorized."""
        return header_key(request)

    async def let_in(self, gate: Gate, request: web.Request, call: Call, key: str) -> None:
        """Let in the owner of a key. Raises: Unauthorized, Forbidden, RateLimited."""
        await gate.authenticate(request, call, key)

    async def recall(self, _request: web.Request) -> None:
        """Return at once: nothing is shown."""

    def refused(self, _request: web.Request, call: Call, told: Told) -> web.StreamResponse:
        """Return the refusal as JSON."""
        return tell_json(told, call.request_id)


JSON_FACE = JsonFace()
