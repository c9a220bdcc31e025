"""Account changes: profile and account together, one after the other, and the end of both.

Invariants:
- A change is made from the newest profile: `Account.version` says which that is, and a profile
  row that is older has its own change still on its way.
- A closed account is hidden before anybody is told that it is closed; the sweep does the rest.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from chirp.cache.lru import LruMap
from chirp.errors import NotFound, Taken
from chirp.fanout.truths import Truths
from chirp.model import Account, ApiKey, User, UserId
from chirp.storage.changes import account_closed, profile_written
from chirp.storage.engine import Batch
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.views import Viewer

Edit = Callable[[User, Account], tuple[User, Account]]
"""Given profile and account: what they are to be. Versions are set by the caller."""


class AccountWriter:
    """Changes accounts for their owners and for operators."""

    def __init__(self, store: Store, truths: Truths, viewers: LruMap[bytes, Viewer]) -> None:
        self._store = store
        self._truths = truths
        self._viewers = viewers

    async def change(self, user_id: UserId, edit: Edit) -> Account:
        """Change an account and its profile; return the account as it is then.

        It holds from the next request on: keys of the account are looked up anew.
        Raises: NotFound; Taken: somebody else has the new e-mail; what `edit` raises;
        Unavailable, StorageError.
        """
        done: list[Account] = []

        async def attempt() -> Batch:
            user, before = await self._newest(user_id)
            version = max(user.version, before.version) + 1
            new_user, after = edit(user, before)
            if after.email != before.email:
                await self._refuse_taken(user_id, after.email)
            after = replace(after, version=version)
            done[:] = [after]
            return profile_written(self._store, replace(new_user, version=version), before, after)

        await self._truths.bring_about(attempt)
        for key in await self._store.directory.keys_of(user_id):
            self._viewers.delete(key.digest)
        return done[0]

    async def _refuse_taken(self, user_id: UserId, email: str) -> None:
        owner = await self._store.directory.find_email(email)
        if owner not in {None, user_id}:
            raise Taken("this email has an account already", field="email")

    async def _newest(self, user_id: UserId) -> tuple[User, Account]:
        account = await self._store.directory.find_account(user_id)
        user = (await self._store.users.find_many([user_id]))[0]
        if account is not None and (user is None or user.version < account.version):
            await self._truths.wait_partition(DIRECTORY)
            user = (await self._store.users.find_many([user_id]))[0]
        if account is None or user is None:
            raise NotFound("no such user")
        return user, account

    async def close(self, user_id: UserId) -> None:
        """Close an account: its names are free, its keys invalid and its tweets hidden at once.

        Raises: NotFound, Unavailable, StorageError.
        """
        known: list[ApiKey] = []

        async def attempt() -> Batch:
            account = await self._store.directory.find_account(user_id)
            waits = await self._store.waiting.find(user_id)
            if account is None or waits is None:
                user, account = await self._newest(user_id)
            else:
                user = waits  # no profile yet
            known[:] = await self._store.directory.keys_of(user_id)
            version = max(user.version, account.version) + 1
            hidden = User(user_id, "", "", user.created_at, suspended=True, version=version)
            return account_closed(self._store, account, known, hidden)

        await self._truths.bring_about(attempt)
        late_keys = await self._store.directory.keys_of(user_id)
        # Those too that were made since they were listed; from now on none can be.
        batch = Batch(DIRECTORY)
        for key in late_keys:
            self._store.directory.delete_key(batch, key)
        await self._store.engine.commit(batch)
        for key in (*known, *late_keys):
            self._viewers.delete(key.digest)
