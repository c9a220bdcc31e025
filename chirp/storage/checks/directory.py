"""Checks of the directory: accounts, names and e-mails, keys and their lists."""

from __future__ import annotations

from collections.abc import Sequence

from chirp.errors import StorageError
from chirp.model import MAX_ID, Account, ApiKey
from chirp.storage import codec
from chirp.storage.checks.reading import Reading, typed
from chirp.storage.engine import Row
from chirp.storage.keys import DIRECTORY, Table, digest_key, id_key, last_id, pair_key, triple_key
from chirp.storage.tables.directory import name_keys


async def check_accounts(reading: Reading) -> None:
    """Each account holds its name and its e-mail and has a profile of the same name."""
    async for rows in reading.chunks(Table.ACCOUNTS):
        read = [_account(reading, row) for row in rows]
        accounts = [account for account in read if account is not None]
        await _check_claims(reading, accounts)
        await _check_profiles(reading, accounts)


def _account(reading: Reading, row: Row) -> Account | None:
    account = reading.record(Table.ACCOUNTS, row, codec.unpack_account, codec.pack_account)
    if account is None or (account.user_id == last_id(row[0]) and 0 < account.user_id <= MAX_ID):
        return account
    reading.problem(Table.ACCOUNTS, row[0], "the row is that of another account")
    return None


async def _check_claims(reading: Reading, accounts: Sequence[Account]) -> None:
    keys = [key for account in accounts for key in name_keys(account)]
    found = await reading.engine.get_many(Table.NAMES, keys)
    for i, (key, raw) in enumerate(zip(keys, found, strict=True)):
        user_id, kind = accounts[i // 2].user_id, ("name", "e-mail")[i % 2]
        if raw is None or codec.unpack_i64(raw) != user_id:
            whose = "nobody" if raw is None else f"account {codec.unpack_i64(raw)}"
            what = f"the {kind} of account {user_id} is held by {whose}"
            reading.problem(Table.NAMES, key, what)


async def _check_profiles(reading: Reading, accounts: Sequence[Account]) -> None:
    keys = [id_key(account.user_id) for account in accounts]
    found = await reading.engine.get_many(Table.USERS, keys)
    waiting = await _waiting(reading, accounts)
    for account, key, raw in zip(accounts, keys, found, strict=True):
        if account.user_id in reading.pending.users or account.user_id in waiting:
            continue
        if raw is None:
            reading.problem(Table.USERS, key, f"account {account.user_id} has no profile")
        elif _username(raw) not in {None, account.username}:
            what = f"account {account.user_id} and its profile have different names"
            reading.problem(Table.USERS, key, what)


async def _waiting(reading: Reading, accounts: Sequence[Account]) -> set[int]:
    """Return who has no profile because nobody has let them in yet."""
    keys = [pair_key(DIRECTORY, account.user_id) for account in accounts]
    found = await reading.engine.get_many(Table.WAITING, keys)
    return {a.user_id for a, raw in zip(accounts, found, strict=True) if raw is not None}


def _username(raw: bytes) -> str | None:
    try:
        return codec.unpack_user(raw).username
    except StorageError:
        return None


async def check_names(reading: Reading) -> None:
    """Each name and e-mail belongs to an account that is called so."""
    async for rows in reading.chunks(Table.NAMES):
        holders = [codec.unpack_i64(raw) for _, raw in rows]
        keys = [pair_key(DIRECTORY, max(holder, 0)) for holder in holders]
        found = await reading.engine.get_many(Table.ACCOUNTS, keys)
        for (key, _), holder, raw in zip(rows, holders, found, strict=True):
            if raw is None:
                what = f"the name belongs to account {holder}, which does not exist"
                reading.problem(Table.NAMES, key, what)
            elif not _claims(raw, key):
                what = f"the name belongs to account {holder}, which is called otherwise"
                reading.problem(Table.NAMES, key, what)


def _claims(raw: bytes, key: bytes) -> bool:
    """Say whether an account is called so; one that cannot be read might be."""
    try:
        return key in name_keys(typed(codec.unpack_account(raw)))
    except StorageError:
        return True


async def check_keys(reading: Reading) -> None:
    """Each key belongs to an account and is listed with its user."""
    async for rows in reading.chunks(Table.KEYS):
        read = [_key(reading, row) for row in rows]
        keys = [key for key in read if key is not None]
        await _check_owners(reading, keys)
        listed = [triple_key(DIRECTORY, key.user_id, key.key_id) for key in keys]
        found = await reading.engine.get_many(Table.USER_KEYS, listed)
        for key, row, digest in zip(keys, listed, found, strict=True):
            if digest != key.digest:
                what = f"key {key.key_id} is not listed with its user {key.user_id}"
                reading.problem(Table.USER_KEYS, row, what, repairable=True)


def _key(reading: Reading, row: Row) -> ApiKey | None:
    key = reading.record(Table.KEYS, row, codec.unpack_key, codec.pack_key)
    if key is None:
        return None
    if key.digest == row[0][8:] and 0 < key.user_id <= MAX_ID and 0 <= key.key_id <= MAX_ID:
        return key
    reading.problem(Table.KEYS, row[0], "the row is that of another key, or of no user")
    return None


async def _check_owners(reading: Reading, keys: Sequence[ApiKey]) -> None:
    owners = [pair_key(DIRECTORY, key.user_id) for key in keys]
    found = await reading.engine.get_many(Table.ACCOUNTS, owners)
    for key, raw in zip(keys, found, strict=True):
        if raw is None:
            what = f"key {key.key_id} belongs to user {key.user_id}, who has no account"
            reading.problem(Table.KEYS, digest_key(DIRECTORY, key.digest), what)


async def check_user_keys(reading: Reading) -> None:
    """Each listed key exists and is that user's."""
    async for rows in reading.chunks(Table.USER_KEYS):
        keys = [digest_key(DIRECTORY, digest) for _, digest in rows]
        found = await reading.engine.get_many(Table.KEYS, keys)
        for (row, _), raw in zip(rows, found, strict=True):
            if raw is None or not _is_listed(raw, row):
                what = f"a list of keys names {last_id(row)}, which is not a key of that user"
                reading.problem(Table.USER_KEYS, row, what, repairable=True)


def _is_listed(raw: bytes, row: bytes) -> bool:
    """Say whether a key stands in this row of a list; one that cannot be read might."""
    try:
        key = typed(codec.unpack_key(raw))
    except StorageError:
        return True
    return (key.user_id, key.key_id) == (int.from_bytes(row[8:16], "big"), last_id(row))
