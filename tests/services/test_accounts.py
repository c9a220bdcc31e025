"""Accounts: registering, signing in, keys, and who is behind a key."""

from __future__ import annotations

import asyncio

import pytest

from chirp.commands import CreateKey, Register, SignIn
from chirp.errors import Forbidden, NotFound, Refusal, Taken, Unauthorized, WritesStopped
from chirp.model import KeyId
from chirp.views import SignedIn, Viewer
from tests.support.driver import PASSWORD, Driver, memory_store
from tests.support.engines import UnevenEngine


def form(username: str = "ada", email: str | None = None) -> Register:
    return Register(username, "Ada", email or f"{username}@example.org", PASSWORD)


async def registered(chirp: Driver, username: str = "ada") -> SignedIn:
    return await chirp.server.registrations.register(form(username))


async def viewer_of(chirp: Driver, secret: str) -> Viewer:
    return await chirp.server.accounts.authenticate(secret)


async def test_a_new_account_has_a_key_that_works(any_chirp: Driver) -> None:
    signed_in = await registered(any_chirp)
    viewer = await viewer_of(any_chirp, signed_in.secret)
    assert viewer.user_id == signed_in.user.user.user_id
    assert (await any_chirp.server.accounts.me(viewer)).own == signed_in.user.own


@pytest.mark.parametrize(
    ("username", "email", "field"),
    [("ada", "new@example.org", "username"), ("ADA", "new@example.org", "username"),
     ("new", "ada@example.org", "email"), ("new", "ADA@EXAMPLE.ORG", "email")],
)  # fmt: skip
async def test_names_and_addresses_are_taken_whatever_their_case(
    chirp: Driver, username: str, email: str, field: str
) -> None:
    await registered(chirp)
    with pytest.raises(Taken) as caught:
        await chirp.server.registrations.register(form(username, email))
    assert caught.value.field == field


@pytest.mark.parametrize("same", ["username", "email"])
async def test_of_two_registrations_at_once_exactly_one_wins(any_chirp: Driver, same: str) -> None:
    forms = [form(f"user{n}", "one@example.org") for n in range(6)]
    if same == "username":
        forms = [form(["ada", "ADA"][n % 2], f"{n}@example.org") for n in range(6)]
    register = any_chirp.server.registrations.register
    results = await asyncio.gather(*[register(f) for f in forms], return_exceptions=True)
    refused = [result for result in results if isinstance(result, Taken)]
    assert len(refused) == 5
    assert {error.field for error in refused} == {same}
    assert any_chirp.store.engine.stats().tables["accounts"].rows == 1


async def test_a_refused_registration_leaves_its_other_name_free(chirp: Driver) -> None:
    await registered(chirp)
    with pytest.raises(Taken):
        await chirp.server.registrations.register(form("new", "ada@example.org"))
    await chirp.server.registrations.register(form("new"))


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.org", "Ada@Example.ORG"])
async def test_signing_in_by_name_or_address(any_chirp: Driver, login: str) -> None:
    first = await registered(any_chirp)
    any_chirp.clock.advance_ms(5)
    again = await any_chirp.server.accounts.sign_in(SignIn(login, PASSWORD))
    assert again.secret != first.secret
    assert again.user.own is not None
    assert again.user.own.last_login == any_chirp.clock.now_ms()
    await viewer_of(any_chirp, first.secret)
    await viewer_of(any_chirp, again.secret)


@pytest.mark.parametrize(
    ("login", "password"),
    [("ada", "wrong-horse"), ("ada", ""), ("eve", PASSWORD), ("eve@example.org", PASSWORD),
     ("@", PASSWORD), ("\x00", PASSWORD), ("ada@example.org", "wrong-horse"),
     ("𝒶" * 254, PASSWORD), ("ΐ" * 253 + "@", PASSWORD)],
)  # fmt: skip
async def test_who_does_not_know_the_password_is_told_nothing_more(
    any_chirp: Driver, login: str, password: str
) -> None:
    await registered(any_chirp)
    with pytest.raises(Unauthorized, match=r"^wrong username, email or password$"):
        await any_chirp.server.accounts.sign_in(SignIn(login, password))
    assert any_chirp.server.metrics.sign_ins_failed == 1


async def test_an_account_without_a_password_cannot_be_signed_in_to(chirp: Driver) -> None:
    await chirp.register("ada")
    for password in ("", PASSWORD):
        with pytest.raises(Unauthorized):
            await chirp.server.accounts.sign_in(SignIn("ada", password))


async def test_ten_sign_ins_at_once_all_get_a_key(any_chirp: Driver) -> None:
    first = await registered(any_chirp)
    sign_in = any_chirp.server.accounts.sign_in
    signed_in = await asyncio.gather(*[sign_in(SignIn("ada", PASSWORD)) for _ in range(10)])
    viewer = await viewer_of(any_chirp, signed_in[0].secret)
    assert len({one.secret for one in [*signed_in, first]}) == 11
    assert len(await any_chirp.server.accounts.keys(viewer)) == 11


