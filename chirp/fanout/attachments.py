"""Attachments: media become part of a tweet or of a profile, once.

An upload and the tweet that shows it lie in different partitions, so two batches say so. Both are
submitted without an await in between, and a post is acknowledged when both are on disk; what a
crash leaves half done, the sweep of media finishes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from chirp.clock import Clock
from chirp.errors import Invalid, Unprocessable
from chirp.model import Media, MediaId, MediaKind, MediaState, UserId
from chirp.storage.engine import Receipt
from chirp.storage.store import Store

MAX_PHOTOS = 4
UNUSED_MS = 24 * 3_600_000
"""After so long, what nothing shows is deleted."""
_TOO_LATE_MS = UNUSED_MS - 1_800_000
"""And after so long nothing may show it any more: the sweep must not come in between."""
Several = tuple[Media, ...]


class Attachments:
    """Takes media for what shows them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._taken: set[MediaId] = set()

    async def find(
        self, owner: UserId, ids: Sequence[MediaId], field: str = "media_ids"
    ) -> Several:
        """Return media that may be shown. Raises: Invalid: unknown or used; Unprocessable."""
        if not ids:
            return ()
        found = await self._store.media.find_many(ids)
        media = tuple(one for one in found if one is not None and one.owner_id == owner)
        if len(media) < len(ids):
            raise Invalid(f"unknown id in {field}", field=field)
        now = self._clock.now_ms()
        if any(now - one.created_at > _TOO_LATE_MS for one in media):
            raise Invalid(f"{field}: uploaded too long ago, send it again", field=field)
        if any(one.used_by for one in media):
            raise Invalid(f"{field}: this is part of a tweet or a profile already", field=field)
        if any(one.state is not MediaState.READY for one in media):
            raise Unprocessable(f"{field}: not ready yet", field=field)
        if len(media) > 1 and any(one.kind is not MediaKind.PHOTO for one in media):
            raise Invalid(
                f"a tweet takes up to {MAX_PHOTOS} photos, or one video, or one gif", field=field
            )
        return media

    @contextmanager
    def taking(self, media_ids: Iterable[MediaId]) -> Iterator[None]:
        """Keep others from using the same at once. Raises: Invalid: somebody does."""
        ids = set(media_ids)
        if ids & self._taken:
            raise Invalid("media_ids: this is being used by another tweet", field="media_ids")
        self._taken |= ids
        try:
            yield
        finally:
            self._taken -= ids

    def use(
        self, media: Several, used_by: int
    ) -> tuple[Several, asyncio.Future[list[Receipt | None]]]:
        """Submit what says that `used_by` shows them; return them so, and what to wait for."""
        after = tuple(replace(one, used_by=used_by) for one in media)
        batches = map(self._store.media.replace, media, after)
        return after, asyncio.gather(*[self._store.engine.commit(batch) for batch in batches])
