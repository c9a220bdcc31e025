"""The people of a served demo go on living: over HTTP, with the client."""

from __future__ import annotations

from random import Random

from chirp.clock import SystemClock
from chirp.demo.life import Life
from chirp.views import Viewer
from tests.support.driver import Driver
from tests.support.web import Http


def life(http: Http, people: list[Viewer], chirp: Driver) -> Life:
    url = str(http.client.make_url("")).rstrip("/")
    cast = [(chirp.names[who.user_id], chirp.secrets[who.user_id]) for who in people]
    return Life(url, cast, SystemClock(), Random(1))


async def test_people_do_all_kinds_of_things(http: Http) -> None:
    chirp = http.chirp
    people = await chirp.register_many("ada", "bob", "eve")
    living = life(http, people, chirp)
    for _ in range(60):
        await living.act()
    rows = {name: table.rows for name, table in chirp.engine.stats().tables.items()}
    kinds = ("tweets", "replies", "quotes", "retweets", "favorites")
    assert [name for name in kinds if not rows[name]] == []
