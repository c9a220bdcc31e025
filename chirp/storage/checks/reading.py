"""Reading: what all checks share: tables in chunks, records decoded, problems noted, progress.

Invariant: a row that `chunks` yields has a key and a value of the right size; all others have
become problems, so that no check trips over them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import msgspec

from chirp.errors import StorageError
from chirp.model import Account, Action, ApiKey, Flag, Invite, Media, Tweet, User
from chirp.storage import codec
from chirp.storage.checks.pending import Pending
from chirp.storage.engine import Engine, Row
from chirp.storage.keys import PARTITION_BYTES, FlagTag, Table, Tag, everything
from chirp.storage.tables.answers import Answer, AnswerTag

CHUNK_ROWS = 2_000

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all)."""

PENDING_NOTE = (
    "the journal has {} events that the index consumer has not applied; start the server once"
)

Record = TypeVar("Record", Tweet, User, Account, ApiKey, Invite, Flag, Action, Answer, Media)


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that contradicts another or that is missing; `key` is in hex.

    In the journal, which is no table, `key` is "source:sequence".
    """

    table: str
    key: str
    what: str
    repairable: bool

    def row(self) -> tuple[Table, bytes]:
        """Return the table and the key as the engine knows them. Not for the journal."""
        return Table[self.table.upper()], bytes.fromhex(self.key)


@dataclass(slots=True)
class Report:
    """What a check found, how many rows it read of each table, and what is still to come."""

    problems: list[Problem] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    pending: int = 0

    def notes(self) -> list[str]:
        """Return what the operator should know although it is no problem, a line each."""
        if not self.pending:
            return []
        return [PENDING_NOTE.format(self.pending)]


class _Size(NamedTuple):
    """How many bytes a key and a value have; None: any number."""

    key: int | None
    value: int | None


_MEMBER, _ORDER = bytes([Tag.MEMBER]), bytes([Tag.ORDER])
_SIZES: dict[tuple[Table, bytes | None], _Size] = {
    (Table.TWEETS, None): _Size(8, None),
    (Table.USERS, None): _Size(8, None),
    (Table.USER_COUNTS, None): _Size(9, 8),
    (Table.AUTHOR_INDEX, None): _Size(16, 1),
    (Table.FOLLOWING, _MEMBER): _Size(17, 8),
    (Table.FOLLOWING, _ORDER): _Size(25, 0),
    (Table.FOLLOWERS, _MEMBER): _Size(17, 8),
    (Table.FOLLOWERS, _ORDER): _Size(25, 0),
    (Table.BLOCKING, _MEMBER): _Size(17, 8),
    (Table.BLOCKING, _ORDER): _Size(25, 0),
    (Table.BLOCKED_BY, _MEMBER): _Size(17, 8),
    (Table.BLOCKED_BY, _ORDER): _Size(25, 0),
    (Table.MUTING, _MEMBER): _Size(17, 8),
    (Table.MUTING, _ORDER): _Size(25, 0),
    (Table.MARKS, None): _Size(16, 24),
    (Table.FAVORITES, None): _Size(24, 0),
    (Table.RETWEETS, None): _Size(24, 0),
    (Table.BOOKMARKS, None): _Size(24, 0),
    (Table.FAVORITED_BY, None): _Size(24, 0),
    (Table.RETWEETED_BY, None): _Size(24, 0),
    (Table.REPLIES, None): _Size(16, 0),
    (Table.QUOTES, None): _Size(16, 0),
    (Table.TWEET_COUNTS, None): _Size(9, 8),
    (Table.VERSIONS, None): _Size(16, None),
    (Table.ANSWERS, bytes([AnswerTag.ROW])): _Size(25, None),
    (Table.ANSWERS, bytes([AnswerTag.TIME])): _Size(33, 0),
    (Table.NAMES, None): _Size(None, 8),
    (Table.ACCOUNTS, None): _Size(16, None),
    (Table.KEYS, None): _Size(40, None),
    (Table.USER_KEYS, None): _Size(24, 32),
    (Table.WAITING, None): _Size(16, None),
    (Table.INVITES, None): _Size(40, None),
    (Table.FLAGS, bytes([FlagTag.OPEN])): _Size(17, None),
    (Table.FLAGS, bytes([FlagTag.CLOSED])): _Size(17, None),
    (Table.ACTIONS, None): _Size(16, None),
    (Table.MEDIA, None): _Size(8, None),
    (Table.NEWEST, None): _Size(8, 8),
}
"""By table and, where one holds two kinds of rows, by the byte behind the partition."""

DERIVED = frozenset(
    {
        Table.USER_COUNTS,
        Table.AUTHOR_INDEX,
        Table.FOLLOWERS,
        Table.USER_KEYS,
        Table.FAVORITES,
        Table.RETWEETS,
        Table.BOOKMARKS,
        Table.FAVORITED_BY,
        Table.RETWEETED_BY,
        Table.REPLIES,
        Table.QUOTES,
        Table.TWEET_COUNTS,
        Table.BLOCKED_BY,
        Table.NEWEST,
    }
)
"""Tables of which every row follows from others."""


class Reading:
    """One run over a store."""

    def __init__(self, engine: Engine, pending: Pending, *, deep: bool, progress: Progress) -> None:
        self.engine = engine
        self.pending = pending
        self.deep = deep
        self._progress = progress
        stats = engine.stats()
        names = [table.name.lower() for table in Table]
        self._total = sum(stats.tables[name].rows for name in names) + stats.journal_rows
        self._done = 0
        self.report = Report(checked=dict.fromkeys([*names, "journal"], 0), pending=pending.events)

    async def chunks(self, table: Table) -> AsyncIterator[list[Row]]:
        """Yield the well-formed rows of a table in the order of keys. Memory: one chunk."""
        start, stop = everything()
        while rows := await self.engine.scatter(table, start, stop, CHUNK_ROWS):
            self.count(table.name.lower(), len(rows))
            yield [row for row in rows if self._is_well_formed(table, *row)]
            start = rows[-1][0] + b"\x00"

    def _is_well_formed(self, table: Table, key: bytes, value: bytes) -> bool:
        if _has_size(table, key, value):
            return True
        what = "the key or the value has an impossible size"
        self.problem(table, key, what, repairable=table in DERIVED and len(key) >= PARTITION_BYTES)
        return False

    def count(self, name: str, rows: int) -> None:
        """Note that rows were read."""
        self.report.checked[name] += rows
        self._done += rows
        self._progress(min(self._done, self._total), self._total)

    def problem(self, table: Table, key: bytes, what: str, *, repairable: bool = False) -> None:
        """Note a contradiction at a row."""
        self.report.problems.append(Problem(table.name.lower(), key.hex(), what, repairable))

    def record(
        self,
        table: Table,
        row: Row,
        unpack: Callable[[bytes], Record],
        pack: Callable[[Record], bytes],
    ) -> Record | None:
        """Return the record of a row, or None and a problem when it is not one."""
        key, raw = row
        try:
            record = typed(unpack(raw))
        except StorageError as error:
            self.problem(table, key, f"the row cannot be read: {error}")
            return None
        if self.deep and pack(record) != raw:
            self.problem(table, key, "the row has other bytes when its record is packed again")
        return record


async def rows_of(
    engine: Engine, table: Table, start: bytes, stop: bytes, *, scatter: bool = True
) -> AsyncIterator[Row]:
    """Yield the rows of a range in key order, a chunk at a time; `scatter`: of all partitions."""
    read = engine.scatter if scatter else engine.scan
    while rows := await read(table, start, stop, CHUNK_ROWS):
        for row in rows:
            yield row
        start = rows[-1][0] + b"\x00"


def typed(record: Record) -> Record:
    """Return `record` if its fields have the types that it declares. About 1 µs.

    Unpacking does not look: what reads a row trusts what wrote it.
    Raises: StorageError.
    """
    try:
        msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=type(record))
    except (msgspec.MsgspecError, TypeError, OverflowError) as error:
        raise StorageError(str(error)) from error
    return record


def since_of(value: bytes) -> int:
    """Return the time in a member row's value."""
    return codec.unpack_i64(value)


def has_key_size(table: Table, key: bytes) -> bool:
    """Say whether a key is as long as its table's keys are."""
    return _sizes(table, key) is not None


def _has_size(table: Table, key: bytes, value: bytes) -> bool:
    sizes = _sizes(table, key)
    return sizes is not None and sizes.value in {None, len(value)}


def _sizes(table: Table, key: bytes) -> _Size | None:
    """Return the sizes of the kind of row that a key belongs to; None when it fits none."""
    sizes = _SIZES.get((table, None)) or _SIZES.get((table, key[8:9]))
    return sizes if sizes is not None and sizes.key in {None, len(key)} else None
