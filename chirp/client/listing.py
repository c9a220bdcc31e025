"""Lists that come in pages: one page at a time, or every item with `async for`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from chirp.client.shapes import Page
from chirp.client.transport import Request, Transport

T = TypeVar("T")


class Listing(Generic[T]):
    """A list on the server; nothing is asked before it is read."""

    def __init__(
        self, transport: Transport, path: str, kind: type[Page[T]], query: Mapping[str, object]
    ) -> None:
        given = {name: _word(value) for name, value in query.items() if value is not None}
        self._request = Request("GET", path, given)
        self._transport = transport
        self._kind = kind

    async def page(self, cursor: str | None = None) -> Page[T]:
        """Return the page that a cursor leads to; the first one without. Raises: Refused."""
        query = dict(self._request.query or {})
        if cursor is not None:
            # A cursor carries its own bound.
            query = {n: v for n, v in query.items() if n not in {"max_id", "since_id", "min_id"}}
            query["cursor"] = cursor
        return await self._transport.ask(replace(self._request, query=query), self._kind)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Yield pages from the newest to the oldest.

        With `min_id`, they go up from there, and end where there is nothing newer; with
        `since_id`, there is one.
        """
        query = self._request.query or {}
        upwards = "min_id" in query
        page = await self.page()
        while page.data or not upwards:
            yield page
            cursor = page.prev if upwards else page.next
            if cursor is None or "since_id" in query:
                return
            page = await self.page(cursor)

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield every item, newest first; with `min_id` oldest first, as they happened."""
        upwards = "min_id" in (self._request.query or {})
        async for page in self.pages():
            for item in reversed(page.data) if upwards else page.data:
                yield item


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
