"""Checks of the journals: sequences, events and the durable consumers' cursors."""

from __future__ import annotations

from chirp.errors import StorageError
from chirp.storage.checks.pending import AUDIT_CONSUMER, INDEX_CONSUMER
from chirp.storage.checks.reading import CHUNK_ROWS, Problem, Reading
from chirp.storage.events import pack_event, unpack_event


async def check_journal(reading: Reading, source: int) -> None:
    """Sequences have no gaps up to the newest, each event can be read, the cursor is possible."""
    first, last = 0, 0
    while rows := await reading.engine.read_journal(source, last, CHUNK_ROWS):
        reading.count("journal", len(rows))
        first = first or rows[0][0]
        for sequence, raw in rows:
            if last and sequence != last + 1:
                _gap(reading, source, last + 1, sequence - 1)
            _check_event(reading, source, sequence, raw)
            last = sequence
    newest = reading.engine.last_sequence(source)
    if last and last != newest:
        _gap(reading, source, last + 1, newest)
    for consumer in (INDEX_CONSUMER, AUDIT_CONSUMER):
        await _check_cursor(reading, consumer, source, first, last or newest)


def _check_event(reading: Reading, source: int, sequence: int, raw: bytes) -> None:
    try:
        event = unpack_event(raw)
    except StorageError as error:
        _problem(reading, source, sequence, f"the event cannot be read: {error}")
        return
    if reading.deep and pack_event(event) != raw:
        _problem(reading, source, sequence, "the event has other bytes when it is packed again")


async def _check_cursor(
    reading: Reading, consumer: str, source: int, first: int, last: int
) -> None:
    stored = await reading.engine.cursor(consumer, source)
    if stored is None and consumer == AUDIT_CONSUMER:
        return  # it has never run here, and will begin at the journal's end
    cursor = stored or 0
    if cursor > last:
        what = f"the {consumer} consumer is at {cursor}, beyond the last event {last}"
        _problem(reading, source, cursor, what)
    elif first and cursor < first - 1:
        what = f"events {cursor + 1} to {first - 1} went before the {consumer} consumer saw them"
        _problem(reading, source, cursor + 1, what)


def _gap(reading: Reading, source: int, first: int, last: int) -> None:
    _problem(reading, source, first, f"events {first} to {last} are missing")


def _problem(reading: Reading, source: int, sequence: int, what: str) -> None:
    key = f"{source}:{sequence}"
    reading.report.problems.append(Problem("journal", key, what, repairable=False))
