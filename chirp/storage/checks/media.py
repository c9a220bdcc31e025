"""Checks of uploads: each is that of its key. A truth: nothing mends it."""

from __future__ import annotations

from chirp.storage import codec
from chirp.storage.checks.reading import Reading
from chirp.storage.keys import Table, last_id


async def check_media(reading: Reading) -> None:
    """Each upload stands under its own id, and what is ready has its two files."""
    async for rows in reading.chunks(Table.MEDIA):
        for row in rows:
            media = reading.record(Table.MEDIA, row, codec.unpack_media, codec.pack_media)
            if media is None:
                continue
            if media.media_id != last_id(row[0]):
                reading.problem(Table.MEDIA, row[0], "the row is that of another upload")
            elif media.state == "ready" and not (media.original.name and media.preview.name):
                what = f"media {media.media_id} is ready, and names no files"
                reading.problem(Table.MEDIA, row[0], what)
