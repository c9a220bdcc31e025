"""A real graph with real tweets: every home timeline over HTTP equals a plain merge of the data."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.process import ServerProcess, chirp

GRAPHS = Path(__file__).parent / "data" / "graphs"
AT_ONCE = 24


def edges() -> list[tuple[str, str]]:
    """Return (follower, followee) usernames of the graph, read without our own code."""
    lines = gzip.decompress((GRAPHS / "wiki-Vote.edges.gz").read_bytes()).decode().splitlines()
    pairs = [line.split() for line in lines if not line.startswith("#")]
    return [(f"u{a}", f"u{b}") for a, b in pairs if a != b]


def texts() -> list[str]:
    """Return the real tweets."""
    lines = gzip.decompress((GRAPHS / "tweets.txt.gz").read_bytes()).decode().split("\n")
    return [line for line in lines if line]


async def walk(session: aiohttp.ClientSession, path: str, limit: int) -> list[dict[str, Any]]:
    """Return all items of a list, page by page; no page but the last is short."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        async with session.get(path + query) as answer:
            assert answer.status == 200
            page = await answer.json()
        cursor = page["next"]
        assert len(page["data"]) == limit or cursor is None
        found += page["data"]
    return found


async def each(names: Iterable[str], work: Any) -> None:
    """Do `work(name)` for all names, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> None:
        async with gate:
            await work(name)

    await asyncio.gather(*(one(name) for name in names))


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wiki")
    began = time.monotonic()
    done = chirp(
        "demo", folder / "data",
        "--graph", GRAPHS / "wiki-Vote.edges.gz",
        "--tweets", GRAPHS / "tweets.txt.gz",
        "--keys-out", folder / "keys.json",
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 60
    figures = json.loads(done.stdout)
    assert (figures["people"], figures["follows"], figures["tweets"]) == (7_115, 103_689, 4_200)
    return folder


@pytest.mark.timeout(400)
async def test_every_home_timeline_equals_a_plain_merge(community: Path) -> None:
    keys: dict[str, str] = json.loads((community / "keys.json").read_text())
    followees: dict[str, set[str]] = defaultdict(set)
    for follower, followee in edges():
        followees[follower].add(followee)
    by_author: dict[str, list[int]] = {}
    written: Counter[str] = Counter()
    wrong: list[str] = []
    with ServerProcess(community / "data") as server:
        async with aiohttp.ClientSession(base_url=f"{server.url}/api/v1/") as session:

            async def read_author(name: str) -> None:
                tweets = await walk(session, f"users/{name}/tweets", 100)
                by_author[name] = [int(tweet["tweet_id"]) for tweet in tweets]
                written.update(tweet["content"] for tweet in tweets)

            async def compare(name: str) -> None:
                headers = {"X-API-Key": keys[name]}
                ids = {i for who in {name, *followees[name]} for i in by_author[who]}
                url = f"{server.url}/api/v1/"
                async with aiohttp.ClientSession(base_url=url, headers=headers) as own:
                    home = await walk(own, "timeline/home", 20)
                if [int(tweet["tweet_id"]) for tweet in home] != sorted(ids, reverse=True):
                    wrong.append(name)

            await each(keys, read_author)
            assert written == Counter(texts())
            await each(keys, compare)
    assert wrong == []
