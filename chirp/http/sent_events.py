"""Streams over HTTP, as far as all front ends have them alike: opening, Server-Sent Events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from aiohttp import web

from chirp.clock import Clock
from chirp.errors import Refusal, StorageError
from chirp.http.calls import call_of
from chirp.http.connections import Connection
from chirp.services.streams import StreamEvent, StreamKind, Streams
from chirp.views import Viewer

log = logging.getLogger(__name__)

SSE_TYPE = "text/event-stream"

SEND_S = 10.0
"""How long one event may take to leave: after that the reader counts as too slow."""


class EventStreams:
    """Opens streams for requests, and answers with Server-Sent Events."""

    def __init__(self, streams: Streams, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock

    @contextmanager
    def opened(self, request: web.Request, viewer: Viewer) -> Iterator[AsyncIterator[StreamEvent]]:
        """Open a stream that ends with the connection of `request`, and follow it.

        Raises: Invalid: a foreign Last-Event-ID; RateLimited; Unavailable.
        """
        last = request.headers.get("Last-Event-ID") or request.query.get("last_event_id")
        stream, after = self._streams.open(viewer, last)
        connection = request.protocol
        if isinstance(connection, Connection):
            # Else it would count as one of its user's until the next heartbeat.
            connection.when_lost(lambda: stream.end("the reader has gone"))
        try:
            yield _told(self._streams.follow(viewer, stream, after))
        finally:
            self._streams.close(stream)

    def sign(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put the request's id and limit on an answer that sends its head by itself."""
        call_of(request).sign(response, self._clock.now_ms())

    async def answer(
        self,
        request: web.Request,
        events: AsyncIterator[StreamEvent],
        data_of: Callable[[StreamEvent], bytes],
    ) -> web.StreamResponse:
        """Answer with events; `data_of` says what one tells, on one line."""
        headers = {"Content-Type": SSE_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        self.sign(request, response)
        await response.prepare(request)
        with suppress(ConnectionError):
            async for event in events:
                if not await in_time(request, response.write(sent_event(event, data_of))):
                    break
        return response


async def _told(events: AsyncIterator[StreamEvent]) -> AsyncIterator[StreamEvent]:
    """Yield the events, and a refusal in the middle as their end."""
    try:
        async for event in events:
            yield event
    except Refusal as error:
        yield StreamEvent(StreamKind.END, "", why=error.message)
    except StorageError:
        log.exception("a stream ends")
        yield StreamEvent(StreamKind.END, "", why="the store could not be read")


async def in_time(request: web.Request, sending: Awaitable[object]) -> bool:
    """Wait until something has left; cut the connection of a reader who does not take it."""
    try:
        async with asyncio.timeout(SEND_S):
            await sending
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        return False
    return True


def sent_event(event: StreamEvent, data_of: Callable[[StreamEvent], bytes]) -> bytes:
    """Return an event as Server-Sent Events write it. A heartbeat is a comment with the place."""
    # An end without a place leaves the reader the last one.
    place = b"id: %b\n" % event.place.encode() if event.place else b""
    if event.kind is StreamKind.HEARTBEAT:
        return b"%b:\n\n" % place
    return b"%bevent: %b\ndata: %b\n\n" % (place, event.kind.encode(), data_of(event))
