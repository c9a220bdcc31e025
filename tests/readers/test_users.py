"""Profiles in memory: one object a user, always at the newest version that was seen."""

from __future__ import annotations

import gc

import pytest

from chirp.errors import NotFound
from chirp.model import UserId
from tests.support.driver import Driver


async def test_there_is_one_object_of_a_user_however_it_is_found(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    found = await chirp.server.users.get(ada.user_id)
    chirp.server.caches.users.delete(ada.user_id)
    assert await chirp.server.users.get(ada.user_id) is found
    assert (await chirp.get(None, await chirp.post(ada))).cached.author is found


async def test_a_profile_that_nobody_holds_is_read_again(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    chirp.server.caches.users.delete(ada.user_id)
    gc.collect()
    assert (await chirp.server.users.get(ada.user_id)).user.username == "ada"


async def test_profiles_come_in_the_order_of_their_ids(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    ids = [bob.user_id, UserId(5), ada.user_id]
    found = await chirp.server.users.find_many(ids)
    assert [one and one.user.username for one in found] == ["bob", None, "ada"]


async def test_who_is_not_there_is_not_found(chirp: Driver) -> None:
    with pytest.raises(NotFound):
        await chirp.server.users.get(UserId(5))
    for name in ("nobody", "", "x" * 16, "é"):
        with pytest.raises(NotFound):
            await chirp.server.users.get_named(name)
