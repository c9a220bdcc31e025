"""Posts wait while the disk is slow, and are refused when it stands still."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from chirp.config import Fanout
from tests.support.driver import Driver, config, memory_store
from tests.support.engines import HeldEngine
from tests.support.raw import settle
from tests.support.web import Http


async def test_posts_wait_then_are_refused_then_taken_again(same_switch_interval: None) -> None:
    engine = HeldEngine()
    settings = replace(config(), fanout=Fanout(most_lag_ms=2_000))
    chirp = await Driver.open(memory_store(engine), settings=settings)
    async with Http(chirp) as http:
        ada = await chirp.register("ada")
        engine.held = True
        first = asyncio.create_task(http.post("/tweet", {"tweet_data": "one"}, ada))
        await settle()
        chirp.clock.advance_ms(1_500)
        second = asyncio.create_task(http.post("/tweet", {"tweet_data": "two"}, ada))
        await settle()
        assert not first.done()
        assert not second.done()
        assert chirp.server.publisher.stats() == {"under_way": 2, "lag_ms": 1500.0, "refused": 0}

        chirp.clock.advance_ms(1_000)
        refused = await http.post("/tweet", {"tweet_data": "three"}, ada)
        refused.refused(503)
        assert int(refused.headers["Retry-After"]) > 0
        assert (await http.get("/timeline/home", ada)).json["data"] == []
        assert "2,500 ms" in (await http.get("//status")).raw.decode()

        engine.release()
        assert [(await one).status for one in (first, second)] == [201, 201]
        assert (await http.post("/tweet", {"tweet_data": "four"}, ada)).status == 201
        texts = [t["content"] for t in (await http.get("/timeline/home", ada)).json["data"]]
        assert texts == ["four", "two", "one"]
        assert chirp.server.publisher.stats() == {"under_way": 0, "lag_ms": 0.0, "refused": 1}
        await chirp.check()
    await chirp.close()


async def test_a_post_that_fails_does_not_wait_for_those_before_it() -> None:
    engine = HeldEngine()
    chirp = await Driver.open(memory_store(engine), settings=config())
    async with Http(chirp) as http:
        ada = await chirp.register("ada")
        engine.held = True
        first = asyncio.create_task(http.post("/tweet", {"tweet_data": "one"}, ada))
        await settle()
        engine.held = False
        engine.stop_writes("the disk is full")
        (await http.post("/tweet", {"tweet_data": "two"}, ada)).refused(503)
        assert not first.done()
        engine.stop_writes(None)
        engine.release()
        assert (await first).status == 201
        assert chirp.server.publisher.stats()["under_way"] == 0
    await chirp.close()
