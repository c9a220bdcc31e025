"""The check of `newest`: no author has a listed tweet above what is noted."""

from __future__ import annotations

from chirp.storage import codec
from chirp.storage.checks.counters import Counts, side_by_side
from chirp.storage.checks.listings import is_id
from chirp.storage.checks.reading import Reading, has_key_size, rows_of
from chirp.storage.engine import Engine
from chirp.storage.keys import Table, everything, id_key, last_id, partition_of


async def check_newest(reading: Reading) -> None:
    """Find authors with a tweet above what is noted as their newest: it would not be found.

    One that is noted and not listed was deleted. Both rows are written by one batch, so no event
    that waits to be applied explains a difference.
    """
    listed, noted = newest_listed(reading.engine), _noted(reading)
    async for author, newest, said in side_by_side(listed, noted):
        if said < newest:
            what = f"the newest tweet of {author} is {newest}, but noted is {said}"
            reading.problem(Table.NEWEST, id_key(author), what, repairable=True)


async def _noted(reading: Reading) -> Counts:
    async for rows in reading.chunks(Table.NEWEST):
        for key, raw in rows:
            yield partition_of(key), codec.unpack_i64(raw)


async def newest_listed(engine: Engine) -> Counts:
    """Yield each author with the greatest id of their index. O(tweets).

    Rows that are no such rows are passed over: what checks the index tells of them.
    """
    author = newest = 0
    async for key, _ in rows_of(engine, Table.AUTHOR_INDEX, *everything()):
        if not has_key_size(Table.AUTHOR_INDEX, key) or not is_id(last_id(key)):
            continue
        if partition_of(key) != author and author:
            yield author, newest
        author, newest = partition_of(key), last_id(key)
    if author:
        yield author, newest
