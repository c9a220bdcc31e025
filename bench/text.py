"""How long does `chirp.text.parse` take for real tweets, and for long hostile texts?

One tweet a line, UTF-8, gzip or not; without the option a few built-in ones. Each tweet counts with
its fastest round, garbage collection off. Each hostile text is a million characters, parsed once.
"""

import argparse
import gc
import gzip
import statistics
import time
from pathlib import Path

from bench.harness import Bench, ForeignCpu, quantile
from chirp.text import parse

TARGET_US = 6.0
HOSTILE_LENGTH = 1_000_000
HOSTILE_TARGET_S = 1.0

SAMPLE = [
    "just setting up my twttr",
    "Today I'm grateful for good food, good wine and good friends. #gratitude #fb",
    "@ada @bob that's 5 o'clock... see https://example.com/a/b?c=1 and example.org :)",
    "日本語のつぶやき #日本 http://example.jp/",
    "so happy today 😀👍🏽 ❤️",
]

HOSTILE = [
    "@", "#", ".", "a.", "http://", "a-", "(((", "e\u0301", "\u0301\u0316", "\u200d", "😀",
    "👨\u200d", "a.a.a.", "$A$A", "a.co/(", "a.co:1", "@a/b-", "#1", "😀#", "_.com", "日",
]  # fmt: skip


def read_tweets(path: Path | None) -> list[str]:
    """Return the tweets of a file."""
    if path is None:
        return SAMPLE
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return data.decode().splitlines()


def time_parse(text: str, rounds: int) -> int:
    """Return the nanoseconds of the fastest round."""
    best = 2**63
    for _ in range(rounds):
        start = time.perf_counter_ns()
        parse(text)
        best = min(best, time.perf_counter_ns() - start)
    return best


def run(tweets: list[str], rounds: int, path: Path | None) -> None:
    """Measure and report."""
    bench, foreign = Bench("text", extra={"tweets": len(tweets), "rounds": rounds}), ForeignCpu()
    gc.disable()
    times_us = [time_parse(tweet, rounds) / 1e3 for tweet in tweets]
    bench.at_most("median", statistics.median(times_us), TARGET_US, "µs")
    bench.show("mean", statistics.fmean(times_us), "µs")
    bench.show("p99", quantile(times_us, 0.99), "µs")
    bench.show("tweets parsed on one core", 1e6 / statistics.fmean(times_us), "/s")
    for piece in HOSTILE:
        took_s = time_parse((piece * HOSTILE_LENGTH)[:HOSTILE_LENGTH], 1) / 1e9
        bench.at_most(f"a million characters of {piece!a}", took_s, HOSTILE_TARGET_S, "s")
    gc.enable()
    bench.finish(foreign.cores(), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--tweets", type=Path, help="a file of tweets, one a line")
    parser.add_argument("--rounds", type=int, default=5, help="times each tweet is parsed")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(read_tweets(given.tweets), given.rounds, given.json)
