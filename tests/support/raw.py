"""Connections that say what they like: for clients that are slow, rude or broken."""

from __future__ import annotations

import asyncio
from typing import Self

from tests.support.web import Http

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


class Raw:
    """One connection to a server, in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, http: Http) -> Self:
        raw = cls(*await asyncio.open_connection("127.0.0.1", http.client.port))
        http.closing.append(raw.writer.close)
        return raw

    async def send(self, data: bytes) -> Self:
        # Once the server has closed, a write would lose what it said before.
        if not getattr(self.reader, "_eof", True):
            self.writer.write(data)
            await self.writer.drain()
        await settle()
        return self

    async def ask(self, data: bytes) -> bytes:
        """Send one whole request and return its answer."""
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> bytes:
        """Return one whole answer: its head and what that announces."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        return head + await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Return all that comes until the server closes."""
        try:
            return await asyncio.wait_for(self.reader.read(), 20)
        except ConnectionResetError:
            return b""

    @property
    def open_still(self) -> bool:
        return not self.reader.at_eof()


async def settle() -> None:
    """Let both ends of every connection do what they are about to."""
    for _ in range(20):
        await asyncio.sleep(0.001)


async def after(http: Http, seconds: float) -> None:
    """Let time pass on the server's clock, a tick at a time, as it would."""
    ticks = round(seconds / http.chirp.server.connections.tick_s) + 1
    for _ in range(ticks):
        http.chirp.clock.advance_ms(round(1000 * http.chirp.server.connections.tick_s))
        await settle()
