"""What operators do with accounts: look, suspend, give roles, reset passwords, delete."""

from __future__ import annotations

from msgspec.structs import replace

from chirp.cache.lru import LruMap
from chirp.commands import check_password
from chirp.errors import NotFound
from chirp.fanout.accounts import AccountWriter
from chirp.fanout.journal import JournalRunner
from chirp.model import Account, ApiKey, Role, User
from chirp.services.passwords import Passwords
from chirp.storage.engine import Batch
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.views import Viewer


class Administration:
    """Changes accounts for the operator, who may do everything."""

    def __init__(
        self,
        store: Store,
        writer: AccountWriter,
        journal: JournalRunner,
        passwords: Passwords,
        viewers: LruMap[bytes, Viewer],
    ) -> None:
        self._store = store
        self._writer = writer
        self._journal = journal
        self._passwords = passwords
        self._viewers = viewers

    async def accounts(self, *, waiting: bool = False) -> list[Account]:
        """Return all accounts, or those that wait for approval, oldest first. O(accounts)."""
        if not waiting:
            return await self._store.directory.accounts()
        ids = [user.user_id for user in await self._store.waiting.oldest_above(0, 1 << 62)]
        found = await self._store.directory.find_accounts(ids)
        return [account for account in found if account is not None]

    async def get(self, username: str) -> Account:
        """Return an account by its name. Raises: NotFound."""
        user_id = (await self._store.directory.find_many([username]))[0]
        account = None if user_id is None else await self._store.directory.find_account(user_id)
        if account is None:
            raise NotFound(f"there is no user {username}")
        return account

    async def keys(self, username: str) -> list[ApiKey]:
        """Return the keys of an account, oldest first. Raises: NotFound."""
        return await self._store.directory.keys_of((await self.get(username)).user_id)

    async def suspend(self, username: str, *, suspended: bool) -> Account:
        """Suspend an account, or lift that; it holds from the next request on. Raises: NotFound."""

        def edit(user: User, account: Account) -> tuple[User, Account]:
            return replace(user, suspended=suspended), replace(account, suspended=suspended)

        return await self._writer.change((await self.get(username)).user_id, edit)

    async def set_role(self, username: str, role: Role) -> Account:
        """Give an account a role. Raises: NotFound."""

        def edit(user: User, account: Account) -> tuple[User, Account]:
            return user, replace(account, role=role)

        return await self._writer.change((await self.get(username)).user_id, edit)

    async def reset_password(self, username: str, password: str) -> Account:
        """Set a password and end all sessions; developer keys stay. Raises: NotFound, Invalid."""
        check_password(password)
        user_id = (await self.get(username)).user_id
        password_hash = await self._passwords.hash(password)

        def edit(user: User, account: Account) -> tuple[User, Account]:
            return user, replace(account, password_hash=password_hash)

        account = await self._writer.change(user_id, edit)
        for key in await self._store.directory.keys_of(user_id):
            if key.is_session:
                await self._revoke(key)
        return account

    async def delete(self, username: str) -> int:
        """Remove an account with everything that is its own; return how many tweets it had.

        It is gone for everybody at once; this returns when the sweep is done. Cut off, the next
        start goes on with it. Raises: NotFound, StorageError.
        """
        user_id = (await self.get(username)).user_id
        tweets = (await self._store.users.counts_many([user_id]))[0].tweets
        await self._writer.close(user_id)
        await self._journal.wait_idle()
        return tweets

    async def _revoke(self, key: ApiKey) -> None:
        batch = Batch(DIRECTORY)
        self._store.directory.delete_key(batch, key)
        await self._store.engine.commit(batch)
        self._viewers.delete(key.digest)
