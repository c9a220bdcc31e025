"""Measure `chirp.text.parse`: real tweets (target: median below 6 µs), and hostile long texts.

    python bench/text.py --tweets tweets.txt.gz [--rounds 5] [--json out.json]

One tweet a line, UTF-8, gzip or not; without the option a few built-in ones. Each tweet counts with
its fastest round, garbage collection off. Each hostile text is a million characters, parsed once.
"""

import argparse
import gc
import gzip
import json
import platform
import statistics
import time
from pathlib import Path
from typing import TypedDict

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


class Speed(TypedDict):
    """Microseconds a tweet, and how many a second one core parses."""

    tweets: int
    median_us: float
    p99_us: float
    mean_us: float
    tweets_per_s: float


def read_tweets(path: Path | None) -> list[str]:
    if path is None:
        return SAMPLE
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return data.decode().splitlines()


def time_parse(text: str, rounds: int) -> int:
    best = 2**63
    for _ in range(rounds):
        start = time.perf_counter_ns()
        parse(text)
        best = min(best, time.perf_counter_ns() - start)
    return best


def measure_tweets(tweets: list[str], rounds: int) -> Speed:
    times_us = sorted(time_parse(tweet, rounds) / 1e3 for tweet in tweets)
    mean_us = statistics.fmean(times_us)
    return Speed(
        tweets=len(tweets),
        median_us=statistics.median(times_us),
        p99_us=times_us[int(len(times_us) * 0.99)],
        mean_us=mean_us,
        tweets_per_s=1e6 / mean_us,
    )


def measure_hostile() -> dict[str, float]:
    return {
        ascii(piece): time_parse((piece * HOSTILE_LENGTH)[:HOSTILE_LENGTH], 1) / 1e9
        for piece in HOSTILE
    }


def print_table(speed: Speed, hostile: dict[str, float]) -> None:
    print(f"{'real tweets':<28}{'measured':>12}{'target':>12}")
    print(f"{'  tweets':<28}{speed['tweets']:>12,}")
    print(f"{'  tweets/s, one core':<28}{speed['tweets_per_s']:>12,.0f}")
    print(f"{'  median, µs':<28}{speed['median_us']:>12.2f}{f'< {TARGET_US:.0f}':>12}")
    print(f"{'  mean, µs':<28}{speed['mean_us']:>12.2f}")
    print(f"{'  p99, µs':<28}{speed['p99_us']:>12.2f}")
    print(f"10⁶ characters of{'':<11}{'s':>12}{f'< {HOSTILE_TARGET_S:.0f}':>12}")
    for piece, taken_s in hostile.items():
        print(f"  {piece:<26}{taken_s:>12.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tweets", type=Path, help="a file of tweets, one a line")
    parser.add_argument("--rounds", type=int, default=5, help="times each tweet is parsed")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    gc.disable()
    speed = measure_tweets(read_tweets(options.tweets), options.rounds)
    hostile = measure_hostile()
    print_table(speed, hostile)
    if options.json:
        figures = {
            "bench": "text",
            "python": platform.python_version(),
            "tweets": speed,
            "hostile_s": hostile,
            "targets": {"median_us": TARGET_US, "hostile_s": HOSTILE_TARGET_S},
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
