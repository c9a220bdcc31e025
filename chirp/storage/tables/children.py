"""Children: which tweets answer or quote a tweet, by id, in the tweet's partition. Derived."""

from __future__ import annotations

from chirp.model import MAX_ID, TweetId
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import Table, last_id, pair_key


class Children:
    """The replies, or the quotes, of tweets."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self.table = table

    async def ids_below(self, tweet: int, below: int, limit: int) -> list[TweetId]:
        """Return up to `limit` ids below an id, newest first. O(log(rows) + limit)."""
        start, stop = pair_key(tweet, 0), pair_key(tweet, min(below, MAX_ID + 1))
        rows = await self._engine.scan(self.table, start, stop, limit, reverse=True)
        return [TweetId(last_id(key)) for key, _ in rows]

    async def ids_above(self, tweet: int, above: int, limit: int) -> list[TweetId]:
        """Return up to `limit` ids directly above an id, oldest first."""
        start, stop = pair_key(tweet, min(above, MAX_ID) + 1), pair_key(tweet, MAX_ID + 1)
        rows = await self._engine.scan(self.table, start, stop, limit)
        return [TweetId(last_id(key)) for key, _ in rows]

    def put(self, batch: Batch, child: TweetId) -> None:
        """Add a child to the tweet of the batch's partition."""
        batch.put(self.table, pair_key(batch.partition, child), b"")

    def delete(self, batch: Batch, child: TweetId) -> None:
        """Take a child out."""
        batch.delete(self.table, pair_key(batch.partition, child))
