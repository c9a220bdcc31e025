"""The ceilings of bench/page: a bare aiohttp handler and a bare protocol, with ready bytes."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import cast

import uvloop
from aiohttp import web

PATH = "/api/v1/timeline/home"


class Raw(asyncio.Protocol):
    """Answers every head with the same bytes; parses nothing."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Answer as many heads as have come."""
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(self._answer * len(heads))


async def serve(port: int, body: bytes, *, raw: bool) -> None:
    """Answer every GET of the home timeline's path with `body`, for ever."""
    if raw:
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        answer = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        await asyncio.get_running_loop().create_server(lambda: Raw(answer), "127.0.0.1", port)
    else:
        await _serve_aiohttp(port, body)
    await asyncio.Event().wait()


async def _serve_aiohttp(port: int, body: bytes) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get(PATH, page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("port", type=int)
    parser.add_argument("page", type=Path)
    parser.add_argument("--raw", action="store_true")
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.page.read_bytes(), raw=given.raw))