async def test_the_suspended_neither_sign_in_nor_use_their_keys(chirp: Driver) -> None:
    signed_in = await registered(chirp)
    await chirp.suspend(Viewer(signed_in.user.user.user_id, b""))
    with pytest.raises(Forbidden, match="suspended"):
        await chirp.server.accounts.sign_in(SignIn("ada", PASSWORD))
    with pytest.raises(Forbidden, match="suspended"):
        await viewer_of(chirp, signed_in.secret)


async def test_the_suspended_learn_it_only_with_the_right_password(chirp: Driver) -> None:
    signed_in = await registered(chirp)
    await chirp.suspend(Viewer(signed_in.user.user.user_id, b""))
    with pytest.raises(Unauthorized):
        await chirp.server.accounts.sign_in(SignIn("ada", "wrong-horse"))


async def test_a_revoked_key_is_refused_from_the_next_request_on(any_chirp: Driver) -> None:
    accounts = any_chirp.server.accounts
    viewer = await viewer_of(any_chirp, (await registered(any_chirp)).secret)
    key, secret = await accounts.create_key(viewer, CreateKey("laptop"))
    await accounts.authenticate(secret)
    assert accounts.find_viewer(secret) is not None
    await accounts.revoke(viewer, key.key_id)
    assert accounts.find_viewer(secret) is None
    with pytest.raises(Unauthorized):
        await accounts.authenticate(secret)


async def test_signing_out_ends_this_key_alone(chirp: Driver) -> None:
    accounts = chirp.server.accounts
    first, viewer = await registered(chirp), None
    other = await accounts.sign_in(SignIn("ada", PASSWORD))
    viewer = await viewer_of(chirp, first.secret)
    await accounts.sign_out(viewer)
    await accounts.sign_out(viewer)
    with pytest.raises(Unauthorized):
        await viewer_of(chirp, first.secret)
    await viewer_of(chirp, other.secret)


async def test_nobody_revokes_keys_of_others(chirp: Driver) -> None:
    ada, eve = [await registered(chirp, name) for name in ("ada", "eve")]
    viewer = await viewer_of(chirp, eve.secret)
    for key_id in (ada.key.key_id, KeyId(1)):
        with pytest.raises(NotFound):
            await chirp.server.accounts.revoke(viewer, key_id)
    await viewer_of(chirp, ada.secret)


@pytest.mark.parametrize(
    "secret", ["", "chirp_", "x" * 49, "é" * 49, "chirp_" + "A" * 43, "\ud800" * 49, "A" * 10_000]
)
async def test_what_is_no_key_is_refused(any_chirp: Driver, secret: str) -> None:
    assert any_chirp.server.accounts.find_viewer(secret) is None
    with pytest.raises(Unauthorized):
        await viewer_of(any_chirp, secret)


async def test_last_used_is_shown_at_once_and_survives_a_restart(chirp: Driver) -> None:
    viewer = await viewer_of(chirp, (await registered(chirp)).secret)
    used_at = chirp.clock.now_ms()
    assert (await chirp.server.accounts.keys(viewer))[0].last_used == used_at
    chirp.clock.advance_ms(1_000)
    await chirp.restart()
    assert (await chirp.server.accounts.keys(viewer))[0].last_used == used_at


async def test_writing_last_used_does_not_bring_a_revoked_key_back() -> None:
    chirp = await Driver.open(memory_store(UnevenEngine(2, 1)))
    signed_in = await registered(chirp)
    viewer = await viewer_of(chirp, signed_in.secret)
    accounts = chirp.server.accounts
    await asyncio.gather(accounts.store_last_used(), accounts.sign_out(viewer))
    with pytest.raises(Unauthorized):
        await viewer_of(chirp, signed_in.secret)
    await chirp.check()
    await chirp.close()


async def test_keys_are_told_apart_after_a_restart_on_a_clock_that_stands_still(
    chirp: Driver,
) -> None:
    viewer = await viewer_of(chirp, (await registered(chirp)).secret)
    first, _ = await chirp.server.accounts.create_key(viewer, CreateKey("one"))
    await chirp.restart()
    second, _ = await chirp.server.accounts.create_key(viewer, CreateKey("two"))
    assert first.key_id != second.key_id
    names = [key.name for key in await chirp.server.accounts.keys(viewer)]
    assert sorted(names) == ["one", "session", "two"]


async def test_secrets_are_nowhere_in_the_store(chirp: Driver) -> None:
    signed_in = await registered(chirp)
    await chirp.server.accounts.sign_in(SignIn("ada", PASSWORD))
    for shard in chirp.engine._shards:
        rows = [value for table in shard.rows.values() for value in table.values()]
        for row in [*rows, *[event for _, event in shard.journal]]:
            assert signed_in.secret.encode() not in row
            assert PASSWORD.encode() not in row


async def test_nothing_is_registered_while_writes_are_refused(chirp: Driver) -> None:
    chirp.engine.stop_writes("the disk is full")
    with pytest.raises(WritesStopped):
        await registered(chirp)
    chirp.engine.stop_writes(None)
    await registered(chirp)


async def test_a_refusal_is_one_line(chirp: Driver) -> None:
    await registered(chirp)
    with pytest.raises(Refusal) as caught:
        await registered(chirp)
    assert str(caught.value) == "username ada is taken"
