"""What operators do with accounts: look, suspend, give roles, reset passwords, delete."""

from __future__ import annotations

from msgspec.structs import replace

from chirp.cache.lru import LruMap
from chirp.clock import Clock
from chirp.commands import check_password
from chirp.errors import Conflict, NotFound, Unavailable
from chirp.fanout.home import HOME
from chirp.fanout.journal import JournalRunner
from chirp.model import MAX_ID, Account, ApiKey, Role, UserId
from chirp.readers.users import UserReader
from chirp.services.passwords import Passwords
from chirp.storage.changes import account_deleted, profile_written, tweet_deleted, unfollowed
from chirp.storage.engine import Batch
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.views import Viewer

_CHUNK = 500
"""How many tweets or follows of an account are deleted in one go."""

SESSION = "session"
"""The name of keys that come from signing in; a new password ends them."""


class Administration:
    """Changes accounts for the operator, who may do everything."""

    def __init__(
        self,
        store: Store,
        users: UserReader,
        journal: JournalRunner,
        passwords: Passwords,
        viewers: LruMap[bytes, Viewer],
        clock: Clock,
    ) -> None:
        self._store = store
        self._users = users
        self._journal = journal
        self._passwords = passwords
        self._viewers = viewers
        self._clock = clock

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
        before = await self.get(username)
        account = await self._change(before, replace(before, suspended=suspended))
        for key in await self._store.directory.keys_of(account.user_id):
            self._viewers.delete(key.digest)
        return account

    async def set_role(self, username: str, role: Role) -> Account:
        """Give an account a role. Raises: NotFound."""
        before = await self.get(username)
        return await self._change(before, replace(before, role=role))

    async def reset_password(self, username: str, password: str) -> Account:
        """Set a password and end all sessions; developer keys stay. Raises: NotFound, Invalid."""
        check_password(password)
        before = await self.get(username)
        password_hash = await self._passwords.hash(password)
        account = await self._change(before, replace(before, password_hash=password_hash))
        for key in await self._store.directory.keys_of(account.user_id):
            if key.name == SESSION:
                await self._revoke(key)
        return account

    async def delete(self, username: str) -> int:
        """Remove an account with all its tweets and follows; return how many tweets went.

        May be cut off at any point and called again: the account itself goes last.
        Raises: NotFound, StorageError.
        """
        account = await self.get(username)
        await self._end_follows(account.user_id)
        gone = await self._delete_tweets(account.user_id)
        keys = await self._store.directory.keys_of(account.user_id)
        await self._apply([account_deleted(self._store, account, keys)])
        for key in keys:
            self._viewers.delete(key.digest)
        return gone

    async def _end_follows(self, user_id: UserId) -> None:
        """End all follows of a user, and all of others to them."""
        store = self._store
        while edges := await store.following.newest(user_id, None, _CHUNK):
            await self._apply([unfollowed(store, user_id, UserId(o), s) for s, o in edges])
        while edges := await store.followers.newest(user_id, None, _CHUNK):
            await self._apply([unfollowed(store, UserId(o), user_id, s) for s, o in edges])

    async def _delete_tweets(self, user_id: UserId) -> int:
        gone, below = 0, MAX_ID + 1
        # Downward, not from the top each time: an index row without a tweet would stay there.
        while ids := await self._store.tweets.ids_of(user_id, below, _CHUNK):
            found = await self._store.tweets.find_many(ids)
            now = self._clock.now_ms()
            tweets = [tweet for tweet in found if tweet is not None]
            await self._apply([tweet_deleted(self._store, tweet, now) for tweet in tweets])
            gone, below = gone + len(tweets), ids[-1]
        return gone

    async def _apply(self, batches: list[Batch]) -> None:
        """Commit batches and wait until everything that follows from them is done."""
        for future in [self._store.engine.commit(batch) for batch in batches]:
            receipt = await future
            assert receipt is not None
            await self._journal.wait_applied(HOME, receipt)

    async def _change(self, before: Account, after: Account) -> Account:
        """Write an account and its profile together. Raises: Unavailable: it changed meanwhile."""
        profile = (await self._users.get(before.user_id)).user
        profile = replace(profile, suspended=after.suspended, version=profile.version + 1)
        try:
            receipt = await self._store.engine.commit(
                profile_written(self._store, profile, before, after)
            )
        except Conflict:
            raise Unavailable("the account changed meanwhile", retry_after_s=1) from None
        assert receipt is not None
        await self._journal.wait_applied(HOME, receipt)
        return after

    async def _revoke(self, key: ApiKey) -> None:
        batch = Batch(DIRECTORY)
        self._store.directory.delete_key(batch, key)
        await self._store.engine.commit(batch)
        self._viewers.delete(key.digest)
