"""The check finds what is wrong with who waits, with invites, flags and the trail."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from chirp.commands import Because, CreateInvite
from chirp.model import (
    Action,
    ActionId,
    ActionKind,
    Flag,
    FlagReason,
    Invite,
    InviteId,
    TweetId,
    UnixMs,
    User,
    UserId,
)
from chirp.readers.roles import OPERATOR
from chirp.storage.check import check_store, repair_store
from chirp.storage.codec import pack_action, pack_array, pack_flag, pack_invite, pack_user
from chirp.storage.engine import Batch
from chirp.storage.keys import DIRECTORY, FlagTag, Table, digest_key, pair_key, tagged_key
from tests.support.admission import form, serving
from tests.support.driver import Driver

DIGEST = b"d" * 32
NOW = UnixMs(5)


class Damage(NamedTuple):
    """A row that should not be so; the id 0 in a key stands for who waits."""

    table: Table
    key: bytes
    value: bytes | None
    says: str


def invite_row(digest: bytes = DIGEST, uses: int = 0) -> bytes:
    return pack_invite(Invite(InviteId(1), digest, UserId(0), NOW, NOW, 1, uses))


def flag_row(number: int, closed_by: UserId | None = None) -> bytes:
    reasons = (FlagReason("links", "many"),)
    return pack_flag(Flag(TweetId(number), UserId(1), NOW, reasons, closed_by))


def action_row(number: int) -> bytes:
    action_id, kind = ActionId(number), ActionKind.SUSPEND
    return pack_action(Action(action_id, kind, UserId(0), 1, "ada", NOW))


INVITE, WAITS = digest_key(DIRECTORY, DIGEST), pair_key(DIRECTORY, 99)
OPEN, CLOSED = (tagged_key(DIRECTORY, tag, 99) for tag in FlagTag)
DAMAGES = {
    "invite unreadable": Damage(Table.INVITES, INVITE, b"x", "cannot be read"),
    "another's invite": Damage(Table.INVITES, INVITE, invite_row(b"e" * 32), "another invite"),
    "invite used too often": Damage(Table.INVITES, INVITE, invite_row(uses=2), "2 of 1 times"),
    "short invite key": Damage(Table.INVITES, INVITE[:-1], invite_row(), "impossible size"),
    "flag of no tweet": Damage(Table.FLAGS, OPEN, flag_row(99), "tweet 99 of a flag"),
    "another's flag": Damage(Table.FLAGS, OPEN, flag_row(98), "another flag or state"),
    "flag of another state": Damage(Table.FLAGS, CLOSED, flag_row(99), "another flag or state"),
    "flag unreadable": Damage(Table.FLAGS, OPEN, pack_array((99, 1, 5, 7)), "cannot be read"),
    "flag of no state": Damage(
        Table.FLAGS, tagged_key(DIRECTORY, 2, 99), flag_row(99), "impossible size"
    ),
    "another's action": Damage(Table.ACTIONS, WAITS, action_row(98), "another action"),
    "action of no kind": Damage(
        Table.ACTIONS, WAITS, pack_array((99, 77, 0, 1, "", 5, "")), "cannot be read"
    ),
    "waits without account": Damage(
        Table.WAITING, WAITS, pack_user(User(UserId(99), "x", "", NOW)), "has no account"
    ),
    "another waits": Damage(
        Table.WAITING, WAITS, pack_user(User(UserId(98), "x", "", NOW)), "another user"
    ),
}


async def damage(chirp: Driver, table: Table, key: bytes, value: bytes | None) -> list[str]:
    """Write a row, and return what a check then says, after a repair that mends nothing."""
    batch = Batch(DIRECTORY)
    if value is None:
        batch.delete(table, key)
    else:
        batch.put(table, key, value)
    await chirp.store.engine.commit(batch)
    # What the cursors have not passed is pending, and the check says nothing of that.
    await chirp.server.journal.wait_idle()
    await chirp.server.journal.store_cursors()
    report = await check_store(chirp.store, deep=True)
    assert await repair_store(chirp.store, report.problems) == 0
    return [problem.what for problem in report.problems]


@pytest.mark.parametrize("name", DAMAGES)
async def test_each_damage_is_named(chirp: Driver, name: str) -> None:
    table, key, value, says = DAMAGES[name]
    said = await damage(chirp, table, key, value)
    assert any(says in what for what in said), said


async def test_who_waits_must_be_called_so_and_have_no_profile() -> None:
    async with serving("approval") as chirp:
        ada = await chirp.register("ada")
        user = (await chirp.server.users.get(ada.user_id)).user
        key = pair_key(DIRECTORY, ada.user_id)
        said = await damage(chirp, Table.WAITING, key, pack_user(user))
        assert said == [f"user {ada.user_id} waits for approval, and has a profile"]
        bob = (await chirp.server.registrations.register(form("bob"))).user.user
        await damage(chirp, Table.WAITING, key, None)
        other = pack_user(User(bob.user_id, "eve", "", NOW))
        key = pair_key(DIRECTORY, bob.user_id)
        assert "another name" in (await damage(chirp, Table.WAITING, key, other))[0]
        assert "no profile" in (await damage(chirp, Table.WAITING, key, None))[0]


async def test_what_the_services_write_is_right() -> None:
    async with serving("approval") as chirp:
        service = chirp.server.registrations
        code = (await service.create_invite(OPERATOR, CreateInvite())).code
        await service.register(form("ada", invite=code))
        for name in ("bob", "eve", "joe"):
            await service.register(form(name))
        await service.approve(OPERATOR, "bob", Because())
        await service.reject(OPERATOR, "eve", Because())
        await chirp.check()


async def test_an_impossible_cursor_of_the_audit_is_found(chirp: Driver) -> None:
    await chirp.store.engine.advance("audit", 0, 1_000)
    report = await check_store(chirp.store)
    assert ["the audit consumer is at 1000" in p.what for p in report.problems] == [True]
