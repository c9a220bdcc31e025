"""Reads what viewers did to tweets: the marks of those who are active stay in memory.

Invariants:
- A book holds all marks of its user on tweets with ids from `complete_from` on, and possibly more.
- What is in memory is what the table says, once the home consumer has passed the change; a read
  that a change overtook is made again.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from chirp.cache.lru import LruMap
from chirp.model import TweetId, UserId
from chirp.storage.store import Store
from chirp.storage.tables.marks import Mark
from chirp.views import NO_FLAGS, ViewerFlags

KEPT_MARKS = 1_000
"""Of a user's marks, those on the newest so many tweets are loaded at once."""

_SPARE_MARKS = 16
_FIXED_WEIGHT_BYTES = 500
_MARK_WEIGHT_BYTES = 110

_FLAGS = [
    ViewerFlags(bool(bits & 1), bool(bits & 2), bool(bits & 4)) if bits else NO_FLAGS
    for bits in range(8)
]


def flags_of(mark: Mark) -> ViewerFlags:
    """Return a mark as flags; NO_FLAGS itself when nothing is marked."""
    bits = bool(mark.favorited_at) + 2 * bool(mark.retweet_id) + 4 * bool(mark.bookmarked_at)
    return _FLAGS[bits]


class Book(Struct, eq=False):
    """One user's marks; `version` grows with each change of them. `room`: for so many it counts."""

    flags: dict[int, ViewerFlags]
    complete_from: int
    room: int
    version: int = 0


class MarkReader:
    """Viewer flags by tweet."""

    def __init__(self, store: Store, cache: LruMap[int, Book]) -> None:
        self._store = store
        self._cache = cache
        self._changes = 0

    def find(self, viewer: UserId) -> Book | None:
        """Return a user's book if it is in memory. O(1)."""
        return self._cache.get(viewer)

    async def book(self, viewer: UserId) -> Book:
        """Return a user's book, from memory or the table. O(1) or O(KEPT_MARKS)."""
        return self._cache.get(viewer) or await self._load(viewer)

    def find_flags(self, viewer: UserId, oldest: int) -> dict[int, ViewerFlags] | None:
        """Return the viewer's flags by tweet; of those from `oldest` on none is missing. O(1).

        None: not all of that is in memory. Not to be changed.
        """
        book = self._cache.get(viewer)
        return None if book is None or oldest < book.complete_from else book.flags

    async def flags_many(self, viewer: UserId | None, ids: Sequence[int]) -> list[ViewerFlags]:
        """Return the viewer's flags, in the order of `ids`. O(len(ids)); 0.05 µs each from memory.

        One read of one shard at the most: all marks of a viewer share a partition.
        """
        if viewer is None:
            return [NO_FLAGS] * len(ids)
        book = await self.book(viewer)
        if not book.flags and not book.complete_from:
            return [NO_FLAGS] * len(ids)
        found = [book.flags.get(i, NO_FLAGS) for i in ids]
        if book.complete_from:
            older = [place for place, i in enumerate(ids) if i < book.complete_from]
            marks = await self._store.marks.find_many(viewer, [ids[place] for place in older])
            for place, mark in zip(older, marks, strict=True):
                found[place] = flags_of(mark)
        return found

    async def _load(self, viewer: UserId) -> Book:
        while True:
            before = self._changes
            marks = await self._store.marks.newest(viewer, KEPT_MARKS)
            if before == self._changes:
                break
        complete_from = marks[-1][0] if len(marks) == KEPT_MARKS else 0
        room = 2 * len(marks) + _SPARE_MARKS
        book = Book({tweet: flags_of(mark) for tweet, mark in marks}, complete_from, room)
        self._cache.put(viewer, book, _FIXED_WEIGHT_BYTES + room * _MARK_WEIGHT_BYTES)
        return book

    async def refresh(self, user: UserId, tweet: TweetId) -> None:
        """Take in a change of one mark, which is on disk. O(1)."""
        self._changes += 1
        while True:
            before = self._changes
            mark = await self._store.marks.find(user, tweet)
            if before == self._changes:
                break
        book = self._cache.get(user)
        if book is None:
            return
        if len(book.flags) >= book.room:
            # Its weight was counted for so many; whoever asks next loads it anew.
            self._cache.delete(user)
            return
        book.version += 1
        if flags_of(mark) is NO_FLAGS:
            book.flags.pop(tweet, None)
        else:
            book.flags[tweet] = flags_of(mark)
