"""A page to which something came is told as one that is made anew."""

from __future__ import annotations

from random import Random

import pytest

from tests.services.test_first_pages import something
from tests.support.driver import Driver
from tests.support.web import Http


@pytest.mark.parametrize("seed", range(4))
async def test_a_renewed_page_is_told_as_one_made_anew(chirp: Driver, seed: int) -> None:
    chance = Random(seed)
    async with Http(chirp) as http:
        people = await chirp.register_many("ada", "bob", "eve", "joe")
        await chirp.follow(people[0], people[1], people[2])
        await chirp.follow(people[1], people[0], people[3])
        tweets = [await chirp.post(chance.choice(people), f"early {n}") for n in range(40)]
        for _ in range(80):
            await something(chirp, chance, people, tweets)
            for reader in people[:2] if chance.random() < 0.7 else ():
                kept = (await http.ask("GET", "/timeline/home", reader)).raw
                assert kept == (await http.ask("GET", "/timeline/home?since_id=1", reader)).raw
        assert chirp.server.first_pages.stats()["renewed"] > 5
