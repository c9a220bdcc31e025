"""Reading: what all checks share: tables in chunks, records decoded, problems noted, progress.

Invariant: a row that `chunks` yields has a key and a value of the right size; all others have
become problems, so that no check trips over them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import msgspec

from chirp.errors import StorageError
from chirp.model import Account, ApiKey, Tweet, User
from chirp.storage import codec
from chirp.storage.checks.pending import Pending
from chirp.storage.engine import Engine, Row
from chirp.storage.keys import Table, Tag, everything

CHUNK_ROWS = 2_000

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all)."""

Record = TypeVar("Record", Tweet, User, Account, ApiKey)


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
        events = "1 event" if self.pending == 1 else f"{self.pending} events"
        return [
            f"the journal has {events} that the index consumer has not applied; "
            "start the server once"
        ]


class _Size(NamedTuple):
    """The sizes in bytes that a table's keys and values have; None: any."""

    keys: frozenset[int] | None
    value: int | None


_SIZES = {
    Table.TWEETS: _Size(frozenset({8}), None),
    Table.USERS: _Size(frozenset({8}), None),
    Table.USER_COUNTS: _Size(frozenset({9}), 8),
    Table.AUTHOR_INDEX: _Size(frozenset({16}), 1),
    Table.FOLLOWING: _Size(frozenset({17, 25}), None),
    Table.FOLLOWERS: _Size(frozenset({17, 25}), None),
    Table.NAMES: _Size(None, 8),
    Table.ACCOUNTS: _Size(frozenset({16}), None),
    Table.KEYS: _Size(frozenset({40}), None),
    Table.USER_KEYS: _Size(frozenset({24}), 32),
}
_RELATION_SIZES = {Tag.MEMBER: (17, 8), Tag.ORDER: (25, 0)}

DERIVED = frozenset(
    {Table.AUTHOR_INDEX, Table.FOLLOWERS, Table.USER_COUNTS, Table.USER_KEYS},
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
        self.problem(table, key, what, repairable=table in DERIVED)
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


def typed(record: Record) -> Record:
    """Return `record` if its fields have the types that it declares. About 1 µs.

    Unpacking does not look: what reads a row trusts what wrote it.
    Raises: StorageError.
    """
    try:
        same: Any = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=type(record))
    except (msgspec.MsgspecError, TypeError, OverflowError) as error:
        raise StorageError(str(error)) from error
    return record if same is not None else same


def since_of(value: bytes) -> int:
    """Return the time in a member row's value."""
    return codec.unpack_i64(value)


def _has_size(table: Table, key: bytes, value: bytes) -> bool:
    if table in {Table.FOLLOWING, Table.FOLLOWERS}:
        known = len(key) > 8 and key[8] in _RELATION_SIZES
        return known and _RELATION_SIZES[Tag(key[8])] == (len(key), len(value))
    keys, size = _SIZES[table]
    return (keys is None or len(key) in keys) and size in {None, len(value)}
