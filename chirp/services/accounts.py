"""Accounts: signing in, keys, and who is behind a key."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from msgspec.structs import replace

from chirp.cache.lru import LruMap
from chirp.clock import Clock
from chirp.commands import CreateKey, SignIn
from chirp.errors import (
    Conflict,
    Forbidden,
    NotFound,
    StorageError,
    Unauthorized,
    Unavailable,
)
from chirp.metrics import Metrics
from chirp.model import Account, ApiKey, KeyId, Role, UnixMs, User, UserCounts, UserId
from chirp.readers.users import UserReader
from chirp.services.passwords import Passwords
from chirp.services.secrets import SECRET_LENGTH, digest_of, new_key, new_session
from chirp.storage.engine import Batch, Receipt
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.views import OwnDetails, SignedIn, UserView, Viewer

_VIEWER_WEIGHT_BYTES = 400
_ATTEMPTS = 64
"""How often a session is tried to be stored: of those who compete, one succeeds each time."""

_WRONG_KEY = "the key is wrong or was revoked"

_CHUNK = 256
"""How many keys' last use is written at once: the loop gets a turn after each."""


class Accounts:
    """Sessions and developer keys."""

    def __init__(
        self,
        store: Store,
        users: UserReader,
        passwords: Passwords,
        viewers: LruMap[bytes, Viewer],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._users = users
        self._passwords = passwords
        self._viewers = viewers
        self._clock = clock
        self._metrics = metrics
        self._used: dict[bytes, UnixMs] = {}

    async def sign_in(self, command: SignIn) -> SignedIn:
        """Make a session key for somebody who knows the password.

        Raises: Unauthorized, Forbidden (suspended, or not let in yet), Unavailable, StorageError.
        """
        account = await self._find_login(command.login)
        known_hash = None if account is None else account.password_hash
        right = await self._passwords.verify(known_hash, command.password)
        if account is None or not right:
            self._metrics.sign_ins_failed += 1
            raise Unauthorized("wrong username, email or password")
        return await self._open_session(account)

    async def _open_session(self, known: Account) -> SignedIn:
        """Make a session key for an account whose password was right as `known` says.

        Sign-ins to one account compete for its row. The password is not verified again for that:
        forty at once took 35 s.
        """
        key, secret = new_session(known.user_id, self._clock)
        for _ in range(_ATTEMPTS):
            account = await self._store.directory.find_account(known.user_id)
            if account is None or account.password_hash != known.password_hash:
                raise Unauthorized("wrong username, email or password")
            await self._refuse_inactive(account)
            signed_in = replace(account, last_login=self._clock.now_ms())
            if await self._stored_session(account, signed_in, key):
                return SignedIn(await self._view(signed_in), key, secret)
        raise Unavailable("too many sign-ins at once", retry_after_s=2)

    async def _refuse_inactive(self, account: Account) -> None:
        if account.suspended:
            raise Forbidden("this account is suspended")
        if await self._store.waiting.find(account.user_id) is not None:
            raise Forbidden("this account waits for approval: a moderator has to let it in first")

    async def _stored_session(self, before: Account, after: Account, key: ApiKey) -> bool:
        """Commit a session; False when the account is no longer as `before` says."""
        batch = Batch(DIRECTORY)
        self._store.directory.expect_account(batch, before)
        self._store.directory.put_account(batch, after)
        self._store.directory.put_key(batch, key)
        try:
            await self._store.engine.commit(batch)
        except Conflict:
            return False
        return True

    async def _find_login(self, login: str) -> Account | None:
        directory = self._store.directory
        if "@" in login:
            user_id = await directory.find_email(login)
        else:
            user_id = (await directory.find_many([login]))[0]
        return None if user_id is None else await directory.find_account(user_id)

    async def me(self, viewer: Viewer) -> UserView:
        """Return the viewer's own profile with what only they may see. Raises: NotFound."""
        account = await self._store.directory.find_account(viewer.user_id)
        if account is None:
            raise NotFound("no such user")
        return await self._view(account)

    async def _view(self, account: Account) -> UserView:
        cached = await self._users.get(account.user_id)
        counts = (await self._store.users.counts_many([account.user_id]))[0]
        return _own_view(cached.user, account, counts)

    # -- keys ---------------------------------------------------------------------------

    async def keys(self, viewer: Viewer) -> list[ApiKey]:
        """Return the viewer's keys and sessions, oldest first."""
        keys = await self._store.directory.keys_of(viewer.user_id)
        return [replace(k, last_used=self._used.get(k.digest, k.last_used)) for k in keys]

    async def create_key(self, viewer: Viewer, command: CreateKey) -> tuple[ApiKey, str]:
        """Make a developer key; return it with its secret, shown this once."""
        key, secret = new_key(viewer.user_id, command.name, self._clock)
        for _ in range(_ATTEMPTS):
            account = await self._store.directory.find_account(viewer.user_id)
            if account is None:
                raise Unauthorized("the account was closed")
            # Unchanged: a key that is made for a closed account would live on.
            if await self._stored_session(account, account, key):
                return key, secret
        raise Unavailable("too many sign-ins at once", retry_after_s=2)

    async def revoke(self, viewer: Viewer, key_id: KeyId) -> None:
        """Make one of the viewer's keys invalid from the next request on. Raises: NotFound."""
        keys = await self._store.directory.keys_of(viewer.user_id)
        key = next((key for key in keys if key.key_id == key_id), None)
        if key is None:
            raise NotFound("no such key")
        await self._revoke(key)

    async def sign_out(self, viewer: Viewer) -> None:
        """Revoke the key that the request came with."""
        key = await self._store.directory.find_key(viewer.key_digest)
        if key is not None:
            await self._revoke(key)

    async def end_session(self, secret: str) -> None:
        """Revoke the session that a secret opens; whatever else it may be is left alone."""
        plausible = len(secret) == SECRET_LENGTH and secret.isascii()
        key = await self._store.directory.find_key(digest_of(secret)) if plausible else None
        if key is not None and key.is_session:
            await self._revoke(key)

    async def _revoke(self, key: ApiKey) -> None:
        batch = Batch(DIRECTORY)
        self._store.directory.delete_key(batch, key)
        await self._store.engine.commit(batch)
        self._used.pop(key.digest, None)
        self._viewers.delete(key.digest)

    # -- who asks -----------------------------------------------------------------------

    def find_viewer(self, secret: str) -> Viewer | None:
        """Return who a key belongs to if that is known already: one hash and one lookup."""
        try:
            digest = digest_of(secret)
        except UnicodeEncodeError:
            return None
        return self.find_viewer_of(digest)

    def find_viewer_of(self, digest: bytes) -> Viewer | None:
        """Return who the key with that digest belongs to if that is known already: one lookup."""
        viewer = self._viewers.get(digest)
        if viewer is not None:
            self._used[viewer.key_digest] = self._clock.now_ms()
        return viewer

    async def authenticate(self, secret: str) -> Viewer:
        """Return who a key belongs to. Raises: Unauthorized, Forbidden (suspended, waiting)."""
        plausible = len(secret) == SECRET_LENGTH and secret.isascii()
        if not plausible:
            raise Unauthorized(_WRONG_KEY)
        digest = digest_of(secret)
        before = self._viewers.deletions
        viewer = Viewer(await self._owner(digest), digest)
        # Else a revocation may have slipped in since the key was read, and would be forgotten.
        if before == self._viewers.deletions:
            self._viewers.put(digest, viewer, _VIEWER_WEIGHT_BYTES)
        self._used[digest] = self._clock.now_ms()
        return viewer

    async def confirm(self, viewer: Viewer) -> None:
        """Ask the tables whether somebody who was let in a while ago still would be.

        Raises: Unauthorized, Forbidden (suspended).
        """
        await self._owner(viewer.key_digest)

    async def _owner(self, digest: bytes) -> UserId:
        key = await self._store.directory.find_key(digest)
        account = None if key is None else await self._store.directory.find_account(key.user_id)
        if account is None:
            raise Unauthorized(_WRONG_KEY)
        await self._refuse_inactive(account)
        return account.user_id

    async def is_admin(self, secret: str) -> bool:
        """Say whether a key belongs to an admin. Raises: Unauthorized, Forbidden (suspended)."""
        viewer = self.find_viewer(secret) or await self.authenticate(secret)
        account = await self._store.directory.find_account(viewer.user_id)
        return account is not None and account.role is Role.ADMIN

    async def store_last_used(self) -> None:
        """Write when keys were last used; what is revoked meanwhile stays revoked."""
        used, self._used = self._used, {}
        digests = list(used)
        for start in range(0, len(digests), _CHUNK):
            part = digests[start : start + _CHUNK]
            keys = await self._store.directory.find_keys(part)
            known = [key for key in keys if key is not None]
            stored = [self._store_used(key, used[key.digest]) for key in known]
            for future in stored:
                # Best effort: when the disk is full, the last use is the least of the losses.
                with suppress(StorageError):
                    await future

    def _store_used(self, key: ApiKey, at: UnixMs) -> asyncio.Future[Receipt | None]:
        batch = Batch(DIRECTORY)
        self._store.directory.expect_key(batch, key)
        self._store.directory.put_key(batch, replace(key, last_used=at))
        return self._store.engine.commit(batch)


def _own_view(user: User, account: Account, counts: UserCounts) -> UserView:
    own = OwnDetails(account.email, account.date_of_birth, account.last_login)
    return UserView(user, counts, None, own)
