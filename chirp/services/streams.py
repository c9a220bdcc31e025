"""Streams: what happens in a viewer's home timeline, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum

from msgspec import Struct

from chirp.errors import RateLimited, Unauthorized, Unavailable
from chirp.fanout.bus import Bus, Item, ItemKind, Place, Stream, parse_place
from chirp.model import UserId
from chirp.policy import at_home
from chirp.readers.graph import GraphReader, contains
from chirp.readers.showing import Showing
from chirp.readers.sights import SightReader
from chirp.storage.store import Store
from chirp.views import TweetView, Viewer

HEARTBEAT_S = 15.0
"""After so long without an event a reader is told that the stream is alive."""


class StreamKind(StrEnum):
    """What a stream event tells."""

    TWEET = "tweet"
    DELETE = "delete"
    EDIT = "edit"
    COUNTS = "counts"
    RESET = "reset"
    END = "end"
    HEARTBEAT = "heartbeat"


class StreamEvent(Struct, frozen=True, gc=False):
    """Something to tell a reader. `place`: what to come back with, as Last-Event-ID.

    `view`: the tweet as the reader may see it, not of a deleted one. `why`: of an END.
    """

    kind: StreamKind
    place: str
    tweet_id: int = 0
    view: TweetView | None = None
    why: str = ""


class Streams:
    """Opens streams and follows them."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        graph: GraphReader,
        showing: Showing,
        sights: SightReader,
        *,
        most: int,
        most_per_user: int,
    ) -> None:
        self._store = store
        self._bus = bus
        self._graph = graph
        self._showing = showing
        self._sights = sights
        self._most = most
        self._most_per_user = most_per_user
        self._closing = False

    def open(self, viewer: Viewer, last_event_id: str | None) -> tuple[Stream, Place | None]:
        """Return a stream and the place to resume from. It must be followed, or closed.

        Raises: Invalid: a foreign Last-Event-ID; RateLimited: too many streams of this user;
        Unavailable: too many of all, or shutting down.
        """
        after = None
        if last_event_id:
            after = parse_place(last_event_id, self._store.engine.sources)
        if self._closing:
            raise Unavailable("the server is shutting down", retry_after_s=5)
        if len(self._bus) >= self._most:
            raise Unavailable("too many streams are open", retry_after_s=30)
        if self._bus.count_of(viewer.user_id) >= self._most_per_user:
            words = f"more than {self._most_per_user} streams of one account"
            raise RateLimited(words, retry_after_s=30)
        return self._bus.open(viewer.user_id), after

    def close(self, stream: Stream) -> None:
        """Let go of a stream."""
        self._bus.close(stream)

    def end_all(self) -> None:
        """End all streams: the server is shutting down."""
        self._closing = True
        self._bus.end_all("the server is shutting down")

    async def follow(
        self, viewer: Viewer, stream: Stream, after: Place | None
    ) -> AsyncIterator[StreamEvent]:
        """Yield what happens until the stream ends, its END last.

        What was missed since `after` comes first; a RESET when that can no longer be told: the
        reader loads the timeline anew.
        """
        # What the reader was told up to: what waits in the stream is behind it, never before.
        told, number = stream.begun, 0
        if after is not None:
            missed = await self._bus.missed(after)
            told, number = missed.place, missed.number
            if missed.items is None:
                yield StreamEvent(StreamKind.RESET, str(told))
            for event in await self._events(viewer.user_id, missed.items or []):
                yield event
        yield StreamEvent(StreamKind.HEARTBEAT, str(told))
        while stream.ended is None:
            items = await stream.take(HEARTBEAT_S)
            if items:
                told = max(told, items[-1].place)
            elif stream.ended is None:
                told = max(told, self._bus.told())
                await self._refuse_revoked(viewer)
                yield StreamEvent(StreamKind.HEARTBEAT, str(told))
            fresh = [item for item in items if item.number > number]
            for event in await self._events(viewer.user_id, fresh):
                yield event
        yield StreamEvent(StreamKind.END, str(told), why=stream.ended)

    async def _refuse_revoked(self, viewer: Viewer) -> None:
        if await self._store.directory.find_key(viewer.key_digest) is None:
            raise Unauthorized("the key was revoked")

    async def _events(self, viewer: UserId, items: Sequence[Item]) -> list[StreamEvent]:
        """Return the events that items make for a viewer: what is in their home timeline."""
        if not items:
            return []
        sight = await self._sights.get(viewer)
        followees = await self._graph.followees(viewer)
        wanted = [item.tweet_id for item in items if item.kind is not ItemKind.DELETE]
        shown_views = await self._showing.by_ids(sight, wanted)
        views = {int(v.cached.tweet.tweet_id): v for v in shown_views}
        events = []
        for item in items:
            view = views.get(item.tweet_id)
            author = item.author_id if view is None else view.cached.tweet.author_id
            if author != viewer and not contains(followees, author):
                continue
            if item.kind is ItemKind.DELETE:
                shown = author not in sight.blocked
            else:
                shown = view is not None and at_home(sight, followees, view)
            if shown:
                kind = StreamKind(item.kind.value)
                events.append(StreamEvent(kind, str(item.place), item.tweet_id, view))
        return events
