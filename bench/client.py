"""A small, fast HTTP/1.1 client for loads: kept connections, prepared requests, little parsing."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast


class Connection(asyncio.Protocol):
    """One connection; requests are answered in the order in which they were sent."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: deque[asyncio.Future[tuple[int, bytes]]] = deque()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever still waits."""
        for future in self._waiting:
            if not future.done():
                future.set_exception(exc or ConnectionResetError("the server closed"))

    def send(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send prepared bytes; the future gives (status, body)."""
        assert self._transport is not None
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._transport.write(request)
        return future

    def data_received(self, data: bytes) -> None:
        """Cut answers out of the stream by their Content-Length."""
        buffer = self._buffer + data
        while True:
            head = buffer.find(b"\r\n\r\n")
            if head < 0:
                break
            at = buffer.find(b"Content-Length: ", 0, head)
            length = int(buffer[at + 16 : buffer.index(b"\r", at)]) if at >= 0 else 0
            end = head + 4 + length
            if len(buffer) < end:
                break
            future = self._waiting.popleft()
            if not future.done():
                future.set_result((int(buffer[9:12]), buffer[head + 4 : end]))
            buffer = buffer[end:]
        self._buffer = buffer

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


class Pool:
    """A number of connections; whoever asks gets a free one, in turn."""

    def __init__(self, connections: list[Connection]) -> None:
        self._all = connections
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in connections:
            self._free.put_nowait(connection)

    @classmethod
    async def open(cls, port: int, count: int) -> Pool:
        """Connect `count` times."""
        loop = asyncio.get_running_loop()
        made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
        return cls([connection for _, connection in made])

    async def request(self, request: bytes) -> tuple[int, bytes]:
        """Send over a free connection, waiting for one; return (status, body)."""
        connection = await self._free.get()
        try:
            return await connection.send(request)
        finally:
            self._free.put_nowait(connection)

    def close(self) -> None:
        """Close all connections."""
        for connection in self._all:
            connection.close()


def get(path: str, key: str) -> bytes:
    """Return the bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n\r\n".encode()


def post(path: str, key: str, body: bytes) -> bytes:
    """Return the bytes of a POST of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
