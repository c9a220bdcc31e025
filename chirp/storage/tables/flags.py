"""The flags table: tweets that a filter shows to the moderators.

Invariants:
- A tweet has at most one flag: it stands among the open ones or among the closed ones.
- A flag changes nothing of its tweet.
"""

from __future__ import annotations

from collections.abc import Iterable

from chirp.model import MAX_ID, Flag, TweetId
from chirp.storage.codec import pack_flag, unpack_flag
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import DIRECTORY, FlagTag, Table, tagged_key


def flag_key(flag: Flag) -> bytes:
    """Return the key of a flag: open and closed ones are two ranges, each by tweet id."""
    return _key(FlagTag.OPEN if flag.closed_by is None else FlagTag.CLOSED, flag.tweet_id)


def _key(tag: FlagTag, tweet_id: int) -> bytes:
    return tagged_key(DIRECTORY, tag, tweet_id)


class Flags:
    """Flags by the id of their tweet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, tweet_id: TweetId) -> Flag | None:
        """Return the flag of a tweet, open or closed."""
        keys = [_key(tag, tweet_id) for tag in FlagTag]
        raws = await self._engine.get_many(Table.FLAGS, keys)
        return next((unpack_flag(raw) for raw in raws if raw is not None), None)

    async def newest(self, tags: Iterable[FlagTag], below: int, limit: int) -> list[Flag]:
        """Return up to `limit` flags of tweets below an id, newest tweet first."""
        found = []
        for tag in tags:
            start, stop = _key(tag, 0), _key(tag, min(below, MAX_ID + 1))
            found += await self._engine.scan(Table.FLAGS, start, stop, limit, reverse=True)
        flags = [unpack_flag(raw) for _, raw in found]
        return sorted(flags, key=lambda flag: -flag.tweet_id)[:limit]

    async def oldest_above(self, tags: Iterable[FlagTag], above: int, limit: int) -> list[Flag]:
        """Return up to `limit` flags of tweets directly above an id, oldest tweet first."""
        found = []
        for tag in tags:
            start, stop = _key(tag, min(above, MAX_ID) + 1), _key(tag, MAX_ID + 1)
            found += await self._engine.scan(Table.FLAGS, start, stop, limit)
        flags = [unpack_flag(raw) for _, raw in found]
        return sorted(flags, key=lambda flag: flag.tweet_id)[:limit]

    @staticmethod
    def put(batch: Batch, flag: Flag) -> None:
        """Write a flag where its state says; what an edit raises anew is no longer closed."""
        for tag in FlagTag:
            batch.delete(Table.FLAGS, _key(tag, flag.tweet_id))
        batch.put(Table.FLAGS, flag_key(flag), pack_flag(flag))

    @staticmethod
    def replace(batch: Batch, before: Flag, after: Flag) -> None:
        """Write `after` in place of `before`; the batch conflicts unless that is still so."""
        batch.expect(Table.FLAGS, flag_key(before), pack_flag(before))
        batch.delete(Table.FLAGS, flag_key(before))
        batch.put(Table.FLAGS, flag_key(after), pack_flag(after))
