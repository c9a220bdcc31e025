"""Passwords: what a hash costs, and that floods of sign-ins are refused, not queued for ever."""

from __future__ import annotations

import asyncio

import pytest

from chirp.errors import Unavailable
from chirp.services import passwords
from chirp.services.passwords import MOST_WAITING, Passwords
from tests.support.driver import PASSWORD_COST


async def test_a_hash_is_argon2id_at_owasps_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MEMORY_KIB", PASSWORD_COST[0])
    monkeypatch.setattr(passwords, "_PASSES", PASSWORD_COST[1])
    hashes = Passwords()
    encoded = await hashes.hash("correct-horse")
    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hashes.verify(encoded, "correct-horse")
    hashes.close()


async def test_only_the_right_password_is_right() -> None:
    hashes = Passwords()
    encoded = await hashes.hash("correct-horse")
    assert await hashes.verify(encoded, "correct-horse")
    assert not await hashes.verify(encoded, "Correct-horse")
    assert not await hashes.verify(None, "correct-horse")
    assert not await hashes.verify(None, "no account has this password")
    assert not await hashes.verify("not a hash", "correct-horse")
    hashes.close()


async def test_two_hashes_of_one_password_differ() -> None:
    hashes = Passwords()
    assert await hashes.hash("correct-horse") != await hashes.hash("correct-horse")
    hashes.close()


async def test_a_flood_of_sign_ins_is_refused() -> None:
    hashes = Passwords()
    many = [hashes.hash("correct-horse") for _ in range(MOST_WAITING + 3)]
    results = await asyncio.gather(*many, return_exceptions=True)
    assert sum(isinstance(result, Unavailable) for result in results) == 3
    assert await hashes.hash("correct-horse")
    hashes.close()
