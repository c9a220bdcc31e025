"""Hit ratios of caches of tweets against their size, under reads of Zipf(1.0) popularity.

The same trace goes through three caches: `TweetCache`, the hash of linked lists, filled as the
server fills it (a miss puts a loose entry); `LruMap` as an exact LRU of single tweets; and Belady's
rule, which knows the future and evicts what is read again last: no cache that holds what was read
does better. The first two have the same bytes and weigh a tweet alike; what `TweetCache` needs for
its owners' lists it takes from those. Sizes are parts of what holds all tweets. The first half of
the trace fills, the second half is counted.

Tweets are read one by one, so that each read counts for their popularity; of pages, the server
counts every eighth. Two populations: popularity by tweet, whoever wrote it; and popularity by
author, the newest of whose tweets are read most, as timelines do.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from bench.harness import Bench
from chirp.cache import TweetCache
from chirp.cache.lists import ENTRY_WEIGHT_BYTES, OWNER_WEIGHT_BYTES
from chirp.cache.lru import LruMap

PARTS = (1, 2, 5, 10, 20, 50)
WEIGHT_BYTES = 1_300
"""What a tweet of 100 characters weighs with its encoding (chirp/readers/tweets.py)."""

EACH_BYTES = WEIGHT_BYTES + ENTRY_WEIGHT_BYTES
TWEETS_OF_ONE = 20
RECENT = 10
"""A tenth of the tweets are of the last 72 hours, and kept longer."""


def zipf(random: Random, things: int, reads: int) -> list[int]:
    """Return reads of things from 0 on, thing n with a weight of 1 / (n + 1)."""
    weights = list(accumulate(1 / rank for rank in range(1, things + 1)))
    return random.choices(range(things), cum_weights=weights, k=reads)


def by_tweet(random: Random, tweets: int, reads: int) -> list[int]:
    """Return ids read: popularity has nothing to do with age or author."""
    ids = random.sample(range(1, tweets + 1), tweets)
    return [ids[rank] for rank in zipf(random, tweets, reads)]


def by_author(random: Random, tweets: int, reads: int) -> list[int]:
    """Return ids read: Zipf over authors, and over each one's tweets from the newest on."""
    authors = tweets // TWEETS_OF_ONE
    whose = zipf(random, authors, reads)
    how_old = zipf(random, TWEETS_OF_ONE, reads)
    return [
        tweets - (age * authors + author)
        for author, age in zip(whose, how_old, strict=True)
    ]  # fmt: skip


def owner_of(tweet: int, tweets: int) -> int:
    """Return who wrote a tweet: everybody in turns."""
    return (tweets - tweet) % (tweets // TWEETS_OF_ONE)


def lists_hits(trace: Sequence[int], tweets: int, budget_bytes: int) -> int:
    """Return how many of the second half the linked lists answer."""
    cache: TweetCache[int] = TweetCache(budget_bytes)
    cache.recent_from_id = tweets - tweets // RECENT + 1
    hits, counted = 0, len(trace) // 2
    for place, tweet in enumerate(trace):
        if cache.get(tweet) is not None:
            hits += place >= counted
        else:
            cache.put_loose(owner_of(tweet, tweets), tweet, tweet, WEIGHT_BYTES)
    return hits


def lru_hits(trace: Sequence[int], budget_bytes: int) -> int:
    """Return how many of the second half an exact LRU of the same bytes answers."""
    cache: LruMap[int, int] = LruMap(budget_bytes)
    hits, counted = 0, len(trace) // 2
    for place, tweet in enumerate(trace):
        if cache.get(tweet) is not None:
            hits += place >= counted
        else:
            cache.put(tweet, tweet, EACH_BYTES)
    return hits


def belady_hits(trace: Sequence[int], entries: int) -> int:
    """Return how many of the second half the best possible cache of so many tweets answers.

    L. A. Belady, IBM Systems Journal 5 (1966). Heap entries that a later read has made untrue are
    skipped when they come up. O(reads * log(reads)).
    """
    again, after = [0] * len(trace), dict[int, int]()
    for place in range(len(trace) - 1, -1, -1):
        again[place] = after.get(trace[place], len(trace))
        after[trace[place]] = place
    held, heap, hits = dict[int, int](), list[tuple[int, int]](), 0
    for place, tweet in enumerate(trace):
        hits += tweet in held and place >= len(trace) // 2
        if tweet not in held and len(held) >= entries:
            until, victim = heapq.heappop(heap)
            while held.get(victim) != -until:
                until, victim = heapq.heappop(heap)
            del held[victim]
        held[tweet] = again[place]
        heapq.heappush(heap, (-again[place], tweet))
    return hits


def report_hits(bench: Bench, tweets: int, reads: int) -> None:
    """Add a row for each population, size and cache."""
    whole = tweets * EACH_BYTES + tweets // TWEETS_OF_ONE * OWNER_WEIGHT_BYTES
    for name, make in (("by tweet", by_tweet), ("by author", by_author)):
        trace = make(Random(1), tweets, reads)
        percent = 100 / (reads - reads // 2)
        for part in PARTS:
            budget = whole * part // 100
            found = {
                "linked lists": lists_hits(trace, tweets, budget),
                "exact LRU": lru_hits(trace, budget),
                "Belady's best": belady_hits(trace, budget // EACH_BYTES),
            }
            for cache, hits in found.items():
                bench.show(f"hits {name}, {part} % of all, {cache}", hits * percent, "%")
