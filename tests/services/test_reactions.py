"""What viewers do to tweets of people who are going."""

from __future__ import annotations

import pytest

from chirp.errors import Forbidden, NotFound
from tests.support.driver import Driver


async def test_a_block_is_no_longer_named_when_whom_it_was_of_is_gone(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    tweet = (await chirp.post_many(bob, 1))[0]
    await chirp.relate(ada, "block", bob)
    with pytest.raises(Forbidden):
        await chirp.react(ada, "favorite", tweet)
    await chirp.server.own_account._writer.close(bob.user_id)
    with pytest.raises(NotFound):
        await chirp.react(ada, "favorite", tweet)
