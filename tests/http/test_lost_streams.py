"""A stream whose reader has gone is not one of its user's any more."""

from __future__ import annotations

from tests.support.raw import Raw, settle
from tests.support.web import Http

UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


async def test_a_stream_ends_with_its_connection(http: Http) -> None:
    key = (await http.register("ada"))["api_dev_key"].encode()
    for wish in (b"Accept: text/event-stream\r\n", UPGRADE):
        raw = await Raw.open(http)
        head = b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nX-API-Key: %b\r\n%b\r\n" % (key, wish)
        await raw.send(head)
        assert len(http.chirp.server.bus) == 1
        raw.writer.transport.abort()
        await settle()
        assert len(http.chirp.server.bus) == 0
