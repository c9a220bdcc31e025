"""The actions table: the trail of what moderators did. Rows are only ever added.

Invariant: an action is written with the deed, in one batch, or before it. So a line may speak of a
deed that failed, and none that was done is missing.
"""

from __future__ import annotations

from chirp.model import MAX_ID, Action
from chirp.storage.codec import pack_action, unpack_action
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import DIRECTORY, Table, pair_key


class Actions:
    """Actions by id, which is their order in time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def newest(self, below: int, limit: int) -> list[Action]:
        """Return up to `limit` actions with ids below `below`, newest first."""
        start, stop = pair_key(DIRECTORY, 0), pair_key(DIRECTORY, min(below, MAX_ID + 1))
        rows = await self._engine.scan(Table.ACTIONS, start, stop, limit, reverse=True)
        return [unpack_action(raw) for _, raw in rows]

    async def oldest_above(self, above: int, limit: int) -> list[Action]:
        """Return up to `limit` actions with ids directly above `above`, oldest first."""
        start, stop = pair_key(DIRECTORY, min(above, MAX_ID) + 1), pair_key(DIRECTORY, MAX_ID + 1)
        rows = await self._engine.scan(Table.ACTIONS, start, stop, limit)
        return [unpack_action(raw) for _, raw in rows]

    @staticmethod
    def put(batch: Batch, action: Action) -> None:
        """Write a new action; the batch conflicts when its id is taken."""
        key = pair_key(DIRECTORY, action.action_id)
        batch.expect(Table.ACTIONS, key, None)
        batch.put(Table.ACTIONS, key, pack_action(action))
