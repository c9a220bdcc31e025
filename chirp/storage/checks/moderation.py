"""Checks of who waits, of invites, flags and the trail. All are truths: nothing mends them."""

from __future__ import annotations

from chirp.errors import StorageError
from chirp.model import User
from chirp.storage import codec
from chirp.storage.checks.reading import Reading
from chirp.storage.engine import Row
from chirp.storage.keys import Table, id_key, last_id
from chirp.storage.tables.flags import flag_key


async def check_waiting(reading: Reading) -> None:
    """Whoever waits has an account of that name, and no profile yet."""
    async for rows in reading.chunks(Table.WAITING):
        accounts = await reading.engine.get_many(Table.ACCOUNTS, [key for key, _ in rows])
        profiles = await reading.engine.get_many(
            Table.USERS, [id_key(last_id(key)) for key, _ in rows]
        )
        for row, account, profile in zip(rows, accounts, profiles, strict=True):
            user = reading.record(Table.WAITING, row, codec.unpack_user, codec.pack_user)
            if user is not None:
                _check_person(reading, row, user, account)
            if profile is not None and last_id(row[0]) not in reading.pending.users:
                what = f"user {last_id(row[0])} waits for approval, and has a profile"
                reading.problem(Table.WAITING, row[0], what)


def _check_person(reading: Reading, row: Row, user: User, account: bytes | None) -> None:
    if user.user_id != last_id(row[0]):
        reading.problem(Table.WAITING, row[0], "the row is that of another user")
    elif account is None:
        what = f"user {user.user_id} waits for approval, but has no account"
        reading.problem(Table.WAITING, row[0], what)
    elif not _is_called(account, user.username):
        what = f"user {user.user_id} waits under another name than their account has"
        reading.problem(Table.WAITING, row[0], what)


def _is_called(raw: bytes, username: str) -> bool:
    """Say whether an account has this name; one that cannot be read might."""
    try:
        return codec.unpack_account(raw).username == username
    except StorageError:
        return True


async def check_invites(reading: Reading) -> None:
    """Each invite is that of its digest, and was not used more often than it may be."""
    async for rows in reading.chunks(Table.INVITES):
        for row in rows:
            invite = reading.record(Table.INVITES, row, codec.unpack_invite, codec.pack_invite)
            if invite is None:
                continue
            if invite.digest != row[0][8:]:
                reading.problem(Table.INVITES, row[0], "the row is that of another invite")
            if not 0 <= invite.uses <= invite.most_uses:
                what = (
                    f"invite {invite.invite_id} was used {invite.uses} of {invite.most_uses} times"
                )
                reading.problem(Table.INVITES, row[0], what)


async def check_flags(reading: Reading) -> None:
    """Each flag stands where its state says, once, and its tweet was posted (or deleted since)."""
    async for rows in reading.chunks(Table.FLAGS):
        tweets = await reading.engine.get_many(
            Table.TWEETS, [id_key(last_id(key)) for key, _ in rows]
        )
        for row, tweet in zip(rows, tweets, strict=True):
            flag = reading.record(Table.FLAGS, row, codec.unpack_flag, codec.pack_flag)
            if flag is not None and flag_key(flag) != row[0]:
                reading.problem(Table.FLAGS, row[0], "the row is that of another flag or state")
            if tweet is None:
                what = f"the tweet {last_id(row[0])} of a flag does not exist"
                reading.problem(Table.FLAGS, row[0], what)


async def check_actions(reading: Reading) -> None:
    """Each line of the trail can be read and stands under its id."""
    async for rows in reading.chunks(Table.ACTIONS):
        for row in rows:
            action = reading.record(Table.ACTIONS, row, codec.unpack_action, codec.pack_action)
            if action is not None and action.action_id != last_id(row[0]):
                reading.problem(Table.ACTIONS, row[0], "the row is that of another action")
