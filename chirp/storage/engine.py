"""The Engine protocol: all that the rest of Chirp knows about where rows are kept.

Invariants that every engine holds, and that tests/contracts proves of each:
- A batch lives in one partition. It is applied as a whole or not at all, and the future that
  `commit` returns resolves only when it is durable.
- Batches of one partition are applied in the order in which they were committed.
- All `expect`s of a batch are evaluated before its first change.
- An event is appended to its journal in the same transaction as its batch, under the next
  sequence of that journal. Sequences have no gaps.
- An effect whose (consumer, source, order) is not newer than the last one applied is skipped
  whole: no replay of a journal changes anything twice.
- When an effect fails, later ones of its consumer and source in that partition fail too, until the
  engine is opened anew: skipped as old, the one that failed would be lost.

Nothing else leaks up: no transaction, cursor, memory view, shard number or LMDB error. An engine
has one or more journals ("sources", 0 to `sources` - 1); who asks needs not know what they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Protocol

from chirp.storage.codec import pack_i64, unpack_i64
from chirp.storage.keys import MAX_KEY_BYTES, PARTITION_BYTES, Table

Row = tuple[bytes, bytes]
"""A key and its value."""

Range = tuple[bytes, bytes]
"""Two keys of one partition: the rows with start <= key < stop."""

Watcher = Callable[[int, int], None]
"""Called on the loop with (source, last sequence) after a commit appended events."""


class Verb(IntEnum):
    """What one operation of a batch does."""

    EXPECT = 0
    PUT = 1
    DELETE = 2
    ADD = 3
    RAISE = 4


class Operation(NamedTuple):
    """One verb on one key. `value` is None for DELETE and for an EXPECT of absence."""

    verb: Verb
    table: Table
    key: bytes
    value: bytes | None
    amount: int = 0


def number_after(verb: Verb, old: bytes | None, amount: int) -> bytes:
    """Return the number that ADD or RAISE leaves where `old` stood. Raises: OverflowError."""
    if old is None:
        return pack_i64(amount)
    before = unpack_i64(old)
    return pack_i64(before + amount if verb is Verb.ADD else max(before, amount))


class Receipt(NamedTuple):
    """Where the event of a batch stands: journal and sequence."""

    source: int
    sequence: int


class Effect(NamedTuple):
    """Marks a batch as the consequence of an event, so that it is applied exactly once.

    `part` tells several batches of one event apart; batches of one source must be committed
    in the order of (sequence, part).
    """

    consumer: str
    source: int
    sequence: int
    part: int = 0


@dataclass(slots=True)
class Batch:
    """Changes to one partition that happen together or not at all.

    >>> from chirp.storage.keys import id_key
    >>> batch = Batch(7)
    >>> batch.put(Table.USERS, id_key(7), b"row")
    >>> batch.put(Table.USERS, id_key(8), b"row")
    Traceback (most recent call last):
    ValueError: a key of another partition, or too long: 0000000000000008
    """

    partition: int
    event: bytes | None = None
    effect: Effect | None = None
    expects: list[Operation] = field(default_factory=list)
    changes: list[Operation] = field(default_factory=list)
    prefix: bytes = field(init=False)
    """The eight bytes that every key of this batch starts with."""

    def __post_init__(self) -> None:
        self.prefix = self.partition.to_bytes(PARTITION_BYTES, "big")

    def expect(self, table: Table, key: bytes, value: bytes | None) -> None:
        """Apply the batch only if the row equals `value`; None: only if there is no row."""
        self.expects.append(Operation(Verb.EXPECT, table, self._checked(key), value))

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Write a row, new or not."""
        self.changes.append(Operation(Verb.PUT, table, self._checked(key), value))

    def delete(self, table: Table, key: bytes) -> None:
        """Remove a row; nothing happens when there is none."""
        self.changes.append(Operation(Verb.DELETE, table, self._checked(key), None))

    def add(self, table: Table, key: bytes, amount: int) -> None:
        """Add to the signed 64-bit counter at `key`, which starts at 0."""
        self.changes.append(Operation(Verb.ADD, table, self._checked(key), None, amount))

    def raise_to(self, table: Table, key: bytes, amount: int) -> None:
        """Let the signed 64-bit number at `key` be `amount`, unless it is greater already."""
        self.changes.append(Operation(Verb.RAISE, table, self._checked(key), None, amount))

    def _checked(self, key: bytes) -> bytes:
        if not key.startswith(self.prefix) or len(key) > MAX_KEY_BYTES:
            raise ValueError(f"a key of another partition, or too long: {key.hex()}")
        return key


