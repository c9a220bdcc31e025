"""The waiting table: people who registered and whom nobody has let in yet.

Invariant: who stands here has an account, names and a key, and no profile. So nothing of them is
public: whatever lists people reads profiles.
"""

from __future__ import annotations

from chirp.model import MAX_ID, User, UserId
from chirp.storage.codec import pack_user, unpack_user
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import DIRECTORY, Table, pair_key


class Waiting:
    """The profiles that people will have, by user id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, user_id: UserId) -> User | None:
        """Return the profile of somebody who waits, or None."""
        key = pair_key(DIRECTORY, user_id)
        raw = (await self._engine.get_many(Table.WAITING, [key]))[0]
        return None if raw is None else unpack_user(raw)

    async def newest(self, below: int, limit: int) -> list[User]:
        """Return up to `limit` people with ids below `below`, newest first."""
        start, stop = pair_key(DIRECTORY, 0), pair_key(DIRECTORY, min(below, MAX_ID + 1))
        rows = await self._engine.scan(Table.WAITING, start, stop, limit, reverse=True)
        return [unpack_user(raw) for _, raw in rows]

    async def oldest_above(self, above: int, limit: int) -> list[User]:
        """Return up to `limit` people with ids directly above `above`, oldest first."""
        start, stop = pair_key(DIRECTORY, min(above, MAX_ID) + 1), pair_key(DIRECTORY, MAX_ID + 1)
        rows = await self._engine.scan(Table.WAITING, start, stop, limit)
        return [unpack_user(raw) for _, raw in rows]

    @staticmethod
    def put(batch: Batch, user: User) -> None:
        """Let somebody wait."""
        batch.put(Table.WAITING, pair_key(DIRECTORY, user.user_id), pack_user(user))

    @staticmethod
    def expect(batch: Batch, user: User) -> None:
        """Make the batch conflict unless `user` still waits."""
        batch.expect(Table.WAITING, pair_key(DIRECTORY, user.user_id), pack_user(user))

    @staticmethod
    def delete(batch: Batch, user_id: UserId) -> None:
        """End somebody's waiting; nothing happens when they do not wait."""
        batch.delete(Table.WAITING, pair_key(DIRECTORY, user_id))
