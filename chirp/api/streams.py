"""The handler of streams: one route, as a WebSocket or as Server-Sent Events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress

from aiohttp import WSCloseCode, web

from chirp.api.context import Api
from chirp.api.render import Renderer
from chirp.errors import Invalid, Refusal
from chirp.http.connections import Connection
from chirp.services.streams import StreamEvent, StreamKind, Streams
from chirp.tasks import TaskRunner
from chirp.views import Viewer

SSE_TYPE = "text/event-stream"

SEND_S = 10.0
"""How long one event may take to leave: after that the reader counts as too slow."""

_LONGEST_MESSAGE_BYTES = 1_024
"""Of what readers say over a socket; it is not looked at."""


class StreamHandlers:
    """GET /stream."""

    def __init__(self, api: Api, streams: Streams, tasks: TaskRunner) -> None:
        self._api = api
        self._streams = streams
        self._tasks = tasks

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """GET /stream."""
        viewer = await self._api.viewer(request)
        wants_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if not wants_socket and SSE_TYPE not in request.headers.get("Accept", ""):
            words = f"ask for a WebSocket, or send Accept: {SSE_TYPE}"
            raise Invalid(words, field="Accept")
        last = request.headers.get("Last-Event-ID") or request.query.get("last_event_id")
        stream, after = self._streams.open(viewer, last)
        connection = request.protocol
        if isinstance(connection, Connection):
            # Else it would count as one of its user's until the next heartbeat.
            connection.when_lost(lambda: stream.end("the reader has gone"))
        try:
            events = self._told(self._streams.follow(viewer, stream, after))
            if wants_socket:
                return await self._socket(request, viewer, events)
            return await self._sent_events(request, events)
        finally:
            self._streams.close(stream)

    @staticmethod
    async def _told(events: AsyncIterator[StreamEvent]) -> AsyncIterator[StreamEvent]:
        """Yield the events, and a refusal in the middle as their end."""
        try:
            async for event in events:
                yield event
        except Refusal as error:
            yield StreamEvent(StreamKind.END, "", why=error.message)

    async def _sent_events(
        self, request: web.Request, events: AsyncIterator[StreamEvent]
    ) -> web.StreamResponse:
        headers = {"Content-Type": SSE_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        self._api.sign(request, response)
        await response.prepare(request)
        with suppress(ConnectionError):
            async for event in events:
                data = sent_event(self._api.renderer, event)
                if not await _in_time(request, response.write(data)):
                    break
        return response

    async def _socket(
        self, request: web.Request, viewer: Viewer, events: AsyncIterator[StreamEvent]
    ) -> web.StreamResponse:
        # Without compression: its windows would take a quarter of a megabyte a stream.
        socket = web.WebSocketResponse(
            heartbeat=30.0, compress=False, max_msg_size=_LONGEST_MESSAGE_BYTES
        )
        self._api.sign(request, socket)
        await socket.prepare(request)
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
            return await _in_time(request, socket.send_str(message))
        code = WSCloseCode.POLICY_VIOLATION
        if "shutting down" in event.why:
            code = WSCloseCode.GOING_AWAY
        await _in_time(request, socket.close(code=code, message=event.why.encode()))
        return False


async def _in_time(request: web.Request, sending: Awaitable[object]) -> bool:
    """Wait until something has left; cut the connection of a reader who does not take it."""
    try:
        async with asyncio.timeout(SEND_S):
            await sending
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        return False
    return True


def sent_event(renderer: Renderer, event: StreamEvent) -> bytes:
    """Return an event as Server-Sent Events write it. A heartbeat is a comment with the place."""
    # An end without a place leaves the reader the last one.
    place = b"id: %b\n" % event.place.encode() if event.place else b""
    if event.kind is StreamKind.HEARTBEAT:
        return b"%b:\n\n" % place
    kind, data = event.kind.encode(), renderer.stream_data(event)
    return b"%bevent: %b\ndata: %b\n\n" % (place, kind, data)


def socket_message(renderer: Renderer, event: StreamEvent) -> str:
    """Return an event as a message of a WebSocket: JSON with `event`, `id` and `data`."""
    kind, data = event.kind.value, renderer.stream_data(event).decode()
    return f'{{"event":"{kind}","id":"{event.place}","data":{data}}}'
