"""Checks of the answers: each has its place in the order of time, which derives from them."""

from __future__ import annotations

from functools import partial

from chirp.errors import StorageError
from chirp.model import MAX_ID
from chirp.storage.checks.reading import Reading, typed
from chirp.storage.engine import Row
from chirp.storage.keys import PARTITION_BYTES, Table, partition_of
from chirp.storage.tables.answers import (
    Answer,
    AnswerTag,
    answer_row_key,
    answer_time_key,
    digest_in,
    pack_answer,
    unpack_answer,
)


async def check_answers(reading: Reading) -> None:
    """Each answer has one place in the order of time, and each place its answer."""
    async for rows in reading.chunks(Table.ANSWERS):
        await _check_rows(reading, [row for row in rows if not is_time(row[0])])
        await _check_times(reading, [key for key, _ in rows if is_time(key)])


def is_time(key: bytes) -> bool:
    """Say whether a row of the table is one of the order of time."""
    return key[8] == AnswerTag.TIME


def time_stands(key: bytes, raw: bytes | None) -> bool:
    """Say whether an answer's row entails this place in time. Raises: StorageError."""
    if raw is None:
        return False
    answer = typed(unpack_answer(digest_in(key), raw))
    return _has_time(answer) and answer_time_key(partition_of(key), answer) == key


async def _check_rows(reading: Reading, rows: list[Row]) -> None:
    answers = [(key, _answer(reading, (key, raw))) for key, raw in rows]
    keys = [answer_time_key(partition_of(key), answer) for key, answer in answers if answer]
    found = await reading.engine.get_many(Table.ANSWERS, keys)
    for key, raw in zip(keys, found, strict=True):
        if raw is None:
            what = "an answer has no place in the order of time"
            reading.problem(Table.ANSWERS, key, what, repairable=True)


def _answer(reading: Reading, row: Row) -> Answer | None:
    unpack = partial(unpack_answer, row[0][PARTITION_BYTES + 1 :])
    answer = reading.record(Table.ANSWERS, row, unpack, pack_answer)
    if answer is None or _has_time(answer):
        return answer
    reading.problem(Table.ANSWERS, row[0], "the row says an impossible time")
    return None


def _has_time(answer: Answer) -> bool:
    return 0 <= answer.at <= MAX_ID


async def _check_times(reading: Reading, keys: list[bytes]) -> None:
    rows = [answer_row_key(partition_of(key), digest_in(key)) for key in keys]
    found = await reading.engine.get_many(Table.ANSWERS, rows)
    for key, raw in zip(keys, found, strict=True):
        if not _may_stand(key, raw):
            what = "a place in the order of time has no answer of then"
            reading.problem(Table.ANSWERS, key, what, repairable=True)


def _may_stand(key: bytes, raw: bytes | None) -> bool:
    """Say whether a place is entailed; by a row that cannot be read it might be."""
    try:
        return time_stands(key, raw)
    except StorageError:
        return True
