"""The users table: public profiles and their counters, each in the user's own partition."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from chirp.model import User, UserCounts, UserId
from chirp.storage.codec import pack_user, unpack_i64, unpack_user
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import Table, counter_key, everything, id_key, last_id


class Counter(IntEnum):
    """Which counter of a user; the number is in the key."""

    FOLLOWERS = 0
    FOLLOWING = 1
    TWEETS = 2


class Users:
    """Profiles and counters by user id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find_many(self, ids: Sequence[UserId]) -> list[User | None]:
        """Return the profiles in the order of `ids`; None where there is none. O(len(ids))."""
        raws = await self._engine.get_many(Table.USERS, [id_key(i) for i in ids])
        return [None if raw is None else unpack_user(raw) for raw in raws]

    async def counts_many(self, ids: Sequence[UserId]) -> list[UserCounts]:
        """Return the counters in the order of `ids`; zeros where there are none. O(len(ids))."""
        keys = [counter_key(i, which) for i in ids for which in Counter]
        raws = await self._engine.get_many(Table.USER_COUNTS, keys)
        values = [0 if raw is None else unpack_i64(raw) for raw in raws]
        return [UserCounts(*values[i : i + 3]) for i in range(0, len(values), 3)]

    async def all_ids(self) -> list[UserId]:
        """Return the ids of everybody, oldest account first. O(users)."""
        rows = await self._engine.scatter(Table.USERS, *everything(), 1 << 62)
        return [UserId(last_id(key)) for key, _ in rows]

    @staticmethod
    def put(batch: Batch, user: User) -> None:
        """Write a profile."""
        batch.put(Table.USERS, id_key(user.user_id), pack_user(user))

    @staticmethod
    def delete(batch: Batch, user_id: UserId) -> None:
        """Remove a profile, its counters, and what was noted of its tweets."""
        batch.delete(Table.NEWEST, id_key(user_id))
        batch.delete(Table.USERS, id_key(user_id))
        for counter in Counter:
            batch.delete(Table.USER_COUNTS, counter_key(user_id, counter))

    @staticmethod
    def count(batch: Batch, user_id: UserId, counter: Counter, amount: int) -> None:
        """Move one counter of a user by `amount`."""
        batch.add(Table.USER_COUNTS, counter_key(user_id, counter), amount)
