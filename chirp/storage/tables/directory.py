"""The directory: names, e-mails, accounts and keys, all in one partition.

Invariants:
- A name or an e-mail, folded to one case, belongs to at most one account: claiming it is one
  batch that expects it absent.
- Every key row has its entry in the list of its user's keys, and the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from chirp.model import Account, ApiKey, UserId
from chirp.storage.codec import pack_account, pack_i64, pack_key, unpack_account, unpack_i64
from chirp.storage.codec import unpack_key as _unpack_key
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import (
    DIRECTORY,
    Table,
    digest_key,
    everything,
    pair_key,
    text_key,
    triple_key,
)


class _Name(IntEnum):
    USERNAME = 0
    EMAIL = 1


def _username_key(username: str) -> bytes:
    return text_key(DIRECTORY, _Name.USERNAME, username.lower().encode())


def _email_key(email: str) -> bytes:
    return text_key(DIRECTORY, _Name.EMAIL, email.casefold().encode())


def name_keys(account: Account) -> tuple[bytes, bytes]:
    """Return the keys of the name and of the e-mail that an account holds."""
    return _username_key(account.username), _email_key(account.email)


class Directory:
    """Accounts by name, e-mail and id; keys by digest and by user."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find_many(self, usernames: Sequence[str]) -> list[UserId | None]:
        """Return the ids behind usernames, whatever their case. O(len(usernames))."""
        return await self._ids([_username_key(name) for name in usernames])

    async def find_email(self, email: str) -> UserId | None:
        """Return the id of the account with this address, whatever its case."""
        return (await self._ids([_email_key(email)]))[0]

    async def _ids(self, keys: list[bytes]) -> list[UserId | None]:
        raws = await self._engine.get_many(Table.NAMES, keys)
        return [None if raw is None else UserId(unpack_i64(raw)) for raw in raws]

    async def find_account(self, user_id: UserId) -> Account | None:
        """Return the private part of an account."""
        key = pair_key(DIRECTORY, user_id)
        raw = (await self._engine.get_many(Table.ACCOUNTS, [key]))[0]
        return None if raw is None else unpack_account(raw)

    async def find_accounts(self, ids: Sequence[UserId]) -> list[Account | None]:
        """Return the private parts in the order of `ids`; None where there is none."""
        keys = [pair_key(DIRECTORY, user_id) for user_id in ids]
        raws = await self._engine.get_many(Table.ACCOUNTS, keys)
        return [None if raw is None else unpack_account(raw) for raw in raws]

    async def accounts(self) -> list[Account]:
        """Return all accounts, oldest first. O(accounts)."""
        rows = await self._engine.scatter(Table.ACCOUNTS, *everything(), 1 << 62)
        return [unpack_account(raw) for _, raw in rows]

    async def find_key(self, digest: bytes) -> ApiKey | None:
        """Return the key whose secret has this digest."""
        return (await self.find_keys([digest]))[0]

    async def find_keys(self, digests: Sequence[bytes]) -> list[ApiKey | None]:
        """Return the keys with these digests, in their order. O(len(digests))."""
        keys = [digest_key(DIRECTORY, digest) for digest in digests]
        raws = await self._engine.get_many(Table.KEYS, keys)
        return [None if raw is None else _unpack_key(raw) for raw in raws]

    async def keys_of(self, user_id: UserId) -> list[ApiKey]:
        """Return the keys of a user, oldest first. O(keys)."""
        start, stop = triple_key(DIRECTORY, user_id, 0), triple_key(DIRECTORY, user_id + 1, 0)
        rows = await self._engine.scan(Table.USER_KEYS, start, stop, 1 << 62)
        found = await self.find_keys([digest for _, digest in rows])
        keys = [key for key in found if key is not None]
        return sorted(keys, key=lambda key: (key.created_at, key.key_id))

    @staticmethod
    def claim(batch: Batch, account: Account) -> None:
        """Take a name and an e-mail and write the account; conflicts when either is taken."""
        for key in name_keys(account):
            batch.expect(Table.NAMES, key, None)
            batch.put(Table.NAMES, key, pack_i64(account.user_id))
        Directory.put_account(batch, account)

    @staticmethod
    def put_account(batch: Batch, account: Account) -> None:
        """Write an account's private part; name and e-mail are those that it claimed."""
        batch.put(Table.ACCOUNTS, pair_key(DIRECTORY, account.user_id), pack_account(account))

    @staticmethod
    def move_email(batch: Batch, before: Account, after: Account) -> None:
        """Give up one address for another, if they differ; conflicts when that is taken."""
        old, new = _email_key(before.email), _email_key(after.email)
        if old != new:
            batch.expect(Table.NAMES, new, None)
            batch.put(Table.NAMES, new, pack_i64(after.user_id))
            batch.delete(Table.NAMES, old)

    @staticmethod
    def expect_account(batch: Batch, account: Account) -> None:
        """Make the batch conflict unless the account still is as given."""
        key = pair_key(DIRECTORY, account.user_id)
        batch.expect(Table.ACCOUNTS, key, pack_account(account))

    @staticmethod
    def put_key(batch: Batch, key: ApiKey) -> None:
        """Write a key and list it with its user."""
        batch.put(Table.KEYS, digest_key(DIRECTORY, key.digest), pack_key(key))
        batch.put(Table.USER_KEYS, triple_key(DIRECTORY, key.user_id, key.key_id), key.digest)

    @staticmethod
    def expect_key(batch: Batch, key: ApiKey) -> None:
        """Make the batch conflict unless the key still is as given."""
        batch.expect(Table.KEYS, digest_key(DIRECTORY, key.digest), pack_key(key))

    @staticmethod
    def delete_key(batch: Batch, key: ApiKey) -> None:
        """Revoke a key."""
        batch.delete(Table.KEYS, digest_key(DIRECTORY, key.digest))
        batch.delete(Table.USER_KEYS, triple_key(DIRECTORY, key.user_id, key.key_id))

    @staticmethod
    def release(batch: Batch, account: Account, keys: Sequence[ApiKey]) -> None:
        """Forget an account: its names become free and its keys invalid."""
        for name in name_keys(account):
            batch.delete(Table.NAMES, name)
        batch.delete(Table.ACCOUNTS, pair_key(DIRECTORY, account.user_id))
        for key in keys:
            Directory.delete_key(batch, key)
