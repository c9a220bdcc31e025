"""The sweep of media: what nobody shows goes, and what a crash left half done is finished.

It goes by what it finds in the tables and on the disk, never by what it remembers: cut off
anywhere, it begins anew. Nothing waits for it: media of a deleted tweet are hidden at once.

- An upload that nothing shows is deleted a day after it came, unless a tweet of its owner shows it.
- One whose tweet is deleted is deleted; one of a profile that has another picture, after that day.
- One that changes while it is looked at keeps its files: the next round decides.
- A blob that no upload names is deleted once it is an hour old: until then, one may be on its way.
"""

from __future__ import annotations

import asyncio
import logging

from msgspec.structs import replace

from chirp.blobs.store import Blobs
from chirp.clock import Clock
from chirp.errors import Conflict, StorageError
from chirp.fanout.attachments import UNUSED_MS
from chirp.model import MAX_ID, Media, UserId
from chirp.storage.store import Store

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 600.0
YOUNG_S = 3600.0
SLICE = 200


class MediaSweep:
    """Deletes media that nothing shows. `used_bytes` and `files` are as of the last round."""

    def __init__(self, store: Store, blobs: Blobs, clock: Clock) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self.used_bytes = 0
        self.files = 0

    async def run(self) -> None:
        """Sweep now and then, as long as the process lives."""
        while True:
            try:
                if self._store.engine.writes_stopped is None:
                    await self.sweep()
            except (StorageError, OSError):
                log.exception("media could not be swept")
            await self._clock.sleep(SWEEP_EVERY_S)

    async def sweep(self) -> int:
        """Do one round; return how many uploads were deleted. O(uploads)."""
        named: dict[str, int] = {}
        place, deleted = 0, 0
        while found := await self._store.media.above(place, SLICE):
            for media in found:
                if not await self._is_wanted(media) and await self._changed(media, None):
                    deleted += 1
                else:
                    named |= _files_of(media)
            place = found[-1].media_id
            await asyncio.sleep(0)
        self.used_bytes, self.files = sum(named.values()), len(named)
        await self._sweep_blobs(named)
        return deleted

    async def _changed(self, media: Media, after: Media | None) -> bool:
        """Change or delete an upload; False: somebody else just has, and it is left alone."""
        try:
            await self._store.engine.commit(self._store.media.replace(media, after))
        except Conflict:
            return False
        return True

    async def _is_wanted(self, media: Media) -> bool:
        is_young = self._age_ms(media) < UNUSED_MS
        if media.used_by == media.owner_id:
            user = (await self._store.users.find_many([media.owner_id]))[0]
            # It is marked before the profile shows it.
            shown = user is not None and media.media_id in {user.avatar_id, user.header_id}
            return shown or is_young
        if media.used_by:
            if await self._store.tweets.is_deleted(media.used_by):
                return False
            # Nor is there a tweet where a crash came between the two batches, or comes now.
            return is_young or (await self._store.tweets.find_many([media.used_by]))[0] is not None
        return is_young or await self._is_shown(media)

    def _age_ms(self, media: Media) -> int:
        return self._clock.now_ms() - media.created_at

    async def _is_shown(self, media: Media) -> bool:
        """Find a tweet that shows what is not marked as shown: a crash was in between. Mark it."""
        below = MAX_ID
        while ids := await self._store.tweets.ids_of(UserId(media.owner_id), below, SLICE):
            for tweet in await self._store.tweets.find_many(ids):
                if tweet is not None and media.media_id in tweet.media_ids:
                    marked = replace(media, used_by=tweet.tweet_id)
                    await self._changed(media, marked)
                    return True
            below = ids[-1]
            if below < media.media_id:
                break
        return False

    async def _sweep_blobs(self, named: dict[str, int]) -> None:
        for name in await self._blobs.names():
            if name not in named:
                await self._blobs.delete_older(name, YOUNG_S)


def _files_of(media: Media) -> dict[str, int]:
    """Return the blobs of an upload, with their sizes."""
    blobs = (media.original, media.preview)
    return {blob.name: blob.size_bytes for blob in blobs if blob.name}
