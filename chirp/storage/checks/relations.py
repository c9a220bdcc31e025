"""Checks of the relations: members and their order, the mirrors, and follows across blocks."""

from __future__ import annotations

from collections.abc import Sequence

from chirp.storage.checks.reading import Reading, since_of
from chirp.storage.engine import Row
from chirp.storage.keys import (
    Table,
    Tag,
    last_id,
    member_key,
    order_key,
    partition_of,
    split_order_key,
)

MIRRORS = {Table.FOLLOWERS: Table.FOLLOWING, Table.BLOCKED_BY: Table.BLOCKING}
"""What is derived, by the other one's id, and what from."""

RELATIONS = frozenset({*MIRRORS.keys(), *MIRRORS.values(), Table.MUTING})

_NOUNS = {Table.FOLLOWING: "follow", Table.BLOCKING: "block", Table.MUTING: "mute"}


async def check_relations(reading: Reading) -> None:
    """Members and order rows of each match, mirrors agree, and nobody follows across a block."""
    for table in sorted(RELATIONS):
        async for rows in reading.chunks(table):
            await _check_rows(reading, table, rows)


async def _check_rows(reading: Reading, table: Table, rows: Sequence[Row]) -> None:
    orders = [key for key, _ in rows if key[8] == Tag.ORDER]
    await _check_orders(reading, table, orders)
    members = [row for row in rows if row[0][8] == Tag.MEMBER]
    sane = [row for row in members if since_of(row[1]) >= 0]
    for key, _ in set(members) - set(sane):
        what = "the row says an impossible time"
        reading.problem(table, key, what, repairable=table in MIRRORS)
    await _check_members(reading, table, sane)
    for mirror, truth in MIRRORS.items():
        if table is truth:
            await _check_truth(reading, mirror, sane)
        elif table is mirror:
            await _check_mirror(reading, mirror, members)
    if table is Table.BLOCKING:
        await _check_blocks(reading, [key for key, _ in members])


async def _check_members(reading: Reading, table: Table, rows: Sequence[Row]) -> None:
    keys = [order_key(partition_of(key), since_of(raw), last_id(key)) for key, raw in rows]
    found = await reading.engine.get_many(table, keys)
    for key, raw in zip(keys, found, strict=True):
        if raw is None:
            what = f"{_edge(table, key)} has no place in the order of time"
            reading.problem(table, key, what, repairable=True)


async def _check_orders(reading: Reading, table: Table, keys: Sequence[bytes]) -> None:
    members = [member_key(partition_of(key), last_id(key)) for key in keys]
    found = await reading.engine.get_many(table, members)
    for key, raw in zip(keys, found, strict=True):
        if raw is None or since_of(raw) != split_order_key(key)[0]:
            what = f"{_edge(table, key)} has a place in the order of time, but did not begin then"
            reading.problem(table, key, what, repairable=True)


async def _check_truth(reading: Reading, mirror: Table, rows: Sequence[Row]) -> None:
    """Each one followed or blocked has it in the mirror, since the same time."""
    mirrors = [member_key(last_id(key), partition_of(key)) for key, _ in rows]
    found = await reading.engine.get_many(mirror, mirrors)
    for (key, raw), mirrored_key, mirrored in zip(rows, mirrors, found, strict=True):
        awaited = (partition_of(key), last_id(key)) in reading.pending.edges
        if raw != mirrored and not awaited:
            how = "not listed with" if mirrored is None else "listed since another time with"
            what = f"{_edge(MIRRORS[mirror], key)} is {how} the {_listed(mirror)}"
            reading.problem(mirror, mirrored_key, what, repairable=True)


async def _check_mirror(reading: Reading, mirror: Table, rows: Sequence[Row]) -> None:
    """Each follower follows, each blocker blocks. Since when is compared from the other side."""
    truths = [member_key(last_id(key), partition_of(key)) for key, _ in rows]
    found = await reading.engine.get_many(MIRRORS[mirror], truths)
    for (key, _), raw in zip(rows, found, strict=True):
        awaited = (last_id(key), partition_of(key)) in reading.pending.edges
        if raw is None and not awaited:
            what = f"{_edge(mirror, key)} is listed with the {_listed(mirror)} only"
            reading.problem(mirror, key, what, repairable=True)


async def _check_blocks(reading: Reading, blocks: Sequence[bytes]) -> None:
    """Neither of two follows the other where one blocks the other."""
    pairs = [(partition_of(key), last_id(key)) for key in blocks]
    edges = sorted({edge for one, two in pairs for edge in ((one, two), (two, one))})
    found = await reading.engine.get_many(Table.FOLLOWING, [member_key(*edge) for edge in edges])
    for edge, raw in zip(edges, found, strict=True):
        if raw is not None and edge not in reading.pending.edges:
            key = member_key(*edge)
            what = f"{_edge(Table.FOLLOWING, key)} stands although one blocks the other"
            reading.problem(Table.FOLLOWING, key, what)


def _listed(mirror: Table) -> str:
    return "followers" if mirror is Table.FOLLOWERS else "blockers"


def _edge(table: Table, key: bytes) -> str:
    owner, other = partition_of(key), last_id(key)
    if table in MIRRORS:
        owner, other = other, owner
    return f"the {_NOUNS[MIRRORS.get(table, table)]} of {other} by {owner}"
