"""What do a tweet's row and a timeline's entry take, in bytes and in time?

Rows: real tweets, packed and unpacked as the tables and the journal keep them. Entries: 5,000
windows of 800 ids as `HomeTimelines` keeps them; their bytes are the growth of the process's
resident memory, so that it holds what the allocator keeps. What an entry more takes is the
difference to windows of 1,600.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.harness import Bench, ForeignCpu, quantile, resident_kb
from bench.rendering import cached_tweets
from chirp.cache import HomeTimelines
from chirp.model import Tweet
from chirp.storage.codec import pack_tweet, unpack_tweet
from chirp.storage.events import TweetPosted, pack_event, unpack_event
from chirp.storage.keys import id_key, pair_key

TWEETS = 2_000
WINDOWS, KEPT, PUSHED = 5_000, 800, 100
"""Home windows, ids in each, and new ones that come later."""

FIRST_ID = 1 << 60


def each_us(work: Callable[[], object], count: int, rounds: int) -> float:
    """Return the median time of one of `count` things that `work` handles at a call, in µs."""
    took = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        work()
        took.append(1e6 * (time.perf_counter() - began_s) / count)
    return quantile(took, 0.5)


def report_rows(bench: Bench, tweets: Sequence[Tweet], rounds: int) -> None:
    """Add the rows of rows and events."""
    rows = [pack_tweet(tweet) for tweet in tweets]
    posted = [TweetPosted(tweet) for tweet in tweets]
    events = [pack_event(event) for event in posted]
    assert [unpack_tweet(row) for row in rows] == list(tweets)
    count = len(tweets)
    characters = sum(len(tweet.content) for tweet in tweets) / count
    text = sum(len(tweet.content.encode()) for tweet in tweets) / count
    bench.show("characters of a tweet, mean", characters, "")
    bench.show("its text in UTF-8, mean", text, "B")
    bench.show("its row, mean", sum(map(len, rows)) / count, "B")
    bench.show("its event in the journal, mean", sum(map(len, events)) / count, "B")
    bare = sum(map(len, rows)) / count - text + len(id_key(1)) + len(pair_key(1, 1)) + 1
    bench.show("keys and values of row and author index, without text", bare, "B")
    works: dict[str, Callable[[], object]] = {
        "pack a row": lambda: [*map(pack_tweet, tweets)],
        "unpack a row": lambda: [*map(unpack_tweet, rows)],
        "pack an event": lambda: [*map(pack_event, posted)],
        "unpack an event": lambda: [*map(unpack_event, events)],
    }
    for what, work in works.items():
        bench.show(what, each_us(work, count, rounds), "µs")


def windows(ids: int) -> tuple[HomeTimelines, float]:
    """Return windows of so many ids, and how many bytes each takes of resident memory."""
    before, homes = _resident_bytes(), HomeTimelines(1 << 40, keep=ids)
    for viewer in range(WINDOWS):
        homes.begin_build(viewer).install(range(FIRST_ID, FIRST_ID + ids), FIRST_ID)
    return homes, (_resident_bytes() - before) / WINDOWS


def report_windows(bench: Bench, rounds: int) -> None:
    """Add the rows of home windows."""
    before = _resident_bytes()
    homes, built = windows(KEPT)
    for number in range(PUSHED):
        homes.push_all(range(WINDOWS), FIRST_ID + KEPT + number)
    pushed = (_resident_bytes() - before) / (WINDOWS * (KEPT + PUSHED))
    larger, doubled = windows(2 * KEPT)
    bench.at_most("an entry more in a home window", (doubled - built) / KEPT, 8, "B")
    bench.at_most("an entry with its share of the window", built / KEPT, 8, "B")
    bench.show(f"the same, {PUSHED} new ones later", pushed, "B")
    bench.show("what the budget counts", larger.stats()["weight_bytes"] / WINDOWS / KEPT / 2, "B")
    viewers = [number * 7 % WINDOWS for number in range(1_000)]
    read_us = each_us(lambda: [homes.read(viewer, None, 20) for viewer in viewers], 1_000, rounds)
    bench.show("read the newest 20 entries", read_us, "µs")


def _resident_bytes() -> int:
    return 1024 * resident_kb(os.getpid())


def run(rounds: int, path: Path | None) -> None:
    """Measure and report."""
    bench, foreign = Bench("codec", extra={"tweets": TWEETS, "windows": WINDOWS}), ForeignCpu()
    report_windows(bench, rounds)
    report_rows(bench, [cached.tweet for cached in cached_tweets(TWEETS)], rounds)
    bench.finish(foreign.cores(), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.rounds, given.json)
