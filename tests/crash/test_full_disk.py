"""A full disk under the real server: writes stop with 503, reads go on, nothing is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import aiohttp

from tests.support.process import ServerProcess, chirp

LIMIT_BYTES = 600_000
LIMIT = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT_BYTES}, {LIMIT_BYTES}))
os.execv(sys.argv[1], sys.argv[1:])
"""
LIMITED = (sys.executable, "-c", LIMIT)
"""Runs a program whose files cannot grow past the limit: what a full disk is to a writer."""


async def fill(session: aiohttp.ClientSession) -> tuple[list[str], aiohttp.ClientResponse]:
    """Post until the server refuses; return the acknowledged ids and the refusal."""
    acknowledged: list[str] = []
    for number in range(100_000):
        answer = await session.post("tweet", json={"tweet_data": f"{number} " + "x" * 270})
        if answer.status != 201:
            return acknowledged, answer
        acknowledged.append((await answer.json())["tweet"]["tweet_id"])
    raise AssertionError("the disk never filled")


async def test_a_full_disk_stops_writes_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert chirp("init", data).returncode == 0
    person = {"username": "ada", "name": "Ada", "email": "a@b.org", "password": "correct-horse"}
    with ServerProcess(data, wrapper=LIMITED) as server:
        async with aiohttp.ClientSession(base_url=f"{server.url}/api/v1/") as session:
            key = (await (await session.post("users", json=person)).json())["api_dev_key"]
            session.headers["X-API-Key"] = key
            acknowledged, refusal = await fill(session)
            assert refusal.status == 503
            assert int(refusal.headers["Retry-After"]) > 0
            assert (await refusal.json())["error"] == "unavailable"
            for _ in range(50):
                again = await session.post("tweet", json={"tweet_data": "small"})
                assert again.status == 503, "nothing is tried again behind the operator's back"
            # The log is on the full disk, too: what follows from that takes a line each.
            assert "Traceback" not in server.log()
            assert server.log().count("has ended: the index consumer has stopped") >= 1
            page = await (await session.get("timeline/home")).json()
            assert page["data"][0]["tweet_id"] == acknowledged[-1]
            ready = await session.get(f"{server.url}/readyz")
            assert ready.status == 503
            assert "the disk is full" in (await ready.json())["reasons"][0]
        assert "the disk is full" in server.log()
        assert server.stop() == 0
    with ServerProcess(data) as server:
        async with aiohttp.ClientSession(base_url=f"{server.url}/api/v1/") as session:
            for tweet_id in acknowledged:
                assert (await session.get(f"tweets/{tweet_id}")).status == 200
            session.headers["X-API-Key"] = key
            assert (await session.post("tweet", json={"tweet_data": "space"})).status == 201
    assert chirp("check", data).returncode == 0
