"""The invites table: codes that let people register, by the digest of the code.

Invariant: `0 <= uses <= most_uses`. An invite lies in the directory, beside the names: taking
a name and using an invite are one batch, so of those who use the last use at once exactly one
registers.
"""

from __future__ import annotations

from chirp.model import Invite
from chirp.storage.codec import pack_invite, unpack_invite
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import DIRECTORY, Table, digest_key, partition_range


class Invites:
    """Invites by digest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, digest: bytes) -> Invite | None:
        """Return the invite whose code has this digest."""
        key = digest_key(DIRECTORY, digest)
        raw = (await self._engine.get_many(Table.INVITES, [key]))[0]
        return None if raw is None else unpack_invite(raw)

    async def all(self) -> list[Invite]:
        """Return all invites, newest first. O(invites)."""
        rows = await self._engine.scan(Table.INVITES, *partition_range(DIRECTORY), 1 << 62)
        invites = [unpack_invite(raw) for _, raw in rows]
        return sorted(invites, key=lambda invite: (-invite.created_at, invite.invite_id))

    @staticmethod
    def put(batch: Batch, invite: Invite) -> None:
        """Write an invite."""
        batch.put(Table.INVITES, digest_key(DIRECTORY, invite.digest), pack_invite(invite))

    @staticmethod
    def expect(batch: Batch, invite: Invite) -> None:
        """Make the batch conflict unless the invite still is as given."""
        batch.expect(Table.INVITES, digest_key(DIRECTORY, invite.digest), pack_invite(invite))

    @staticmethod
    def delete(batch: Batch, invite: Invite) -> None:
        """Revoke an invite."""
        batch.delete(Table.INVITES, digest_key(DIRECTORY, invite.digest))
