"""Reads lists of people by the order of an action, such as followers, for viewers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from chirp.model import UnixMs, UserId
from chirp.pages import ReadActions
from chirp.policy import person_listed
from chirp.readers.relationships import relationship
from chirp.readers.users import UserReader
from chirp.storage.store import Store
from chirp.views import Page, Position, Sight, UserView

MOST_CANDIDATES = 2_000
"""How many rows one page looks at, when what is on it is hidden from the viewer."""

Edge = tuple[UnixMs, int]
"""When somebody acted, and on (or by) what."""

T = TypeVar("T")


class Ordered(Protocol):
    """A list in the order of an action: a Relation or an Order."""

    async def newest(self, owner: int, before: tuple[int, int] | None, limit: int) -> list[Edge]:
        """Return up to `limit` edges, newest first, below `before` if given."""
        ...

    async def oldest_after(self, owner: int, after: tuple[int, int], limit: int) -> list[Edge]:
        """Return up to `limit` edges directly above `after`, oldest first."""
        ...


async def page_by_action(
    ordered: Ordered,
    owner: int,
    command: ReadActions,
    show: Callable[[list[Edge]], Awaitable[list[T]]],
) -> Page[T]:
    """Return a page of a list; `show` leaves out what is hidden from the viewer.

    A page of hidden things must not end the list for those behind them: up to MOST_CANDIDATES
    are looked at until one can be shown.
    """
    edges, more = await _edges(ordered, owner, command)
    views = await show(edges)
    looked = len(edges)
    while more and edges and not views and looked < MOST_CANDIDATES:
        command = _beyond(command, edges)
        edges, more = await _edges(ordered, owner, command)
        views = await show(edges)
        looked += len(edges)
    if not views:
        return Page(views)
    first, last = edges[0], edges[-1]
    next_ = Position(last[1], last[0]) if more else None
    return Page(views, next_, Position(first[1], first[0]))


def _beyond(command: ReadActions, edges: list[Edge]) -> ReadActions:
    """Return the command for the page behind `edges`, in the direction of `command`."""
    at, other = edges[-1] if command.above is None else edges[0]
    place = Position(other, at)
    if command.above is None:
        return ReadActions(command.limit, below=place)
    return ReadActions(command.limit, above=place)


async def _edges(ordered: Ordered, owner: int, command: ReadActions) -> tuple[list[Edge], bool]:
    """Return a page of edges, newest first, and whether there are older ones."""
    if command.above is not None:
        above = (command.above.at, command.above.other)
        edges = await ordered.oldest_after(owner, above, command.limit)
        return edges[::-1], True
    below = None if command.below is None else (command.below.at, command.below.other)
    edges = await ordered.newest(owner, below, command.limit + 1)
    return edges[: command.limit], len(edges) > command.limit


class PeopleReader:
    """Lists of people."""

    def __init__(self, store: Store, users: UserReader) -> None:
        self._store = store
        self._users = users

    async def page(
        self, sight: Sight, ordered: Ordered, owner: int, command: ReadActions
    ) -> Page[UserView]:
        """Return a page of the people in a list, newest action first."""

        async def show(edges: list[Edge]) -> list[UserView]:
            return await self.views(sight, [UserId(other) for _, other in edges])

        return await page_by_action(ordered, owner, command, show)

    async def views(self, sight: Sight, ids: list[UserId]) -> list[UserView]:
        """Return those of the people who may stand in lists that the viewer reads, in order."""
        cached = await self._users.find_many(ids)
        counts = await self._store.users.counts_many(ids)
        between = await relationship(self._store, sight.user_id, ids)
        return [
            UserView(who.user, count, how)
            for who, count, how in zip(cached, counts, between, strict=True)
            if who is not None and person_listed(sight, who.user)
        ]
