"""The media table: uploads, each alone in its partition.

Invariant: what a tweet shows is used by it alone; `used_by` is set once.
"""

from __future__ import annotations

from collections.abc import Sequence

from chirp.model import Media
from chirp.storage.codec import pack_media, unpack_media
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import Table, everything, id_key


class MediaTable:
    """Uploads by id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find_many(self, ids: Sequence[int]) -> list[Media | None]:
        """Return the uploads in the order of `ids`; None where there is none. O(len(ids))."""
        raws = await self._engine.get_many(Table.MEDIA, [id_key(one) for one in ids])
        return [None if raw is None else unpack_media(raw) for raw in raws]

    async def find(self, media_id: int) -> Media | None:
        """Return one upload."""
        return (await self.find_many([media_id]))[0]

    async def above(self, media_id: int, limit: int) -> list[Media]:
        """Return up to `limit` uploads directly above an id, oldest first, of all shards."""
        _, stop = everything()
        rows = await self._engine.scatter(Table.MEDIA, id_key(media_id + 1), stop, limit)
        return sorted((unpack_media(raw) for _, raw in rows), key=lambda one: one.media_id)[:limit]

    @staticmethod
    def put(media: Media) -> Batch:
        """Return the batch that writes a new upload."""
        batch = Batch(media.media_id)
        batch.put(Table.MEDIA, id_key(media.media_id), pack_media(media))
        return batch

    @staticmethod
    def replace(before: Media, after: Media | None) -> Batch:
        """Return the batch that changes or removes an upload, if `before` still holds."""
        batch, key = Batch(before.media_id), id_key(before.media_id)
        batch.expect(Table.MEDIA, key, pack_media(before))
        if after is None:
            batch.delete(Table.MEDIA, key)
        else:
            batch.put(Table.MEDIA, key, pack_media(after))
        return batch
