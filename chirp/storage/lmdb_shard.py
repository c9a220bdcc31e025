"""One LMDB file: its tables, reading from them, and applying a group of batches in one transaction.

Invariants:
- Read transactions are short, synchronous and closed before the method returns, so that the map
  may be grown between any two of them.
- Only the shard's writer thread opens write transactions; only the loop, and pool threads that
  pass `gate`, open read transactions. Who grows or closes the file does so on the loop, with the
  gate shut.
- `last_sequence` is that of the newest *durable* event: it moves after the commit, never before.
- The file is never mapped for writing (a full disk would be a SIGBUS) and never opened without
  `sync` unless the operator asked for it by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from struct import Struct

import lmdb

from chirp.errors import Conflict, StorageError
from chirp.storage.engine import Batch, Effect, Range, Row, TableStats, Verb, number_after
from chirp.storage.keys import Table
from chirp.storage.scan_gate import ScanGate

LMDB_FORMAT = 0
"""py-lmdb's `lib_version` of the 0.9 data format, which every other LMDB tool reads too."""

SCAN_CHUNK_ROWS = 1_000

_SEQUENCE = Struct(">Q")
_MARK = Struct(">QI")
_HIDDEN = ("journal", "markers", "cursors")
_TRIMMED = b"\x00trimmed"
"""The row of `cursors` that holds the sequence of the newest event that was trimmed."""

Work = Batch | Callable[["LmdbShard", "lmdb.Transaction[bytes]"], None]
"""What a writer applies: a batch, or housekeeping on the shard's own tables."""

Outcome = int | None | StorageError
"""A batch's result: the sequence of its event, nothing, or why it was not applied."""


def _nothing() -> None:
    pass


