"""One's own account: edit the profile, change e-mail and password, close it."""

from __future__ import annotations

from msgspec.structs import replace

from chirp.cache.lru import LruMap
from chirp.clock import Clock
from chirp.commands import EditProfile, check_born
from chirp.errors import Forbidden, Invalid, NotFound
from chirp.fanout.accounts import AccountWriter
from chirp.fanout.attachments import Attachments
from chirp.model import Account, MediaId, MediaKind, User
from chirp.services.passwords import Passwords
from chirp.storage.engine import Batch
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.views import Viewer


class OwnAccount:
    """Changes of an account by whom it belongs to."""

    def __init__(
        self,
        store: Store,
        writer: AccountWriter,
        passwords: Passwords,
        viewers: LruMap[bytes, Viewer],
        attachments: Attachments,
        clock: Clock,
    ) -> None:
        self._store = store
        self._writer = writer
        self._passwords = passwords
        self._viewers = viewers
        self._attachments = attachments
        self._clock = clock

    async def edit(self, viewer: Viewer, command: EditProfile) -> None:
        """Change what the command names. A new password ends all other sessions.

        Raises: Invalid: born in the future; Forbidden: the present password is wrong; Taken: the
        e-mail is; StorageError.
        """
        check_born(command.date_of_birth, self._clock.now_ms())
        if command.password is not None:
            await self._verify(viewer, command.password)
        password_hash = None
        if command.new_password is not None:
            password_hash = await self._passwords.hash(command.new_password)

        pictures = [one for one in (command.avatar_id, command.header_id) if one]
        with self._attachments.taking(pictures):
            media = await self._attachments.find(viewer.user_id, pictures, "avatar_id")
            if any(one.kind is not MediaKind.PHOTO for one in media):
                raise Invalid("a profile shows photos alone", field="avatar_id")
            await self._attachments.use(media, viewer.user_id)[1]

        def edit(user: User, account: Account) -> tuple[User, Account]:
            return _edited(user, command), _edited_account(account, command, password_hash)

        await self._writer.change(viewer.user_id, edit)
        if command.new_password is not None:
            await self._end_sessions(viewer)

    async def close(self, viewer: Viewer, password: str) -> None:
        """Close the account for good. Raises: Forbidden: the password is wrong; StorageError."""
        await self._verify(viewer, password)
        await self._writer.close(viewer.user_id)

    async def _verify(self, viewer: Viewer, password: str) -> None:
        account = await self._store.directory.find_account(viewer.user_id)
        if account is None:
            raise NotFound("no such user")
        if not await self._passwords.verify(account.password_hash, password):
            raise Forbidden("the password is wrong")

    async def _end_sessions(self, viewer: Viewer) -> None:
        """Revoke all sessions but the one that asks; developer keys stay."""
        keys = await self._store.directory.keys_of(viewer.user_id)
        ended = [k for k in keys if k.is_session and k.digest != viewer.key_digest]
        batch = Batch(DIRECTORY)
        for key in ended:
            self._store.directory.delete_key(batch, key)
        await self._store.engine.commit(batch)
        # After the commit: a request in between would be let in and remembered.
        for key in ended:
            self._viewers.delete(key.digest)


def _edited(user: User, command: EditProfile) -> User:
    return replace(
        user,
        name=user.name if command.name is None else command.name,
        bio=user.bio if command.bio is None else command.bio,
        location=user.location if command.location is None else command.location,
        avatar_id=_picture(user.avatar_id, command.avatar_id),
        header_id=_picture(user.header_id, command.header_id),
    )


def _picture(before: int | None, after: MediaId | None) -> int | None:
    """Return a picture's id: 0 takes it away."""
    return before if after is None else after or None


def _edited_account(account: Account, command: EditProfile, password_hash: str | None) -> Account:
    birthday = account.date_of_birth
    if command.date_of_birth is not None:
        birthday = command.date_of_birth or None
    return replace(
        account,
        email=account.email if command.email is None else command.email,
        password_hash=password_hash or account.password_hash,
        date_of_birth=birthday,
    )
