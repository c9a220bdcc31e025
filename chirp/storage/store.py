"""The store: a guarded folder, its manifest, its engine and the typed tables over it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from chirp.clock import Clock
from chirp.errors import OpenError
from chirp.storage import manifest as manifests
from chirp.storage.engine import Engine
from chirp.storage.guard import Guard
from chirp.storage.keys import Table, everything, last_id
from chirp.storage.lmdb_engine import LmdbEngine, create_shards, shard_path
from chirp.storage.manifest import Manifest
from chirp.storage.tables.actions import Actions
from chirp.storage.tables.answers import Answers
from chirp.storage.tables.children import Children
from chirp.storage.tables.directory import Directory
from chirp.storage.tables.flags import Flags
from chirp.storage.tables.invites import Invites
from chirp.storage.tables.marks import Marks
from chirp.storage.tables.media import MediaTable
from chirp.storage.tables.orders import Order
from chirp.storage.tables.relations import Relation
from chirp.storage.tables.tweets import Tweets
from chirp.storage.tables.users import Users
from chirp.storage.tables.waiting import Waiting

MAX_SHARDS = 256


@dataclass(frozen=True, slots=True)
class Options:
    """How a store is opened. `sync=False` loses acknowledged writes when the machine fails."""

    map_bytes: int = 64 << 30
    sync: bool = True


class Store:
    """The tables of one store. Close it to let another process have the folder."""

    def __init__(
        self,
        engine: Engine,
        manifest: Manifest,
        guard: Guard | None = None,
        folder: Path | None = None,
    ) -> None:
        """Take the engine of an open store; without a `folder`, what is no row is temporary."""
        self.engine = engine
        self.manifest = manifest
        self.users = Users(engine)
        self.tweets = Tweets(engine)
        self.following = Relation(engine, Table.FOLLOWING)
        self.followers = Relation(engine, Table.FOLLOWERS)
        self.blocking = Relation(engine, Table.BLOCKING)
        self.blocked_by = Relation(engine, Table.BLOCKED_BY)
        self.muting = Relation(engine, Table.MUTING)
        self.favorites = Order(engine, Table.FAVORITES)
        self.retweets = Order(engine, Table.RETWEETS)
        self.bookmarks = Order(engine, Table.BOOKMARKS)
        self.marks = Marks(engine, (self.favorites, self.retweets, self.bookmarks))
        self.favorited_by = Order(engine, Table.FAVORITED_BY)
        self.retweeted_by = Order(engine, Table.RETWEETED_BY)
        self.replies = Children(engine, Table.REPLIES)
        self.quotes = Children(engine, Table.QUOTES)
        self.answers = Answers(engine)
        self.directory = Directory(engine)
        self.waiting = Waiting(engine)
        self.invites = Invites(engine)
        self.flags = Flags(engine)
        self.actions = Actions(engine)
        self.media = MediaTable(engine)
        self._guard = guard
        temporary = Path(tempfile.gettempdir()) / f"chirp-{uuid4().hex}"
        self.media_folder = (folder or temporary) / "media"

    async def greatest_id(self) -> int:
        """Return the greatest id on disk, of a tweet (deleted ones count), user or action."""
        # Accounts, not profiles: those of the last moment before a crash are not written yet.
        tables = (Table.TWEETS, Table.ACCOUNTS, Table.ACTIONS, Table.MEDIA)
        return max([await self._greatest(table) for table in tables])

    async def _greatest(self, table: Table) -> int:
        rows = await self.engine.scatter(table, *everything(), 1, reverse=True)
        return max((last_id(key) for key, _ in rows), default=0)

    async def close(self) -> None:
        """Wait for what is queued, close all files and let go of the folder."""
        try:
            await self.engine.close()
        finally:
            if self._guard is not None:
                self._guard.release()


def create_store(folder: Path, clock: Clock, *, shards: int = 2, id_layout: str = "64") -> None:
    """Make an empty store. Raises: OpenError: there is one, or the folder cannot be written."""
    if not 1 <= shards <= MAX_SHARDS:
        hint = f"choose 1 to {MAX_SHARDS}"
        raise OpenError(f"{shards} shards are not possible", path=folder, hint=hint)
    hint = "choose a folder that this user can write, with space on its disk"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        guard = Guard(folder)
        try:
            _fill(folder, manifests.new_manifest(shards, id_layout, clock.now_ms()))
        finally:
            guard.release()
    except OSError as error:
        raise OpenError(f"cannot be made ({error.strerror})", path=folder, hint=hint) from error


def _fill(folder: Path, manifest: Manifest) -> None:
    """Write the files of a new store; the manifest last, because it is what makes it one."""
    if manifests.exists(folder):
        raise OpenError("there is a store already", path=folder, hint="choose another folder")
    create_shards(folder, manifest.shards)
    manifests.write(folder, manifest)


async def open_store(folder: Path, options: Options = Options()) -> Store:
    """Open a store, on the running loop. Raises: OpenError, in one line with what to do."""
    _check_format(folder, manifests.read(folder))
    guard = Guard(folder)
    try:
        # Read again: another process may have migrated it before the guard was ours.
        manifest = manifests.read(folder)
        _check_format(folder, manifest)
        return Store(open_engine(folder, manifest, options), manifest, guard, folder)
    except OpenError:
        guard.release()
        raise


def open_engine(folder: Path, manifest: Manifest, options: Options) -> LmdbEngine:
    """Open a store's shard files, whatever its format, on the running loop. Raises: OpenError."""
    for number in range(manifest.shards):
        path = shard_path(folder, number)
        if not path.exists():
            # LMDB would make an empty one in its place, and nobody would miss the rows.
            hint = "restore the whole folder from a backup"
            raise OpenError("a shard file is missing", path=path, hint=hint)
    return LmdbEngine(folder, manifest.shards, map_bytes=options.map_bytes, sync=options.sync)


def _check_format(folder: Path, manifest: Manifest) -> None:
    newest = max(manifest.format, manifest.migrating_to or 0)
    if newest > manifests.FORMAT:
        raise OpenError(
            f"the store has format {newest}, this chirp reads up to {manifests.FORMAT}",
            path=folder,
            hint="upgrade chirp",
        )
    if manifest.format < manifests.FORMAT or manifest.migrating_to is not None:
        raise OpenError(
            f"the store has the older format {manifest.format}",
            path=folder,
            hint="run `chirp migrate` on it",
        )