class LmdbShard:
    """Tables, journal, markers and cursors of one shard file."""

    def __init__(self, path: Path, *, map_bytes: int, sync: bool) -> None:
        self.path = path
        self.env = lmdb.open(
            str(path),
            map_size=map_bytes,
            subdir=False,
            sync=sync,
            mode=0o600,
            max_dbs=len(Table) + len(_HIDDEN),
            max_spare_txns=1,
            # Rows that are read together lie apart: what the system reads ahead is seldom wanted,
            # and a cold page of ten authors took 133 ms with it, 13 without (bench/scale.py).
            readahead=False,
            lib_version=LMDB_FORMAT,
        )
        self.env.reader_check()
        self.gate = ScanGate()
        self._marks: dict[bytes, bytes] = {}
        self._tables = {t: self.env.open_db(t.name.lower().encode()) for t in Table}
        self._journal, self._markers, self._cursors = (
            self.env.open_db(name.encode()) for name in _HIDDEN
        )
        self._refused: set[tuple[str, int]] = set()
        """Consumers and sources of which an effect failed since the file was opened."""
        self.last_sequence = self._newest_sequence()

    def _newest_sequence(self) -> int:
        with self.env.begin(db=self._journal) as txn, txn.cursor() as cursor:
            # A trimmed-empty journal must not start again at 1: see trim_journal.
            newest = int(_SEQUENCE.unpack(cursor.key())[0]) if cursor.last() else 0
        with self.env.begin(db=self._cursors) as txn, txn.cursor() as cursor:
            return max([newest, *(int(_SEQUENCE.unpack(value)[0]) for _, value in cursor)])

    # -- reading ------------------------------------------------------------------------

    def get_many(self, table: Table, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values in the order of `keys`. About 0.7 µs and 0.4 µs a key."""
        db = self._tables[table]
        try:
            with self.env.begin() as txn:
                get = txn.get
                return [get(key, db=db) for key in keys]
        except lmdb.Error as error:
            raise self._unreadable() from error

    def range(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, reverse: bool
    ) -> list[Row]:
        """Return up to `limit` rows with start <= key < stop. About 5 µs for twenty."""
        read = _range_down if reverse else _range_up
        try:
            with self.env.begin() as txn, txn.cursor(self._tables[table]) as cursor:
                return read(cursor, start, stop, limit)
        except lmdb.Error as error:
            raise self._unreadable() from error

    def ranges(
        self, table: Table, ranges: Sequence[Range], limit: int, *, reverse: bool
    ) -> list[list[Row]]:
        """Return what `range` does of each, in one transaction. About 4 µs each for eight rows."""
        read = _range_down if reverse else _range_up
        try:
            with self.env.begin() as txn, txn.cursor(self._tables[table]) as cursor:
                return [read(cursor, start, stop, limit) for start, stop in ranges]
        except lmdb.Error as error:
            raise self._unreadable() from error

    def _unreadable(self) -> StorageError:
        return StorageError(f"{self.path} cannot be read")

    def long_range(self, table: Table, start: bytes, stop: bytes, limit: int) -> list[Row]:
        """Return what `range` does, from a pool thread, in transactions of bounded length."""
        rows: list[Row] = []
        while len(rows) < limit:
            with self.gate.passing():
                chunk = min(SCAN_CHUNK_ROWS, limit - len(rows))
                part = self.range(table, start, stop, chunk, reverse=False)
            rows.extend(part)
            if len(part) < chunk:
                break
            start = part[-1][0] + b"\x00"
        return rows

    def read_journal(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return up to `limit` events above `after`."""
        start, stop = _SEQUENCE.pack(after + 1), b"\xff" * 9
        try:
            with self.env.begin() as txn, txn.cursor(self._journal) as cursor:
                rows = _range_up(cursor, start, stop, limit)
        except lmdb.Error as error:
            raise self._unreadable() from error
        return [(_SEQUENCE.unpack(key)[0], value) for key, value in rows]

    def cursor_of(self, consumer: str) -> int | None:
        """Return the stored cursor of a consumer."""
        with self.env.begin() as txn:
            raw = txn.get(consumer.encode(), db=self._cursors)
        return None if raw is None else int(_SEQUENCE.unpack(raw)[0])

    def table_stats(self) -> dict[str, TableStats]:
        """Return rows and bytes (whole pages) of each table, the engine's own ones included."""
        with self.env.begin() as txn:
            names = [table.name.lower() for table in Table] + list(_HIDDEN)
            handles = [*self._tables.values(), self._journal, self._markers, self._cursors]
            return {name: _size(txn, db) for name, db in zip(names, handles, strict=True)}

    # -- writing (on the writer thread) -------------------------------------------------

    def apply_group(
        self, group: Sequence[Work], applied: Callable[[], None] = _nothing
    ) -> list[Outcome]:
        """Apply all work in one transaction and sync once; return each one's outcome.

        `applied` is called when all changes are made and only the sync is left.

        Raises: lmdb.Error: nothing of the group was applied. A failed sync leaves open whether
        it is on disk; the caller must then stop accepting writes.
        """
        last = self.last_sequence
        outcomes: list[Outcome] = []
        self._marks.clear()
        with self.env.begin(write=True) as txn:
            for work in group:
                if not isinstance(work, Batch):
                    work(self, txn)
                    outcomes.append(None)
                    continue
                try:
                    sequence = self._apply(txn, work, last + 1)
                except StorageError as refusal:  # raised before the first change
                    outcomes.append(refusal)
                else:
                    last = last if sequence is None else sequence
                    outcomes.append(sequence)
            for key, mark in self._marks.items():
                txn.put(key, mark, db=self._markers)
            applied()
        self.last_sequence = last
        return outcomes

    def _apply(self, txn: lmdb.Transaction[bytes], batch: Batch, sequence: int) -> int | None:
        """Apply one batch; return the sequence of its event, None when it has none.

        Raises: Conflict, StorageError: refused, and the transaction is as it was.
        """
        if batch.effect is not None and self._is_stale(txn, batch.effect):
            return None
        self._check(txn, batch)
        tables = self._tables
        if batch.effect is not None:
            # After the expects: a conflict leaves the transaction open for the rest of the group.
            self._mark(batch.effect)
        for verb, table, key, value, amount in batch.changes:
            if verb is Verb.DELETE:
                txn.delete(key, db=tables[table])
            elif verb is Verb.PUT:
                txn.put(key, value, db=tables[table])  # type: ignore[arg-type]  # PUT has one
            else:
                number = number_after(verb, txn.get(key, db=tables[table]), amount)
                txn.put(key, number, db=tables[table])
        if batch.event is None:
            return None
        txn.put(_SEQUENCE.pack(sequence), batch.event, append=True, db=self._journal)
        return sequence

    def _check(self, txn: lmdb.Transaction[bytes], batch: Batch) -> None:
        """Raise Conflict or StorageError unless the batch may be applied."""
        if batch.effect is not None and batch.effect[:2] in self._refused:
            raise StorageError("an earlier effect of this source was not stored")
        for expected in batch.expects:
            if txn.get(expected.key, db=self._tables[expected.table]) != expected.value:
                raise Conflict("an expected row was otherwise")

    def _is_stale(self, txn: lmdb.Transaction[bytes], effect: Effect) -> bool:
        """Say whether an effect, or a later one, is applied already."""
        key = _marker_key(effect)
        last = self._marks.get(key) or txn.get(key, db=self._markers)
        return last is not None and _MARK.pack(effect.sequence, effect.part) <= last

    def refuse_after(self, work: Work) -> None:
        """Refuse later effects of a source of which one failed: their mark would hide it for ever.

        Until the store is opened anew; its consumer then begins again at the one that failed.
        """
        if isinstance(work, Batch) and work.effect is not None:
            self._refused.add(work.effect[:2])

    def _mark(self, effect: Effect) -> None:
        """Note that an effect is applied; the group writes the last note of each consumer once."""
        self._marks[_marker_key(effect)] = _MARK.pack(effect.sequence, effect.part)

    def store_cursor(self, txn: lmdb.Transaction[bytes], consumer: str, sequence: int) -> None:
        """Write a consumer's cursor."""
        txn.put(consumer.encode(), _SEQUENCE.pack(sequence), db=self._cursors)

    def trim_journal(self, txn: lmdb.Transaction[bytes], below: int, limit: int) -> int:
        """Delete up to `limit` of the oldest events with a sequence < `below`.

        The last one's sequence is kept among the cursors: a journal that was trimmed empty must
        not start again at 1, where every consumer and marker would skip its events.
        """
        deleted, last = 0, b""
        with txn.cursor(self._journal) as cursor:
            while deleted < limit and cursor.first() and cursor.key() < _SEQUENCE.pack(below):
                last = cursor.key()
                cursor.delete()
                deleted += 1
        if last:
            txn.put(_TRIMMED, last, db=self._cursors)
        return deleted

    def close(self) -> None:
        """Close the file, between two chunks of any scan. Reads then raise StorageError."""
        with self.gate.shut():
            self.env.close()


def _marker_key(effect: Effect) -> bytes:
    return effect.consumer.encode() + b"\x00" + effect.source.to_bytes(2, "big")


def _range_up(cursor: lmdb.Cursor[bytes], start: bytes, stop: bytes, limit: int) -> list[Row]:
    rows: list[Row] = []
    if limit < 1 or not cursor.set_range(start):
        return rows
    for row in cursor.iternext():
        if row[0] >= stop:
            break
        rows.append(row)
        if len(rows) == limit:
            break
    return rows


def _range_down(cursor: lmdb.Cursor[bytes], start: bytes, stop: bytes, limit: int) -> list[Row]:
    rows: list[Row] = []
    found = cursor.prev() if cursor.set_range(stop) else cursor.last()
    if limit < 1 or not found:
        return rows
    for row in cursor.iterprev():
        if row[0] < start:
            break
        rows.append(row)
        if len(rows) == limit:
            break
    return rows


def _size(txn: lmdb.Transaction[bytes], db: lmdb._Database) -> TableStats:
    stat = txn.stat(db)
    pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
    return TableStats(stat["entries"], pages * stat["psize"])
