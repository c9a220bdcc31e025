"""Media: uploads, their work in the background, their descriptions, and who may see them.

An upload goes through a folder of its own: `source` as it came, beside it what the workshop makes.
It is deleted when the work is done; of a video whose work a crash cut off, the next start does it
again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace

from chirp.blobs.store import Blobs
from chirp.clock import Clock
from chirp.commands import parse_alt_text
from chirp.config import MediaRules
from chirp.errors import (
    Conflict,
    Invalid,
    NotFound,
    Refusal,
    TooLarge,
    Unavailable,
    UnsupportedMedia,
)
from chirp.fanout.media_sweep import MediaSweep
from chirp.idgen.generator import IdGenerator
from chirp.media.results import Processed, ProducedFile
from chirp.media.sniffing import HEAD_BYTES, sniff
from chirp.media.workshop import Workshop
from chirp.model import Blob, Media, MediaId, MediaKind, MediaState
from chirp.readers.tweets import TweetReader
from chirp.storage.store import Store
from chirp.tasks import TaskRunner
from chirp.views import Viewer

log = logging.getLogger(__name__)

_MB = 1 << 20
_LOOK_AGAIN_S = 0.3
_MOST_LOOKS = 3000
"""A quarter of an hour: a worker has less for a video, but there may be a queue, or a full disk."""
_KINDS = "JPEG, PNG, WebP, GIF, AVIF, MP4, WebM and MOV"


def _no_room() -> Unavailable:
    return Unavailable("the server cannot store files now", retry_after_s=60)


class Upload:
    """A file that is arriving. Either `MediaService.finish` takes it, or it is dropped."""

    def __init__(self, media_id: MediaId, folder: Path, rules: MediaRules) -> None:
        self.media_id = media_id
        self.folder = folder
        self.source = folder / "source"
        self.is_video = False
        self._rules = rules
        self._size = 0
        self._head = b""
        folder.mkdir(parents=True)
        self._file: BinaryIO = self.source.open("wb")

    async def write(self, chunk: bytes) -> None:
        """Take more of it. Raises: TooLarge; UnsupportedMedia; Unavailable."""
        self._size += len(chunk)
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[:HEAD_BYTES]
        if len(self._head) >= HEAD_BYTES:
            self._look()
        try:
            await asyncio.to_thread(self._file.write, chunk)
        except OSError as error:
            raise _no_room() from error

    async def close(self) -> None:
        """Say that all of it is here. Raises: Invalid: nothing is; UnsupportedMedia."""
        if not self._size:
            raise Invalid("the file is empty", field="file")
        self._look()
        try:
            await asyncio.to_thread(self._sync)
        except OSError as error:
            raise _no_room() from error

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _look(self) -> None:
        kind = sniff(self._head)
        if kind is None:
            raise UnsupportedMedia(f"this is none of {_KINDS}", field="file")
        self.is_video = kind.kind == "video"
        most = self._rules.max_video_mb if self.is_video else self._rules.max_photo_mb
        if self._size > most * _MB:
            what = "video" if self.is_video else "photo"
            raise TooLarge(f"a {what} may have up to {most} MB", field="file")

    async def drop(self) -> None:
        """Delete what has arrived."""
        await asyncio.to_thread(self._drop)

    def _drop(self) -> None:
        with suppress(OSError):  # what a full disk did not take is tried once more, and let go
            self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class MediaService:
    """Uploads and what becomes of them."""

    def __init__(
        self,
        store: Store,
        ids: IdGenerator,
        blobs: Blobs,
        workshop: Workshop,
        sweep: MediaSweep,
        tweets: TweetReader,
        tasks: TaskRunner,
        clock: Clock,
        incoming: Path,
        rules: MediaRules,
    ) -> None:
        self._store = store
        self._ids = ids
        self._blobs = blobs
        self._workshop = workshop
        self._sweep = sweep
        self._tweets = tweets
        self._tasks = tasks
        self._clock = clock
        self._incoming = incoming
        self._rules = rules
        self._processing = 0

    # -- uploading ----------------------------------------------------------------------

    async def begin(self) -> Upload:
        """Return an upload to write to. Raises: Unavailable: the budget of the disk is used up."""
        if self._sweep.used_bytes >= self._rules.max_gb << 30:
            raise Unavailable("the server has no room for more media", retry_after_s=3600)
        media_id = MediaId(await self._ids.next())
        try:
            return Upload(media_id, self._incoming / str(media_id), self._rules)
        except OSError as error:
            raise _no_room() from error

    async def finish(self, viewer: Viewer, upload: Upload, alt_text: str) -> Media:
        """Process what has arrived: a photo now, a video later; it is on disk when this returns.

        Raises: Invalid; UnsupportedMedia; Unprocessable; TooLarge; Unavailable; StorageError.
        """
        try:
            alt_text = parse_alt_text(alt_text)
            await upload.close()
        except BaseException:
            await upload.drop()
            raise
        kind = MediaKind.VIDEO if upload.is_video else MediaKind.PHOTO
        now = self._clock.now_ms()
        media = Media(
            upload.media_id, viewer.user_id, kind, MediaState.PROCESSING, now, alt_text=alt_text
        )
        if upload.is_video:
            await self._accept(media, upload)
            return media
        try:
            media = await self._processed(media, upload.folder)
            await self._store.engine.commit(self._store.media.put(media))
        finally:
            await upload.drop()
        return media

    async def _accept(self, media: Media, upload: Upload) -> None:
        """Write down that a video is here, and begin to work on it."""
        try:
            await self._store.engine.commit(self._store.media.put(media))
        except BaseException:
            # Nobody was told its id. If the row is on disk after all, the sweep takes it in a day.
            await upload.drop()
            raise
        self._tasks.start(f"media-{media.media_id}", self._process_later(media, upload.folder))

    async def _processed(self, media: Media, folder: Path) -> Media:
        made_in = folder / "made"
        try:
            made_in.mkdir(exist_ok=True)
        except OSError as error:
            raise _no_room() from error
        self._processing += 1
        try:
            made = await self._workshop.process(folder / "source", made_in)
            return await self._stored(media, made)
        finally:
            self._processing -= 1

    async def _stored(self, media: Media, made: Processed) -> Media:
        original, preview = await self._blob(made.original), await self._blob(made.preview)
        self._sweep.used_bytes += original.size_bytes + preview.size_bytes
        self._sweep.files += 2
        return replace(
            media,
            kind=made.kind,
            state=MediaState.READY,
            original=original,
            preview=preview,
            width=made.width,
            height=made.height,
            duration_ms=made.duration_ms,
            blurhash=made.blurhash,
        )

    async def _blob(self, file: ProducedFile) -> Blob:
        try:
            name = await self._blobs.put(file.path)
        except OSError as error:
            raise _no_room() from error
        return Blob(name, file.content_type, file.extension, file.size_bytes)

    async def _process_later(self, media: Media, folder: Path) -> None:
        """Process a video and say what became of it, with the description that it has by then."""
        with suppress(NotFound):  # it was deleted meanwhile
            done = await self._processed_at_last(media, folder)
            await self._change(
                media.media_id,
                lambda now: replace(done, alt_text=now.alt_text, used_by=now.used_by),
            )
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _processed_at_last(self, media: Media, folder: Path) -> Media:
        """Process a video, however often the machine has no room for it. Raises: NotFound."""
        while True:
            try:
                return await self._processed(media, folder)
            except Unavailable as later:
                await self._clock.sleep(later.retry_after_s)
            except Refusal as refusal:
                return replace(media, state=MediaState.FAILED, problem=refusal.message)
            if await self._store.media.find(media.media_id) is None:
                raise NotFound("no such media")

    async def _change(self, media_id: MediaId, change: Callable[[Media], Media]) -> Media:
        """Change an upload, whoever else does meanwhile. Raises: NotFound."""
        while True:
            before = await self._store.media.find(media_id)
            if before is None:
                raise NotFound("no such media")
            after = change(before)
            try:
                await self._store.engine.commit(self._store.media.replace(before, after))
            except Conflict:
                continue
            return after

    async def resume(self) -> None:
        """Do what a crash cut off, and delete what it left behind. Called once, at the start."""
        for folder in await asyncio.to_thread(lambda: list(self._incoming.glob("*"))):
            name = folder.name
            media = await self._store.media.find(int(name)) if name.isdigit() else None
            if media is not None and media.state is MediaState.PROCESSING:
                work = self._process_later(media, folder)
                self._tasks.start(f"media-{media.media_id}", work)
            else:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    # -- one upload ---------------------------------------------------------------------

    async def get(self, viewer: Viewer, media_id: MediaId) -> Media:
        """Return one of the viewer's uploads. Raises: NotFound: somebody else's too."""
        media = await self._store.media.find(media_id)
        if media is None or media.owner_id != viewer.user_id:
            raise NotFound("no such media")
        return media

    async def wait(self, viewer: Viewer, media_id: MediaId) -> Media:
        """Return one of the viewer's uploads when its work is done.

        Raises: NotFound; Unavailable: it takes too long for somebody who waits.
        """
        for _ in range(_MOST_LOOKS):
            media = await self.get(viewer, media_id)
            if media.state is not MediaState.PROCESSING:
                return media
            await self._clock.sleep(_LOOK_AGAIN_S)
        raise Unavailable("the video is still being worked on", retry_after_s=60)

    async def describe(self, viewer: Viewer, media_id: MediaId, alt_text: str) -> Media:
        """Say anew what an upload shows. Raises: Invalid; NotFound."""
        text = parse_alt_text(alt_text)
        await self.get(viewer, media_id)
        media = await self._change(media_id, lambda now: replace(now, alt_text=text))
        await self._tweets.refresh([media.used_by])
        return media

    async def shown(self, viewer: Viewer | None, media_id: MediaId) -> tuple[Media, bool]:
        """Return an upload that a viewer may see, and whether everybody may. Raises: NotFound."""
        media = await self._store.media.find(media_id)
        if media is None or media.state is not MediaState.READY:
            raise NotFound("no such media")
        if await self._is_public(media):
            return media, True
        if viewer is None or viewer.user_id != media.owner_id or media.used_by:
            raise NotFound("no such media")
        return media, False

    async def _is_public(self, media: Media) -> bool:
        if media.used_by == media.owner_id:
            user = (await self._store.users.find_many([media.owner_id]))[0]
            shown = user is not None and media.media_id in {user.avatar_id, user.header_id}
            return shown and user is not None and not user.suspended
        if not media.used_by:
            return False
        cached = (await self._tweets.find_many([media.used_by]))[0]
        return cached is not None and not cached.author.user.suspended

    def content(self, blob: Blob, start: int, length: int) -> AsyncIterator[bytes]:
        """Return a range of a file."""
        return self._blobs.open(blob.name, start, length)

    # -- figures ------------------------------------------------------------------------

    def stats(self) -> dict[str, float]:
        """Return what media take."""
        return {
            "files": self._sweep.files,
            "bytes": self._sweep.used_bytes,
            "budget_bytes": self._rules.max_gb << 30,
            "processing": self._processing,
        }
