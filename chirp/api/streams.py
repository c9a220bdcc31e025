"""The handler of streams: one route, as a WebSocket or as Server-Sent Events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import WSCloseCode, web

from chirp.api.context import Api
from chirp.api.render import Renderer
from chirp.errors import Invalid
from chirp.http.sent_events import SSE_TYPE, EventStreams, in_time
from chirp.services.streams import StreamEvent, StreamKind
from chirp.tasks import TaskRunner
from chirp.views import Viewer

_LONGEST_MESSAGE_BYTES = 1_024
"""Of what readers say over a socket; it is not looked at."""


class StreamHandlers:
    """GET /stream."""

    def __init__(self, api: Api, streams: EventStreams, tasks: TaskRunner) -> None:
        self._api = api
        self._streams = streams
        self._tasks = tasks

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """GET /stream."""
        viewer = self._api.viewer(request)
        wants_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if not wants_socket and SSE_TYPE not in request.headers.get("Accept", ""):
            words = f"ask for a WebSocket, or send Accept: {SSE_TYPE}"
            raise Invalid(words, field="Accept")
        with self._streams.opened(request, viewer) as events:
            if wants_socket:
                return await self._socket(request, viewer, events)
            return await self._streams.answer(request, events, self._api.renderer.stream_data)

    async def _socket(
        self, request: web.Request, viewer: Viewer, events: AsyncIterator[StreamEvent]
    ) -> web.StreamResponse:
        # Without compression: its windows would take a quarter of a megabyte a stream.
        socket = web.WebSocketResponse(
            heartbeat=30.0, compress=False, max_msg_size=_LONGEST_MESSAGE_BYTES
        )
        self._streams.sign(request, socket)
        await _shake_hands(request, socket)
        sending = self._tasks.start(
            f"stream-{viewer.user_id}", self._send_all(request, socket, events)
        )
        try:
            async for _ in socket:
                pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return socket

    async def _send_all(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        events: AsyncIterator[StreamEvent],
    ) -> None:
        with suppress(ConnectionError):
            async for event in events:
                if not await self._send(request, socket, event):
                    return

    async def _send(
        self, request: web.Request, socket: web.WebSocketResponse, event: StreamEvent
    ) -> bool:
        """Tell one event; return whether more may follow. aiohttp sends the heartbeats."""
        if event.kind is StreamKind.HEARTBEAT:
            return True
        if event.kind is not StreamKind.END:
            message = socket_message(self._api.renderer, event)
            return await in_time(request, socket.send_str(message))
        code = WSCloseCode.POLICY_VIOLATION
        if "shutting down" in event.why:
            code = WSCloseCode.GOING_AWAY
        await in_time(request, socket.close(code=code, message=event.why.encode()))
        return False


async def _shake_hands(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Begin a WebSocket. Raises: Invalid: what the client says of it is not whole."""
    try:
        await socket.prepare(request)
    except web.HTTPBadRequest:
        words = "Connection: Upgrade, Sec-WebSocket-Version: 13 and a Sec-WebSocket-Key of 16 bytes"
        raise Invalid(f"a WebSocket needs {words} in base64", field="Upgrade") from None


def socket_message(renderer: Renderer, event: StreamEvent) -> str:
    """Return an event as a message of a WebSocket: JSON with `event`, `id` and `data`."""
    kind, data = event.kind.value, renderer.stream_data(event).decode()
    return f'{{"event":"{kind}","id":"{event.place}","data":{data}}}'
