"""Registration: by invite, by approval or not at all; who lets people in, and what stays hidden."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chirp.commands import Because, CreateInvite, SignIn
from chirp.errors import Forbidden, Invalid, NotFound, Refusal, Taken, Unauthorized
from chirp.model import InviteId
from chirp.pages import ReadActions
from chirp.readers.roles import OPERATOR
from chirp.views import SignedIn
from tests.support.admission import form, on_disk, serving, staff
from tests.support.clock import FixedClock
from tests.support.driver import PASSWORD, Driver, memory_store
from tests.support.engines import UnevenEngine

DAY_MS = 86_400_000
WHY = Because("seems nice")


async def invited(chirp: Driver, uses: int = 1, days: int = 1) -> str:
    command = CreateInvite(uses, days)
    return (await chirp.server.registrations.create_invite(OPERATOR, command)).code


async def waiting(chirp: Driver, name: str = "ada") -> SignedIn:
    return await chirp.server.registrations.register(form(name))


async def names_waiting(chirp: Driver) -> list[str]:
    page = await chirp.server.registrations.waiting(OPERATOR, ReadActions())
    return [applicant.user.username for applicant in page.items]


# -- closed, and by invite ------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["closed", "invite"])
async def test_strangers_are_refused_before_anything_is_told(rule: str) -> None:
    async with serving(rule) as chirp:
        await chirp.server.registrations.create(form("ada"))
        with pytest.raises(Forbidden):
            await chirp.server.registrations.register(form("ada"))


async def test_the_operator_registers_people_whatever_the_rule() -> None:
    async with serving("closed") as chirp:
        signed_in = await chirp.server.registrations.create(form("ada"))
        assert not signed_in.waiting
        await chirp.server.accounts.authenticate(signed_in.secret)
        await chirp.check()


async def test_an_invite_lets_in_as_many_as_it_says() -> None:
    async with serving("invite") as chirp:
        code = await invited(chirp, uses=2)
        register = chirp.server.registrations.register
        await register(form("ada", invite=code))
        await register(form("bob", invite=f" {code} "))
        with pytest.raises(Forbidden, match="used up"):
            await register(form("eve", invite=code))
        await chirp.check()


async def test_unknown_used_expired_and_revoked_invites_are_one_refusal() -> None:
    async with serving("invite") as chirp:
        used, old, revoked = [await invited(chirp) for _ in range(3)]
        service = chirp.server.registrations
        await service.register(form("ada", invite=used))
        invite_id = (await service.invites(OPERATOR))[0].invite_id
        told = set()
        for code in ("never", used):
            told.add(await refusal(chirp, code))
        for invite in await service.invites(OPERATOR):
            if invite.uses == 0 and invite.invite_id != invite_id:
                await service.revoke_invite(OPERATOR, invite.invite_id)
        chirp.clock.advance_ms(DAY_MS)
        told |= {await refusal(chirp, code) for code in (old, revoked)}
        assert len(told) == 1


async def refusal(chirp: Driver, code: str) -> str:
    with pytest.raises(Forbidden) as caught:
        await chirp.server.registrations.register(form("eve", invite=code))
    return str(caught.value)


async def test_an_invite_expires_to_the_millisecond() -> None:
    async with serving("invite") as chirp:
        code = await invited(chirp, uses=2, days=1)
        chirp.clock.advance_ms(DAY_MS - 1)
        await chirp.server.registrations.register(form("ada", invite=code))
        chirp.clock.advance_ms(1)
        assert "expired" in await refusal(chirp, code)


async def test_a_taken_name_uses_no_invite_up() -> None:
    async with serving("invite") as chirp:
        code = await invited(chirp)
        await chirp.server.registrations.create(form("ada"))
        with pytest.raises(Taken):
            await chirp.server.registrations.register(form("ada", invite=code))
        await chirp.server.registrations.register(form("bob", invite=code))


@pytest.mark.parametrize(("uses", "seed"), [(1, 1), (1, 2), (1, 3), (4, 4), (7, 5)])
async def test_of_many_uses_at_once_exactly_as_many_win_as_may(uses: int, seed: int) -> None:
    async with serving("invite", memory_store(UnevenEngine(4, seed))) as chirp:
        code = await invited(chirp, uses)
        register = chirp.server.registrations.register
        forms = [form(f"user{number}", invite=code) for number in range(10)]
        results = await asyncio.gather(*map(register, forms), return_exceptions=True)
        assert sum(isinstance(result, SignedIn) for result in results) == uses
        assert sum(isinstance(result, Forbidden) for result in results) == 10 - uses
        assert (await chirp.server.registrations.invites(OPERATOR))[0].uses == uses
        assert chirp.store.engine.stats().tables["accounts"].rows == uses
        await chirp.check()


async def test_of_many_uses_at_once_on_disk_one_wins(tmp_path: Path) -> None:
    chirp = await on_disk(tmp_path / "data", "invite", FixedClock())
    code = await invited(chirp)
    register = chirp.server.registrations.register
    forms = [form(f"user{number}", invite=code) for number in range(20)]
    results = await asyncio.gather(*map(register, forms), return_exceptions=True)
    assert sum(isinstance(result, SignedIn) for result in results) == 1
    assert sum(isinstance(result, Forbidden) for result in results) == 19
    await chirp.check()
    await chirp.close()


async def test_codes_are_nowhere_in_the_store() -> None:
    async with serving("invite") as chirp:
        code = await invited(chirp)
        await chirp.server.registrations.register(form("ada", invite=code))
        for shard in chirp.engine._shards:
            rows = [value for table in shard.rows.values() for value in table.values()]
            assert all(code.encode() not in row for row in rows)
            assert all(code.encode() not in event for _, event in shard.journal)


@pytest.mark.parametrize("bounds", [(0, 1), (10_001, 1), (1, 0), (1, 366), (-1, 1)])
def test_invites_have_bounds(bounds: tuple[int, int]) -> None:
    with pytest.raises(Invalid):
        CreateInvite(*bounds)


@pytest.mark.parametrize("code", ["x" * 101, "a\0b", "\ud800"])
def test_codes_that_are_none_are_invalid(code: str) -> None:
    with pytest.raises(Invalid):
        form(invite=code)


async def test_only_admins_make_invites(chirp: Driver) -> None:
    boss, mod = await staff(chirp)
    service = chirp.server.registrations
    await service.create_invite(boss, CreateInvite())
    for attempt in (service.create_invite(mod, CreateInvite()), service.invites(mod),
                    service.revoke_invite(mod, InviteId(1))):  # fmt: skip
        with pytest.raises(Forbidden):
            await attempt
    with pytest.raises(NotFound):
        await service.revoke_invite(boss, InviteId(1))


# -- by approval ----------------------------------------------------------------------------


async def test_who_waits_is_not_public_and_their_key_does_not_work() -> None:
    async with serving("approval") as chirp:
        signed_in = await waiting(chirp)
        bob = await chirp.register("bob")
        assert signed_in.waiting
        server = chirp.server
        with pytest.raises(Forbidden, match="waits for approval"):
            await server.accounts.authenticate(signed_in.secret)
        with pytest.raises(Forbidden, match="waits for approval"):
            await server.accounts.sign_in(SignIn("ada", PASSWORD))
        with pytest.raises(Unauthorized):
            await server.accounts.sign_in(SignIn("ada", "wrong-password"))
        for attempt in (server.profiles.get(bob, "ada"), server.follows.follow(bob, "ada"),
                        server.administration.suspend("ada", suspended=True)):  # fmt: skip
            with pytest.raises(NotFound):
                await attempt
        tweet = await chirp.post(bob, "hello @ada")
        assert [entity.user_id for entity in tweet.entities] == [0]
        await chirp.check()


async def test_an_approved_person_is_as_any_other() -> None:
    async with serving("approval") as chirp:
        signed_in = await waiting(chirp)
        await chirp.server.registrations.approve(OPERATOR, "ADA", WHY)
        viewer = await chirp.server.accounts.authenticate(signed_in.secret)
        await chirp.server.accounts.sign_in(SignIn("ada", PASSWORD))
        assert (await chirp.server.accounts.me(viewer)).user.username == "ada"
        assert await names_waiting(chirp) == []
        with pytest.raises(NotFound):
            await chirp.server.registrations.approve(OPERATOR, "ada", WHY)
        await chirp.check()


async def test_a_rejected_person_leaves_nothing() -> None:
    async with serving("approval") as chirp:
        signed_in = await waiting(chirp)
        await chirp.server.registrations.reject(OPERATOR, "ada", WHY)
        with pytest.raises(Unauthorized):
            await chirp.server.accounts.authenticate(signed_in.secret)
        tables = chirp.store.engine.stats().tables
        assert {name for name, table in tables.items() if table.rows} == {"actions"}
        assert (await waiting(chirp)).waiting
        await chirp.check()


async def test_names_of_who_waits_are_taken() -> None:
    async with serving("approval") as chirp:
        await waiting(chirp)
        with pytest.raises(Taken):
            await waiting(chirp, "ADA")


async def test_an_invite_is_an_approval() -> None:
    async with serving("approval") as chirp:
        code = await invited(chirp)
        signed_in = await chirp.server.registrations.register(form("ada", invite=code))
        assert not signed_in.waiting
        with pytest.raises(Forbidden):
            await chirp.server.registrations.register(form("bob", invite=code))


async def test_approving_and_rejecting_at_once_does_one_of_both() -> None:
    async with serving("approval", memory_store(UnevenEngine(2, 5))) as chirp:
        await waiting(chirp)
        service = chirp.server.registrations
        deeds = [service.approve, service.reject, service.approve, service.reject]
        results = await asyncio.gather(
            *[deed(OPERATOR, "ada", WHY) for deed in deeds], return_exceptions=True
        )
        assert sum(isinstance(result, NotFound) for result in results) == 3
        page = await chirp.server.moderation.actions(OPERATOR, ReadActions())
        assert len(page.items) == 1
        await chirp.check()


async def test_who_waits_is_listed_page_by_page() -> None:
    async with serving("approval") as chirp:
        for name in ("ada", "bob", "eve"):
            await waiting(chirp, name)
        service = chirp.server.registrations
        page = await service.waiting(OPERATOR, ReadActions(2))
        assert [applicant.user.username for applicant in page.items] == ["eve", "bob"]
        rest = await service.waiting(OPERATOR, ReadActions(2, below=page.next))
        assert [(a.user.username, a.email) for a in rest.items] == [("ada", "ada@example.org")]
        assert rest.next is None
        back = await service.waiting(OPERATOR, ReadActions(2, above=rest.prev))
        assert [applicant.user.username for applicant in back.items] == ["eve", "bob"]


async def test_plain_users_let_nobody_in() -> None:
    async with serving("approval") as chirp:
        await waiting(chirp)
        bob = await chirp.register("bob")
        service = chirp.server.registrations
        for attempt in (service.approve(bob, "ada", WHY), service.reject(bob, "ada", WHY),
                        service.waiting(bob, ReadActions())):  # fmt: skip
            with pytest.raises(Refusal):
                await attempt
        assert await names_waiting(chirp) == ["ada"]


async def test_the_operator_may_delete_who_waits() -> None:
    async with serving("approval") as chirp:
        await waiting(chirp)
        await chirp.server.administration.delete("ada")
        assert await names_waiting(chirp) == []
        await chirp.check()


@pytest.mark.parametrize("crash", [False, True])
async def test_who_waits_still_does_after_a_restart(crash: bool) -> None:
    async with serving("approval") as chirp:
        signed_in = await waiting(chirp)
        await chirp.restart(crash=crash)
        assert await names_waiting(chirp) == ["ada"]
        await chirp.server.registrations.approve(OPERATOR, "ada", WHY)
        await chirp.restart(crash=crash)
        await chirp.server.accounts.authenticate(signed_in.secret)
        await chirp.check()


async def test_invites_and_who_waits_are_on_disk(tmp_path: Path) -> None:
    clock = FixedClock()
    chirp = await on_disk(tmp_path / "data", "approval", clock)
    code = await invited(chirp)
    await waiting(chirp)
    await chirp.close()
    chirp = await on_disk(tmp_path / "data", "invite", clock)
    await chirp.server.registrations.register(form("bob", invite=code))
    await chirp.server.registrations.approve(OPERATOR, "ada", WHY)
    assert "used up" in await refusal(chirp, code)
    await chirp.check()
    await chirp.close()
