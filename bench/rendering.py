"""What do spliced pages save against pages that are rendered whole each time?

JSON: the renderer's join of kept bytes against the slow twin of the tests, which makes plain
dictionaries, merges them and encodes them with orjson; and against dictionaries that are kept with
the tweets, so that only merging and encoding is left. HTML: kept cards against the same code
without room to keep any, so that every card comes out of its template. Real tweets, each by an
author of their own, as pages of 20 and 40: for a viewer who did nothing to them, and for one who
favorited every fourth and wrote one of twenty. First time: nothing is encoded yet. Both sides take
turns; a figure is the median of batches.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench.harness import Bench, ForeignCpu, quantile
from chirp.api.render import Renderer
from chirp.app import Chirp
from chirp.cache.lru import LruMap
from chirp.clock import SystemClock
from chirp.commands import entities_of
from chirp.config import Config
from chirp.demo.files import read_texts
from chirp.http.paging import Links
from chirp.model import Tweet, TweetCounts, TweetId, UnixMs, User, UserId
from chirp.storage.manifest import Manifest
from chirp.storage.memory import MemoryEngine
from chirp.storage.store import Store
from chirp.text import parse
from chirp.views import (
    NO_FLAGS,
    CachedTweet,
    CachedUser,
    TweetView,
    ViewerFlags,
    bare_view,
)
from chirp.web.cards import Cards
from tests.api.test_render import RENDERER, tail_fields, twin

TWEETS = Path("tests/data/graphs/tweets.txt.gz")
SIZES = (20, 40)
TARGET = 3
BATCH = 20
LINKS = Links("o0-1-2", "n0-3-4", "")
NOW = UnixMs(1_700_000_000_000)
FIRST_ID = 1 << 60

Render = Callable[[], object]


def cached_tweets(count: int) -> list[CachedTweet]:
    """Return real tweets by as many authors."""
    found = []
    for number, text in enumerate(read_texts(TWEETS, 280).texts[:count]):
        parsed = parse(text)
        entities = entities_of(parsed, [None] * len(parsed.entities.mentions))
        user_id, tweet_id = UserId(FIRST_ID + number), TweetId(FIRST_ID + 1_000 + number)
        user = User(user_id, f"user{number}", f"User {number}", NOW, "Mostly harmless.", "Earth")
        tweet = Tweet(tweet_id, user_id, parsed.text, NOW, tweet_id, entities=entities)
        found.append(CachedTweet(tweet, CachedUser(user), TweetCounts(number, 2, 1, 0)))
    return found


def plain(tweets: Sequence[CachedTweet]) -> list[TweetView]:
    """Return the tweets as most see them."""
    return [bare_view(cached, NO_FLAGS, False) for cached in tweets]


def flagged(tweets: Sequence[CachedTweet]) -> list[TweetView]:
    """Return the tweets as somebody sees them who favorited some and wrote some."""
    favorited = ViewerFlags(favorited=True)
    return [
        bare_view(cached, NO_FLAGS if place % 4 else favorited, place % 20 == 7)
        for place, cached in enumerate(tweets)
    ]


def forgetful(tweets: Sequence[CachedTweet], renderer: Renderer) -> bytes:
    """Render a page of tweets that were just read from the tables: nothing is encoded yet."""
    for cached in tweets:
        cached.json = cached.json_user = cached.json_head = cached.author.json = None
    return spliced_page(plain(tweets), renderer)


def spliced_page(views: Sequence[TweetView], renderer: Renderer = RENDERER) -> bytes:
    """Render a page as the server does."""
    return renderer.page(renderer.tweets(views), LINKS).whole()


def twin_page(views: Sequence[TweetView]) -> bytes:
    """Render a page the slow way."""
    data = [twin(view) for view in views]
    return orjson.dumps({"data": data, "next": LINKS.next, "prev": LINKS.prev})


def merged_page(views: Sequence[TweetView], kept: Sequence[dict[str, Any]]) -> bytes:
    """Render a page of kept dictionaries: only what differs between viewers is made anew."""
    data = [{**fields, **tail_fields(view)} for view, fields in zip(views, kept, strict=True)]
    return orjson.dumps({"data": data, "next": LINKS.next, "prev": LINKS.prev})


def compare(ours: Render, theirs: Render, rounds: int) -> tuple[float, float]:
    """Return the medians of both, in µs, taken in turns."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for render, times in zip((ours, theirs), took, strict=True):
            began_s = time.perf_counter()
            for _ in range(BATCH):
                render()
            times.append(1e6 * (time.perf_counter() - began_s) / BATCH)
    return quantile(took[0], 0.5), quantile(took[1], 0.5)


def report(bench: Bench, what: str, ours: Render, rival: str, theirs: Render, rounds: int) -> None:
    """Add the rows of one comparison."""
    mine, whole = compare(ours, theirs, rounds)
    bench.show(f"{what}, spliced", mine, "µs")
    bench.show(f"{what}, {rival}", whole, "µs")
    if "first time" in what:
        bench.show(f"{what}, against {rival}", whole / mine, "times")
    else:
        bench.at_least(f"{what}, against {rival}", whole / mine, TARGET, "times")


def report_json(bench: Bench, size: int, rounds: int) -> None:
    """Add the rows of JSON pages of one size."""
    tweets = cached_tweets(size)
    for what, make in (("nothing done to them", plain), ("favorites and own", flagged)):
        views = make(tweets)
        ours, slow = partial(spliced_page, views), partial(twin_page, views)
        merged = partial(merged_page, views, [twin(view) for view in plain(tweets)])
        wanted = orjson.loads(slow())
        assert orjson.loads(ours()) == orjson.loads(merged()) == wanted, "the same JSON"
        name = f"JSON of {size} tweets, {what}"
        bench.show(f"{name}, size", len(slow()), "B")
        report(bench, name, ours, "slow twin", slow, rounds)
        report(bench, name, ours, "kept dictionaries", merged, rounds)
    name, slow = f"JSON of {size} tweets, first time", partial(twin_page, plain(tweets))
    report(bench, name, partial(forgetful, tweets, RENDERER), "slow twin", slow, rounds)


def report_html(bench: Bench, chirp: Chirp, size: int, rounds: int) -> None:
    """Add the rows of HTML cards of one size of page."""
    tweets = cached_tweets(size)
    kept, whole = (Cards(chirp.fronts.site.pages, LruMap(room)) for room in (32 << 20, 0))
    for what, make in (("nothing done to them", plain), ("favorites and own", flagged)):
        views = make(tweets)
        ours, slow = partial(kept.page, views), partial(whole.page, views)
        assert ours() == slow(), "the same HTML"
        name = f"HTML of {size} cards, {what}"
        bench.show(f"{name}, size", len(slow()), "B")
        report(bench, name, ours, "templates", slow, rounds)


async def measure(bench: Bench, rounds: int) -> None:
    """Add all rows."""
    engine = MemoryEngine(1)
    store = Store(engine, Manifest(1, "64", 0, "00" * 16))
    chirp = await Chirp.open(store, Config(), SystemClock())
    for size in SIZES:
        report_json(bench, size, rounds)
    for size in SIZES:
        report_html(bench, chirp, size, max(5, rounds // 4))
    await chirp.close()
    await store.close()


def run(rounds: int, path: Path | None) -> None:
    """Measure and report."""
    bench, foreign = Bench("rendering", extra={"rounds": rounds, "batch": BATCH}), ForeignCpu()
    uvloop.run(measure(bench, rounds))
    bench.finish(foreign.cores(), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=100, help="batches of 20 pages each way")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.rounds, given.json)
