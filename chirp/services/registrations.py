"""Registration: who may make an account, by invite or by approval, and who lets them in.

Invariants:
- Taking a name and using an invite are one batch: an invite is never used more often than it may.
- Nothing of somebody who waits is public: their profile is written when they are let in.
- A stranger learns nothing of invites: unknown, expired, used up and revoked are one refusal, and
  it comes before any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from chirp.clock import Clock
from chirp.commands import Because, CreateInvite, Register, check_born
from chirp.config import Registration
from chirp.errors import Conflict, Forbidden, NotFound, Taken, Unavailable
from chirp.fanout.home import HOME
from chirp.fanout.journal import JournalRunner
from chirp.idgen.generator import IdGenerator
from chirp.model import (
    Account,
    Action,
    ActionId,
    ActionKind,
    ApiKey,
    Invite,
    InviteId,
    Role,
    UnixMs,
    User,
    UserCounts,
    UserId,
)
from chirp.pages import ReadActions
from chirp.readers.roles import require_role
from chirp.services.listing import page_by_id
from chirp.services.passwords import Passwords
from chirp.services.secrets import digest_of, new_invite_code, new_random_id, new_session
from chirp.storage.changes import (
    account_created,
    registration_approved,
    registration_held,
    registration_rejected,
)
from chirp.storage.engine import Batch
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.views import Applicant, NewInvite, OwnDetails, Page, SignedIn, UserView, Viewer

_ATTEMPTS = 64
"""How often a registration is tried: of those who use one invite at once, one succeeds a time."""

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class _Made:
    """A person who is about to have an account."""

    user: User
    account: Account
    key: ApiKey
    secret: str


class Registrations:
    """Makes accounts by the rule of the settings, and answers who waits for one."""

    def __init__(
        self,
        store: Store,
        ids: IdGenerator,
        journal: JournalRunner,
        passwords: Passwords,
        clock: Clock,
        rule: Registration,
    ) -> None:
        self._store = store
        self._ids = ids
        self._journal = journal
        self._passwords = passwords
        self._clock = clock
        self._rule = rule

    # -- registering --------------------------------------------------------------------

    async def register(self, command: Register) -> SignedIn:
        """Make an account for a stranger, by the rule; it may have to wait for approval.

        Raises: Invalid: born in the future; Forbidden (closed; no invite, or not a valid one);
        Taken, Unavailable, StorageError.
        """
        return await self._register(command, self._rule)

    async def create(self, command: Register) -> SignedIn:
        """Make an account for the operator, whatever the rule. Raises: as `register`."""
        return await self._register(command, Registration.OPEN)

    async def _register(self, command: Register, rule: Registration) -> SignedIn:
        check_born(command.date_of_birth, self._clock.now_ms())
        invite = await self._admitted(command, rule)
        await self._refuse_taken(command)
        made = await self._make(command)
        waits = rule is Registration.APPROVAL and invite is None
        for _ in range(_ATTEMPTS):
            if await self._committed(self._claim(made, invite, waits=waits)):
                view = _own_view(made)
                return SignedIn(view, made.key, made.secret, waiting=waits)
            invite = await self._admitted(command, rule)
            await self._refuse_taken(command)
        raise Unavailable("too many registrations at once", retry_after_s=2)

    async def _admitted(self, command: Register, rule: Registration) -> Invite | None:
        """Return the invite to use; None where none is needed. Raises: Forbidden."""
        if rule is Registration.CLOSED:
            raise Forbidden("registration is closed on this server")
        if rule is Registration.OPEN:
            return None
        if not command.invite:
            if rule is Registration.APPROVAL:
                return None
            words = "registration is by invite: send the code that you were given as invite"
            raise Forbidden(words, field="invite")
        return await self._usable(command.invite)

    async def _usable(self, code: str) -> Invite:
        invite = await self._store.invites.find(digest_of(code.strip()))
        now = self._clock.now_ms()
        if invite is None or invite.uses >= invite.most_uses or invite.expires_at <= now:
            # One sentence for all: whoever tries codes must not learn which ever were any.
            raise Forbidden("this invite is unknown, used up or expired", field="invite")
        return invite

    async def _refuse_taken(self, command: Register) -> None:
        directory = self._store.directory
        if (await directory.find_many([command.username]))[0] is not None:
            raise Taken(f"username {command.username} is taken", field="username")
        if await directory.find_email(command.email) is not None:
            raise Taken("this email has an account already", field="email")

    async def _make(self, command: Register) -> _Made:
        password_hash = await self._passwords.hash(command.password)
        now = self._clock.now_ms()
        user_id = UserId(await self._ids.next())
        name, birthday = command.username, command.date_of_birth
        account = Account(user_id, name, command.email, password_hash, birthday, now)
        key, secret = new_session(user_id, self._clock)
        return _Made(User(user_id, name, command.name, now), account, key, secret)

    def _claim(self, made: _Made, invite: Invite | None, *, waits: bool) -> Batch:
        write = registration_held if waits else account_created
        batch = write(self._store, made.user, made.account, made.key)
        if invite is not None:
            self._store.invites.expect(batch, invite)
            self._store.invites.put(batch, replace(invite, uses=invite.uses + 1))
        return batch

    async def _committed(self, batch: Batch) -> bool:
        """Commit, and wait until the profile and the caches know; False after a Conflict."""
        self._journal.refuse_if_stopped()
        try:
            receipt = await self._store.engine.commit(batch)
        except Conflict:
            return False
        if receipt is not None:
            await self._journal.wait_applied(HOME, receipt)
        return True

    # -- approval -----------------------------------------------------------------------

    async def waiting(self, viewer: Viewer, command: ReadActions) -> Page[Applicant]:
        """Return a page of who waits, newest first. Raises: Forbidden."""
        await require_role(self._store, viewer, Role.MODERATOR)
        table = self._store.waiting
        page = await page_by_id(command, table.newest, table.oldest_above, lambda u: u.user_id)
        accounts = await self._store.directory.find_accounts([u.user_id for u in page.items])
        people = [
            Applicant(user, account.email)
            for user, account in zip(page.items, accounts, strict=True)
            if account is not None
        ]
        return Page(people, page.next, page.prev)

    async def approve(self, viewer: Viewer, username: str, because: Because) -> User:
        """Let somebody in; their key works from now on. Raises: Forbidden, NotFound."""
        await require_role(self._store, viewer, Role.MODERATOR)
        user = await self._find(username)
        batch = registration_approved(self._store, user)
        await self._note(batch, viewer, ActionKind.APPROVE, user, because)
        if not await self._committed(batch):
            raise _nobody(username)
        return user

    async def reject(self, viewer: Viewer, username: str, because: Because) -> User:
        """Turn somebody away; their names are free again. Raises: Forbidden, NotFound."""
        await require_role(self._store, viewer, Role.MODERATOR)
        user = await self._find(username)
        account = await self._store.directory.find_account(user.user_id)
        if account is None:
            raise _nobody(username)
        keys = await self._store.directory.keys_of(user.user_id)
        batch = registration_rejected(self._store, user, account, keys)
        await self._note(batch, viewer, ActionKind.REJECT, user, because)
        if not await self._committed(batch):
            raise _nobody(username)
        return user

    async def _find(self, username: str) -> User:
        known = username.isascii() and 0 < len(username) <= 15
        user_id = (await self._store.directory.find_many([username]))[0] if known else None
        user = None if user_id is None else await self._store.waiting.find(user_id)
        if user is None:
            raise _nobody(username)
        return user

    async def _note(
        self, batch: Batch, viewer: Viewer, kind: ActionKind, user: User, because: Because
    ) -> None:
        """Put a line of the trail into the batch of the deed."""
        action_id, now = ActionId(await self._ids.next()), self._clock.now_ms()
        subject = (user.user_id, user.username)
        action = Action(action_id, kind, viewer.user_id, *subject, now, because.why)
        self._store.actions.put(batch, action)

    # -- invites ------------------------------------------------------------------------

    async def invites(self, viewer: Viewer) -> list[Invite]:
        """Return all invites, spent ones too, newest first. Raises: Forbidden."""
        await require_role(self._store, viewer, Role.ADMIN)
        return await self._store.invites.all()

    async def create_invite(self, viewer: Viewer, command: CreateInvite) -> NewInvite:
        """Make an invite; return it with its code, shown this once. Raises: Forbidden."""
        await require_role(self._store, viewer, Role.ADMIN)
        code, now = new_invite_code(), self._clock.now_ms()
        expires_at = UnixMs(now + command.days * _DAY_MS)
        invite_id = InviteId(new_random_id())
        made = (invite_id, digest_of(code), viewer.user_id, now)
        invite = Invite(*made, expires_at, command.uses)
        batch = Batch(DIRECTORY)
        self._store.invites.put(batch, invite)
        await self._note_invite(batch, viewer, ActionKind.CREATE_INVITE, invite_id)
        await self._store.engine.commit(batch)
        return NewInvite(invite, code)

    async def revoke_invite(self, viewer: Viewer, invite_id: InviteId) -> None:
        """Make an invite worthless; whoever came by it stays. Raises: Forbidden, NotFound."""
        for invite in await self.invites(viewer):
            if invite.invite_id == invite_id:
                batch = Batch(DIRECTORY)
                self._store.invites.delete(batch, invite)
                await self._note_invite(batch, viewer, ActionKind.REVOKE_INVITE, invite_id)
                await self._store.engine.commit(batch)
                return
        raise NotFound("no such invite")

    async def _note_invite(
        self, batch: Batch, viewer: Viewer, kind: ActionKind, invite_id: InviteId
    ) -> None:
        action_id, now = ActionId(await self._ids.next()), self._clock.now_ms()
        self._store.actions.put(batch, Action(action_id, kind, viewer.user_id, invite_id, "", now))


def _nobody(username: str) -> NotFound:
    return NotFound(f"nobody called {username} waits for approval")


def _own_view(made: _Made) -> UserView:
    account = made.account
    own = OwnDetails(account.email, account.date_of_birth, account.last_login)
    return UserView(made.user, UserCounts(), None, own)
