"""An acknowledged write survives: the real server is killed while eight clients post."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from chirp.client import ChirpClient
from tests.support.pictures import drawn, encoded, video
from tests.support.process import ServerProcess, chirp

ROUNDS = int(os.environ.get("CHIRP_TEST_CRASH_ROUNDS", "12" if os.environ.get("CI") else "5"))
CLIENTS = 8


@dataclass
class Acknowledged:
    """What the server said was stored, over all its lives."""

    keys: list[str] = field(default_factory=list)
    tweets: dict[str, str] = field(default_factory=dict)
    """Tweet id → author."""
    fresh: list[str] = field(default_factory=list)
    """Ids acknowledged in the latest life."""


async def register(url: str, acknowledged: Acknowledged) -> None:
    async with aiohttp.ClientSession() as session:
        for number in range(CLIENTS):
            body = {
                "username": f"u{number}",
                "name": f"U {number}",
                "email": f"u{number}@example.org",
                "password": "correct-horse",
            }
            async with session.post(f"{url}/api/v1/users", json=body) as answer:
                assert answer.status == 201
                acknowledged.keys.append((await answer.json())["api_dev_key"])


async def post_until_dead(url: str, number: int, acknowledged: Acknowledged) -> None:
    """Post as fast as answers come, until the server is gone; note what it acknowledged."""
    headers = {"X-API-Key": acknowledged.keys[number]}
    async with aiohttp.ClientSession(headers=headers) as session:
        for count in range(1_000_000):
            body = {"tweet_data": f"tweet {count} of u{number}"}
            try:
                async with session.post(f"{url}/api/v1/tweet", json=body) as answer:
                    tweet_id = (await answer.json())["tweet"]["tweet_id"]
            except (aiohttp.ClientError, ConnectionError):
                return
            acknowledged.tweets[tweet_id] = f"u{number}"
            acknowledged.fresh.append(tweet_id)


async def one_life(server: ServerProcess, delay_s: float, acknowledged: Acknowledged) -> None:
    """Post from eight clients and kill the server at some moment."""
    acknowledged.fresh.clear()
    clients = [
        asyncio.create_task(post_until_dead(server.url, number, acknowledged))
        for number in range(CLIENTS)
    ]
    await asyncio.sleep(delay_s)
    await asyncio.to_thread(server.kill)
    await asyncio.gather(*clients)


async def missing(url: str, acknowledged: Acknowledged) -> list[str]:
    """Return acknowledged tweets that are not in their authors' timelines now."""
    found: set[str] = set()
    async with aiohttp.ClientSession() as session:
        for number in range(CLIENTS):
            path: str | None = f"{url}/api/v1/users/u{number}/tweets?limit=100"
            while path is not None:
                async with session.get(path) as answer:
                    page = await answer.json()
                found |= {tweet["tweet_id"] for tweet in page["data"]}
                cursor = page["next"]
                base = f"{url}/api/v1/users/u{number}/tweets?limit=100&cursor="
                path = None if cursor is None else base + cursor
    return [tweet_id for tweet_id in acknowledged.tweets if tweet_id not in found]


async def unreadable(url: str, ids: list[str]) -> list[str]:
    """Return those ids that cannot be read one by one."""
    bad = []
    async with aiohttp.ClientSession() as session:
        for tweet_id in ids:
            async with session.get(f"{url}/api/v1/tweets/{tweet_id}") as answer:
                if answer.status != 200:
                    bad.append(tweet_id)
    return bad


@pytest.mark.timeout(7_200)
async def test_acknowledged_tweets_survive_sigkill(tmp_path: Path) -> None:
    data, acknowledged = tmp_path / "data", Acknowledged()
    chance = random.Random()
    server = ServerProcess(data)
    await register(server.url, acknowledged)
    greatest = 0
    for _ in range(ROUNDS):
        await one_life(server, chance.uniform(0.05, 0.7), acknowledged)
        checked = chirp("check", data, "--json")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert json.loads(checked.stdout)["problems"] == []
        server = ServerProcess(data)
        assert await missing(server.url, acknowledged) == []
        assert await unreadable(server.url, acknowledged.fresh) == []
        if acknowledged.fresh:
            assert min(map(int, acknowledged.fresh)) > greatest, "ids go on above the old ones"
            greatest = max(map(int, acknowledged.fresh))
    assert acknowledged.tweets, "nothing was ever acknowledged"
    assert server.stop() == 0


async def test_sigterm_answers_what_is_under_way_and_ends_in_time(tmp_path: Path) -> None:
    data, acknowledged = tmp_path / "data", Acknowledged()
    server = ServerProcess(data)
    await register(server.url, acknowledged)
    clients = [
        asyncio.create_task(post_until_dead(server.url, number, acknowledged))
        for number in range(CLIENTS)
    ]
    await asyncio.sleep(0.5)
    began = time.monotonic()
    code = await asyncio.to_thread(server.stop)
    assert time.monotonic() - began < 5
    await asyncio.gather(*clients)
    assert code == 0, server.log()
    assert "Traceback" not in server.log()
    with ServerProcess(data) as again:
        assert await missing(again.url, acknowledged) == []


async def test_acknowledged_media_survive_sigkill(tmp_path: Path) -> None:
    data, acknowledged = tmp_path / "data", Acknowledged()
    server = ServerProcess(data)
    await register(server.url, acknowledged)
    key = acknowledged.keys[0]
    film = video(tmp_path / "v.webm", "libvpx").read_bytes()
    async with ChirpClient(server.url, key) as ada:
        photo = await ada.upload(encoded(drawn(), "PNG"))
        tweet = await ada.post("look", media_ids=[photo.media_id])
    headers = {"X-API-Key": key}
    async with aiohttp.ClientSession(headers=headers) as session:
        form = aiohttp.FormData()
        form.add_field("file", BytesIO(film), filename="v")
        async with session.post(f"{server.url}/api/v1/media", data=form) as answer:
            assert answer.status == 202
            cut_off = (await answer.json())["media_id"]
    server.kill()
    with ServerProcess(data) as again:
        async with ChirpClient(again.url, key) as ada:
            (media,) = (await ada.get(tweet.tweet_id)).media
            for _ in range(300):
                if (await ada.describe(cut_off, "a film")).state != "processing":
                    break
                await asyncio.sleep(0.2)
            assert (await ada.describe(cut_off, "a film")).state == "ready"
        async with aiohttp.ClientSession() as session:
            path = str(media.url).split("/", 3)[3]
            async with session.get(f"{again.url}/{path}") as answer:
                assert (answer.status, len(await answer.read())) == (200, media.size_bytes)
