"""Pages of lists that are ordered by id, newest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from chirp.model import MAX_ID
from chirp.pages import ReadActions
from chirp.views import Page, Position

T = TypeVar("T")

Range = Callable[[int, int], Awaitable[list[T]]]
"""Gives up to so many rows (the second number) beyond an id (the first), the nearest first."""


async def page_by_id(
    command: ReadActions, newest: Range[T], oldest_above: Range[T], id_of: Callable[[T], int]
) -> Page[T]:
    """Return the page that `command` asks for. O(limit)."""
    if command.above is not None:
        items = (await oldest_above(command.above.other, command.limit))[::-1]
        more = True
    else:
        below = MAX_ID + 1 if command.below is None else command.below.other
        items = await newest(below, command.limit + 1)
        more = len(items) > command.limit
        items = items[: command.limit]
    if not items:
        return Page(items)
    next_ = Position(id_of(items[-1])) if more else None
    return Page(items, next_, Position(id_of(items[0])))
