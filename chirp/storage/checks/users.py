"""Checks of profiles: each is its user's and has an account."""

from __future__ import annotations

from chirp.storage import codec
from chirp.storage.checks.reading import Reading
from chirp.storage.keys import DIRECTORY, Table, pair_key, partition_of


async def check_users(reading: Reading) -> None:
    """Each profile is its user's and has an account."""
    async for rows in reading.chunks(Table.USERS):
        accounts = [pair_key(DIRECTORY, partition_of(key)) for key, _ in rows]
        found = await reading.engine.get_many(Table.ACCOUNTS, accounts)
        for (key, raw), account in zip(rows, found, strict=True):
            user_id = partition_of(key)
            user = reading.record(Table.USERS, (key, raw), codec.unpack_user, codec.pack_user)
            if user is not None and user.user_id != user_id:
                reading.problem(Table.USERS, key, "the row is that of another user")
            # A closed account's profile has no name, and stays until the sweep is done.
            if account is None and not (user is not None and user.suspended and not user.username):
                reading.problem(Table.USERS, key, f"user {user_id} has a profile, but no account")
