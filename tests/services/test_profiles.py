"""Profiles: what everybody sees, and what only oneself."""

from __future__ import annotations

import pytest

from chirp.errors import NotFound
from chirp.model import UserCounts
from chirp.views import Relationship
from tests.support.driver import Driver


async def test_a_profile_counts_followers_followees_and_tweets(any_chirp: Driver) -> None:
    ada, bob, eve = await any_chirp.register_many("ada", "bob", "eve")
    await any_chirp.follow(bob, ada)
    await any_chirp.follow(eve, ada)
    await any_chirp.follow(ada, bob)
    await any_chirp.post_many(ada, 3)
    assert (await any_chirp.profile(None, ada)).counts == UserCounts(2, 1, 3)


async def test_a_name_is_found_whatever_its_case(any_chirp: Driver) -> None:
    ada = await any_chirp.register("Ada")
    view = await any_chirp.server.profiles.get(None, "aDA")
    assert (view.user.user_id, view.user.username) == (ada.user_id, "Ada")


async def test_only_signed_in_strangers_see_a_relationship(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    assert (await chirp.profile(bob, ada)).relationship == Relationship()
    assert (await chirp.profile(ada, ada)).relationship is None
    assert (await chirp.profile(None, ada)).relationship is None


async def test_nobody_sees_private_fields_in_a_profile(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    for viewer in (ada, bob, None):
        assert (await chirp.profile(viewer, ada)).own is None
    own = (await chirp.server.accounts.me(ada)).own
    assert own is not None
    assert own.email == "ada@example.org"


async def test_the_suspended_have_no_profile(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    await chirp.suspend(ada)
    with pytest.raises(NotFound):
        await chirp.profile(None, ada)