@dataclass(frozen=True, slots=True)
class TableStats:
    """Size of one table over all shards."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class EngineStats:
    """What an engine holds and has done since it was opened."""

    shards: int
    tables: dict[str, TableStats]
    file_bytes: int
    commits: int
    batches: int
    conflicts: int
    journal_rows: int
    journal_bytes: int
    writes_stopped: str | None = None


class Engine(Protocol):
    """Rows in tables, batches, and journals of events."""

    @property
    def sources(self) -> int:
        """How many journals there are."""
        ...

    @property
    def writes_stopped(self) -> str | None:
        """Why writes are refused, in words for the operator; None while they are accepted."""
        ...

    async def get_many(self, table: Table, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values, in the order of `keys`; None where there is no row. O(len(keys)).

        A few are of one moment in each partition; of many, each is of one moment of its own, and
        what must come from a disk is asked for together.
        """
        ...

    async def scan(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, reverse: bool = False
    ) -> list[Row]:
        """Return at most `limit` rows of one partition with start <= key < stop, in key order.

        The partition is that of `start`. With `reverse`, the last ones, greatest key first.
        O(log(rows) + limit).
        """
        ...

    async def scan_many(
        self, table: Table, ranges: Sequence[Range], limit: int, *, reverse: bool = False
    ) -> list[list[Row]]:
        """Return what `scan` would for each range, in the order of `ranges`.

        For a few rows of each of many partitions: what must come from a disk is asked for
        together. Each range is of one moment, not all of the same.
        O(len(ranges) * (log(rows) + limit)).
        """
        ...

    async def scatter(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, reverse: bool = False
    ) -> list[Row]:
        """Return what `scan` would if all partitions were one: an ordered merge over all shards.

        O(shards * (log(rows) + limit)).
        """
        ...

    def let_go(self) -> None:
        """Give back what a long pass over the rows left in memory. Rows and reads stay as they are.

        To be called on the loop; a few milliseconds.
        """

    def commit(self, batch: Batch) -> asyncio.Future[Receipt | None]:
        """Queue `batch` at once; the future resolves when it is durable.

        The result is a Receipt when the batch has an event, else None. To be called on the loop.
        Raises (in the future): Conflict: an expect did not hold, nothing changed;
        WritesStopped: the batch was refused, or it is unknown whether it is on disk;
        StorageError: this batch could not be applied, nothing changed.
        """
        ...

    async def read_journal(self, source: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return up to `limit` events with a sequence above `after`, in order. O(limit)."""
        ...

    def source_of(self, partition: int) -> int:
        """Return the journal that events of a partition are appended to. O(1)."""
        ...

    def last_sequence(self, source: int) -> int:
        """Return the sequence of the newest durable event of a journal; 0 when it has none."""
        ...

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` on the loop after each commit that appended events."""
        ...

    async def cursor(self, consumer: str, source: int) -> int | None:
        """Return the sequence up to which `consumer` is done with `source`; None when unknown."""
        ...

    async def advance(self, consumer: str, source: int, sequence: int) -> None:
        """Store a consumer's cursor, durably. It may lag behind: effects guard themselves."""
        ...

    async def trim(self, source: int, below: int) -> int:
        """Delete events with a sequence < `below`; return how many went. O(deleted)."""
        ...

    def stats(self) -> EngineStats:
        """Return sizes and counts. O(shards * tables)."""
        ...

    async def close(self) -> None:
        """Wait for what is queued, then let go of all files. Further commits are refused."""
        ...
