"""What scripts ask beside pages: what happens in the home timeline, and how much a text weighs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import orjson
from aiohttp import web
from msgspec import Struct

from chirp.http.body import read_body
from chirp.http.errors import JSON_TYPE
from chirp.http.paging import parse_id
from chirp.http.sent_events import EventStreams
from chirp.pages import MAX_PAGE, ReadTweets
from chirp.services.streams import StreamEvent, StreamKind
from chirp.text import weighted_length
from chirp.views import Viewer
from chirp.web.site import Site


class Draft(Struct):
    """A text that is being written."""

    text: str = ""


class Lively:
    """/stream and /compose/weight."""

    def __init__(self, site: Site, streams: EventStreams) -> None:
        self._site = site
        self._streams = streams

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """GET /stream: Server-Sent Events for the signed-in browser.

        A page says the newest tweet that it shows, `since_id`: what was posted before the stream
        was open comes first. A browser that comes back says where it was, which tells more.
        """
        viewer = self._site.viewer(request)
        with self._streams.opened(request, viewer) as events:
            missed = []
            if "since_id" in request.query and "Last-Event-ID" not in request.headers:
                # The stream is open already: a tweet of this moment may be told twice, never not.
                missed = await self._missed(request, viewer)
            return await self._streams.answer(request, _after(missed, events), self._data)

    async def _missed(self, request: web.Request, viewer: Viewer) -> list[StreamEvent]:
        """Return the tweets above what a page shows, oldest first. Raises: Invalid."""
        command = ReadTweets(MAX_PAGE, since_id=parse_id(request.query["since_id"], "since_id"))
        page = await self._site.services.timelines.home(viewer, command)
        return [
            StreamEvent(StreamKind.TWEET, "", view.cached.tweet.tweet_id, view)
            for view in reversed(page.items)
        ]

    def _data(self, event: StreamEvent) -> bytes:
        """Return what a page needs of an event: an id, and HTML where something has changed."""
        told: dict[str, object] = {"id": str(event.tweet_id)}
        if event.view is not None:
            told["own"] = event.view.own
            if event.kind is StreamKind.COUNTS:
                told["html"] = self._site.cards.tail(event.view).decode()
            elif event.kind is StreamKind.EDIT:
                told["html"] = self._site.cards.card(event.view).decode()
        return orjson.dumps(told)

    async def weight(self, request: web.Request) -> web.Response:
        """POST /compose/weight: changes nothing, so it needs no token."""
        draft = await read_body(request, Draft)
        body = orjson.dumps({"weight": weighted_length(draft.text.replace("\r\n", "\n"))})
        return web.Response(body=body, headers={"Content-Type": JSON_TYPE})


async def _after(
    missed: Sequence[StreamEvent], events: AsyncIterator[StreamEvent]
) -> AsyncIterator[StreamEvent]:
    for event in missed:
        yield event
    async for event in events:
        yield event
