"""Checks of the relations: members against their order, following against followers."""

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


async def check_relation(reading: Reading, table: Table) -> None:
    """Members and order rows of `table` match, and it mirrors its counterpart."""
    async for rows in reading.chunks(table):
        orders = [key for key, _ in rows if key[8] == Tag.ORDER]
        await _check_orders(reading, table, orders)
        members = [row for row in rows if row[0][8] == Tag.MEMBER]
        sane = [row for row in members if since_of(row[1]) >= 0]
        for key, _ in set(members) - set(sane):
            derived = table is Table.FOLLOWERS
            reading.problem(table, key, "the row says an impossible time", repairable=derived)
        await _check_members(reading, table, sane)
        if table is Table.FOLLOWING:
            await _check_following(reading, sane)
        else:
            await _check_followers(reading, members)


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


async def _check_following(reading: Reading, rows: Sequence[Row]) -> None:
    """Each followed person has the follower, since the same time."""
    mirrors = [member_key(last_id(key), partition_of(key)) for key, _ in rows]
    found = await reading.engine.get_many(Table.FOLLOWERS, mirrors)
    for (key, raw), mirror, mirrored in zip(rows, mirrors, found, strict=True):
        awaited = (partition_of(key), last_id(key)) in reading.pending.edges
        if raw != mirrored and not awaited:
            how = "not listed with" if mirrored is None else "listed since another time with"
            what = f"{_edge(Table.FOLLOWING, key)} is {how} the followers"
            reading.problem(Table.FOLLOWERS, mirror, what, repairable=True)


async def _check_followers(reading: Reading, rows: Sequence[Row]) -> None:
    """Each follower follows. When they began is compared from the other side."""
    mirrors = [member_key(last_id(key), partition_of(key)) for key, _ in rows]
    found = await reading.engine.get_many(Table.FOLLOWING, mirrors)
    for (key, _), raw in zip(rows, found, strict=True):
        awaited = (last_id(key), partition_of(key)) in reading.pending.edges
        if raw is None and not awaited:
            what = f"{_edge(Table.FOLLOWERS, key)} is listed with the followers only"
            reading.problem(Table.FOLLOWERS, key, what, repairable=True)


def _edge(table: Table, key: bytes) -> str:
    owner, other = partition_of(key), last_id(key)
    if table is Table.FOLLOWERS:
        owner, other = other, owner
    return f"the follow of {other} by {owner}"
