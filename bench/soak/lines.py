"""What comes and goes on the wire in a soak: streams, idle connections, what is no HTTP."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import aiohttp

from bench.soak.people import BASE, Life

LONGEST_S = 6.0
_GARBAGE = (
    b"",
    b"GET /api/v1/timeline/public HTTP/1.1\r\nHost: x\r\nX-Half: ",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /api/v1/tweet HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{",
    b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
    b"NONSENSE\r\n\r\n",
)
"""Sent and then left alone; empty: a connection that says nothing."""


async def hold_stream(life: Life) -> None:
    """Open a stream of somebody, listen for a while, and hang up, politely or not."""
    key = life.someone().key
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(life.random.uniform(0.1, LONGEST_S)):
            if life.random.random() < 0.5:
                await _websocket(life, key)
            else:
                await _sent_events(life, key)


async def _websocket(life: Life, key: str) -> None:
    url, headers = life.url + BASE + "/stream", {"X-API-Key": key}
    async with life.session.ws_connect(url, headers=headers, autoclose=False) as socket:
        async for _ in socket:
            if life.random.random() < 0.02:
                return


async def _sent_events(life: Life, key: str) -> None:
    headers = {"X-API-Key": key, "Accept": "text/event-stream"}
    async with life.session.get(life.url + BASE + "/stream", headers=headers) as answer:
        async for _ in answer.content.iter_any():
            if life.random.random() < 0.02:
                return


async def hold_line(port: int, chosen: random.Random) -> None:
    """Open a connection, say something or nothing, wait, and cut it."""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(chosen.choice(_GARBAGE))
        with suppress(TimeoutError):
            async with asyncio.timeout(chosen.uniform(0.1, LONGEST_S)):
                await reader.read()
        writer.transport.abort()
