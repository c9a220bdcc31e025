"""Readers of streams for benches: thousands in one process, WebSockets and Server-Sent Events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import cast

STREAM = "/api/v1/stream"
WAVE = 128
"""So many are opened at once: fewer than the server lets wait for being accepted."""

_PING, _PONG = 0x9, b"\x8a\x80\0\0\0\0"
_SOURCES = 8
"""Addresses of this machine that readers come from; each has about 28,000 ports."""

OnTweet = Callable[[float], None]


class Reader(asyncio.Protocol):
    """One stream: notes when it opens and tells of each tweet event; answers pings."""

    __slots__ = ("_buffer", "_on_tweet", "_transport", "lost", "opened", "websocket")

    def __init__(self, on_tweet: OnTweet, *, websocket: bool) -> None:
        self.websocket = websocket
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._on_tweet = on_tweet
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError("closed before it was open"))

    def ask(self, key: str) -> None:
        """Send the request."""
        head = f"GET {STREAM} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n"
        if self.websocket:
            head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            head += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        else:
            head += "Accept: text/event-stream\r\n"
        assert self._transport is not None
        self._transport.write(f"{head}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Take what arrives apart; what is not whole waits."""
        self._buffer += data
        if not self.opened.done() and not self._opens():
            return
        if self.websocket:
            self._frames()
        else:
            self._events()

    def _opens(self) -> bool:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        self._buffer = rest
        if head[9:12] in {b"101", b"200"}:
            self.opened.set_result(None)
            return True
        self.opened.set_exception(ConnectionError(head.split(b"\r\n", 1)[0].decode()))
        return False

    def _events(self) -> None:
        *whole, self._buffer = self._buffer.split(b"\n\n")
        for event in whole:
            if b"event: tweet" in event:
                self._on_tweet(time.monotonic())

    def _frames(self) -> None:
        while len(self._buffer) >= 2:
            length, at = self._buffer[1] & 127, 2
            if length == 126:
                length, at = int.from_bytes(self._buffer[2:4]), 4
            if len(self._buffer) < at + length:
                return
            kind, payload = self._buffer[0] & 15, self._buffer[at : at + length]
            self._buffer = self._buffer[at + length :]
            if kind == _PING and self._transport is not None:
                self._transport.write(_PONG)
            elif payload.startswith(b'{"event":"tweet"'):
                self._on_tweet(time.monotonic())

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def open_readers(
    port: int, keys: Sequence[str], on_tweet: OnTweet, *, websocket: bool
) -> list[Reader]:
    """Open a stream for each key, a wave at a time. Raises: ConnectionError, OSError."""
    found: list[Reader] = []
    for begin in range(0, len(keys), WAVE):
        wave = enumerate(keys[begin : begin + WAVE])
        opening = [_open(port, number, key, on_tweet, websocket) for number, key in wave]
        found += await asyncio.gather(*opening)
    return found


async def _open(port: int, number: int, key: str, on_tweet: OnTweet, websocket: bool) -> Reader:
    source = (f"127.0.0.{1 + number % _SOURCES}", 0)
    _, reader = await asyncio.get_running_loop().create_connection(
        lambda: Reader(on_tweet, websocket=websocket), "127.0.0.1", port, local_addr=source
    )
    reader.ask(key)
    await reader.opened
    return reader
