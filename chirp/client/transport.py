"""One request and its answer: sent, repeated where that is safe, decoded or raised.

Repeated are 503, which the server answers before it changes anything or where a repeat changes
nothing; 429, where the client waits for limits; and a lost connection, when the request may come
twice: every GET and DELETE, and a POST with an idempotency key. `Retry-After` is obeyed; else waits
double from 0.25 s, less up to half at random, so that a thousand bots do not come back in one
moment.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeVar

import aiohttp
import msgspec

from chirp.client.errors import Refused, Unreachable, refused
from chirp.client.shapes import Failure

T = TypeVar("T")

_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 60.0
_SILENCE_S = 90.0
"""A stream that says nothing for so long is broken: the server's heart beats more often."""
_RETRIED = {429, 503}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, below the base. `repeatable`: coming twice, it does no more than once.

    `file`: sent with the body as a form.
    """

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] | None = None
    repeatable: bool = True
    file: bytes | None = None


class Transport:
    """Sends requests over one session's connections."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        key: str | None,
        *,
        retries: int,
        waits_for_limits: bool = True,
    ) -> None:
        self._session = session
        self._base = base
        self._headers = {} if key is None else {"X-API-Key": key}
        self._retries = retries
        self._waits_for_limits = waits_for_limits

    async def ask(self, request: Request, kind: type[T]) -> T:
        """Return the answer as a `kind`. Raises: Refused, Unreachable."""
        raw = await self._send_patiently(request)
        try:
            return msgspec.json.decode(raw or b"null", type=kind)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise Unreachable(f"{request.path}: the answer is not what was agreed") from error

    async def lines(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[str]:
        """Yield the lines of an answer that does not end. Raises: Refused, Unreachable."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=_SILENCE_S)
        try:
            async with self._session.get(
                self._base + path, headers={**self._headers, **headers}, timeout=timeout
            ) as answer:
                if answer.status != 200:
                    retry_after = answer.headers.get("Retry-After")
                    raise _error(answer.status, await answer.read(), retry_after)
                async for line in answer.content:
                    yield line.decode().rstrip("\r\n")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable(f"GET {path}: {error!r}") from error

    async def _send_patiently(self, request: Request) -> bytes:
        tries = 0
        while True:
            try:
                return await self._send(request)
            except (Refused, Unreachable) as error:
                if tries >= self._retries or not self._may_repeat(request, error):
                    raise
                pause_s = wait_s(error, tries)
            tries += 1
            await asyncio.sleep(pause_s)

    def _may_repeat(self, request: Request, error: Refused | Unreachable) -> bool:
        if isinstance(error, Unreachable):
            return request.repeatable
        if error.status == 429:
            return self._waits_for_limits
        return error.status in _RETRIED and request.repeatable

    async def _send(self, request: Request) -> bytes:
        """Send once. Raises: Refused, Unreachable."""
        body: dict[str, Any] = {}
        headers = {**self._headers, **(request.headers or {})}
        if request.file is not None:
            form = aiohttp.FormData(dict(request.body or {}))
            form.add_field("file", BytesIO(request.file), filename="file")
            body["data"] = form
        elif request.body is not None:
            body["data"] = msgspec.json.encode(request.body)
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                request.method,
                self._base + request.path,
                params=request.query,
                headers=headers,
                allow_redirects=False,
                **body,
            ) as answer:
                raw = await answer.read()
                if 200 <= answer.status < 300:
                    return raw
                raise _error(answer.status, raw, answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{request.method} {request.path}: {error!r}") from error


def may_wait(error: Refused | Unreachable) -> bool:
    """Return whether the same request may be answered later."""
    return isinstance(error, Unreachable) or error.status in _RETRIED


def wait_s(error: Refused | Unreachable, tries: int) -> float:
    """Return how long to wait after `tries` tries that came to nothing."""
    asked_s = error.retry_after_s if isinstance(error, Refused) else None
    if asked_s is not None:
        return min(asked_s, _LONGEST_WAIT_S)
    longest_s: float = min(_FIRST_WAIT_S * 2.0 ** min(tries, 20), _LONGEST_WAIT_S)
    spread = random.uniform(0.5, 1)  # noqa: S311  (spreads load, guards nothing)
    return longest_s * spread


def _error(status: int, raw: bytes, retry_after: str | None) -> Refused | Unreachable:
    try:
        failure = msgspec.json.decode(raw, type=Failure)
    except (msgspec.DecodeError, UnicodeError):
        return Unreachable(f"something that is not Chirp answered {status}")
    after_s = float(retry_after) if retry_after is not None and retry_after.isdigit() else None
    return refused(status, failure, after_s)
