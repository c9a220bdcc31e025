"""The marks table: what each user did to which tweet; the truth of favorites and the like.

Invariants, all within the user's partition:
- A row is there exactly when at least one of its three marks is set.
- For each mark that is set there is one row in the order of its list (favorites, retweets,
  bookmarks), at the time of the action, and no others. A retweet's time is its own tweet id.

One read of one partition tells all flags of a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from struct import Struct as Layout

from msgspec import Struct
from msgspec.structs import replace

from chirp.errors import StorageError
from chirp.model import TweetId, UserId
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import Table, last_id, pair_key, partition_range
from chirp.storage.tables.orders import Order

_LAYOUT = Layout(">QQQ")


class MarkKind(IntEnum):
    """What can be done to a tweet; the number is the place in the row."""

    FAVORITE = 0
    RETWEET = 1
    BOOKMARK = 2


class Mark(Struct, frozen=True, gc=False):
    """What one user did to one tweet: times, and the retweet's id; 0: not done."""

    favorited_at: int = 0
    retweet_id: int = 0
    bookmarked_at: int = 0

    def at(self, kind: MarkKind) -> int:
        """Return when (a retweet: under which id) this was done; 0 when it was not."""
        return (self.favorited_at, self.retweet_id, self.bookmarked_at)[kind]

    def with_at(self, kind: MarkKind, at: int) -> Mark:
        """Return the mark with one kind set, or taken back by 0."""
        return replace(self, **{Mark.__struct_fields__[kind]: at})


UNMARKED = Mark()


def pack_mark(mark: Mark) -> bytes:
    """Return a mark's 24 bytes."""
    return _LAYOUT.pack(mark.favorited_at, mark.retweet_id, mark.bookmarked_at)


def unpack_mark(raw: bytes) -> Mark:
    """Return a mark. Raises: StorageError."""
    if len(raw) != _LAYOUT.size:
        raise StorageError("a mark's row with a wrong size")
    return Mark(*_LAYOUT.unpack(raw))


class Marks:
    """Marks by user and tweet."""

    def __init__(self, engine: Engine, lists: Sequence[Order]) -> None:
        self._engine = engine
        self._lists = lists

    async def find_many(self, user: UserId, tweets: Sequence[int]) -> list[Mark]:
        """Return the marks in the order of `tweets`; UNMARKED where there is none."""
        keys = [pair_key(user, tweet) for tweet in tweets]
        raws = await self._engine.get_many(Table.MARKS, keys)
        return [UNMARKED if raw is None else unpack_mark(raw) for raw in raws]

    async def find(self, user: UserId, tweet: TweetId) -> Mark:
        """Return what a user did to one tweet."""
        return (await self.find_many(user, [tweet]))[0]

    async def newest(self, user: UserId, limit: int) -> list[tuple[int, Mark]]:
        """Return up to `limit` (tweet, mark) of a user, newest tweet first."""
        start, stop = partition_range(user)
        rows = await self._engine.scan(Table.MARKS, start, stop, limit, reverse=True)
        return [(last_id(key), unpack_mark(raw)) for key, raw in rows]

    def change(self, batch: Batch, tweet: TweetId, before: Mark, kind: MarkKind, at: int) -> None:
        """Set one kind of mark to `at`, 0 takes it back; conflicts unless it is as `before`."""
        key = pair_key(batch.partition, tweet)
        after = before.with_at(kind, at)
        batch.expect(Table.MARKS, key, None if before == UNMARKED else pack_mark(before))
        if after == UNMARKED:
            batch.delete(Table.MARKS, key)
        else:
            batch.put(Table.MARKS, key, pack_mark(after))
        if before.at(kind):
            self._lists[kind].delete(batch, before.at(kind), tweet)
        if at:
            self._lists[kind].put(batch, at, tweet)
