"""What do four ways to route tweets to eight shards cost, and how evenly do they spread? (R57-R61)

- by user: rows and author index lie where the author's id hashes to;
- by tweet: rows and their part of the author index lie where the tweet's id hashes to, so that a
  list of an author's tweets is asked of all shards and merged;
- by time: a shard holds a span of days; lists begin at the newest shard and go back while short;
- by tweet id with the time in it, as Chirp does: rows lie where the id hashes to, the author index
  is nothing but ids, in the order of time, and lies where the author's id hashes to.

Who follows whom is the graph of tests/data (Wikipedia votes); how much an author writes is
Zipf(1.0) by the rank of their followers. Lists are read as they
were at random moments of the last tenth of the time, by the merge that the server uses, from LMDB
files that are in memory. A shard is touched when a range or a row is asked of it. The cost is
that of this process: were shards machines, each one touched would cost a message more.
"""

from __future__ import annotations

import argparse
import heapq
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

import uvloop

from bench.harness import Bench, ForeignCpu, quantile
from chirp.demo.files import read_graph
from chirp.readers.merge import Fetch, merge_newest
from chirp.storage.engine import Batch
from chirp.storage.keys import Table, id_key, last_id, pair_key
from chirp.storage.lmdb_engine import shard_path
from chirp.storage.lmdb_shard import LmdbShard
from chirp.storage.routing import shard_of

GRAPH = Path("tests/data/graphs/wiki-Vote.edges.gz")
SHARDS, PAGE = 8, 20
BUSY_HOUR = 100_000
"""Writes of the hour that is looked at: enough that chance moves a share by a few thousandths."""

LEAST_FOLLOWEES = 50
RECENT = 10
"""Pages are read as they were at random moments of the last tenth of the time."""

ROW = b"x" * 187
"""What a tweet of 90 characters takes with its page (bench/scale)."""

Route = Callable[[int, int, float], int]
"""Given a tweet's id, its author and its moment (0 to 1): a shard."""


def _by_user(_tweet: int, author: int, _at: float) -> int:
    return shard_of(id_key(author), SHARDS)


def _by_tweet(tweet: int, _author: int, _at: float) -> int:
    return shard_of(id_key(tweet), SHARDS)


def _by_time(_tweet: int, _author: int, at: float) -> int:
    return min(int(at * SHARDS), SHARDS - 1)


class Way(NamedTuple):
    """A way to route: where rows and where index entries lie, and which shards lists ask."""

    name: str
    row: Route
    entry: Route
    backwards: bool = False
    """Lists are asked of one shard after the other, the newest first, until they are full."""


BY_USER = Way("by user", _by_user, _by_user)
BY_TWEET = Way("by tweet", _by_tweet, _by_tweet)
BY_TIME = Way("by time", _by_time, _by_time, backwards=True)
OURS = Way("by tweet id with time", _by_tweet, _by_user)
WAYS = (BY_USER, BY_TWEET, BY_TIME, OURS)


class World:
    """The graph, who writes how much, and the tweets: ids rise with time."""

    def __init__(self, tweets: int, seed: int = 1) -> None:
        graph = read_graph(GRAPH)
        self.random = Random(seed)
        self.people = len(graph.labels)
        self.followees: dict[int, list[int]] = {}
        followers = Counter(followee for _, followee in graph.edges)
        for follower, followee in graph.edges:
            self.followees.setdefault(follower + 1, []).append(followee + 1)
        everybody = [place + 1 for place in range(self.people)]
        self.ranked = sorted(everybody, key=lambda user: -followers[user - 1])
        self._weights = [1 / rank for rank in range(1, self.people + 1)]
        self.authors = self.write(tweets)

    def write(self, count: int) -> list[int]:
        """Return the authors of so many tweets."""
        return self.random.choices(self.ranked, self._weights, k=count)

    def tweets(self) -> Iterable[tuple[int, int, float]]:
        """Yield (id, author, moment) in the order of time."""
        total = len(self.authors)
        for number, author in enumerate(self.authors):
            yield number + 1, author, number / total

    def moment(self) -> int:
        """Return the id before which somebody looks, within the last tenth."""
        total = len(self.authors)
        return self.random.randrange(total - total // RECENT, total) + 1

    def viewers(self, count: int) -> list[int]:
        """Return people who follow at least LEAST_FOLLOWEES, chosen evenly."""
        keen = [who for who, whom in self.followees.items() if len(whom) >= LEAST_FOLLOWEES]
        return self.random.choices(keen, k=count)


class Sharded:
    """Eight LMDB files with a world's tweets, routed one way."""

    def __init__(self, folder: Path, way: Way, world: World) -> None:
        self._way = way
        self._authors = world.authors
        self.touched: set[int] = set()
        self.row_reads: Counter[int] = Counter()
        folder.mkdir()
        self._shards = [
            LmdbShard(shard_path(folder, number), map_bytes=1 << 30, sync=False)
            for number in range(SHARDS)
        ]
        groups: list[list[Batch]] = [[] for _ in range(SHARDS)]
        for tweet, author, at in world.tweets():
            row, entry = Batch(tweet), Batch(author)
            row.put(Table.TWEETS, id_key(tweet), ROW)
            entry.put(Table.AUTHOR_INDEX, pair_key(author, tweet), b"\0")
            groups[way.row(tweet, author, at)].append(row)
            groups[way.entry(tweet, author, at)].append(entry)
        for shard, group in zip(self._shards, groups, strict=True):
            shard.apply_group(group)

    def close(self) -> None:
        """Let go of the files."""
        for shard in self._shards:
            shard.close()

    async def page(self, authors: Sequence[int], below: int) -> list[bytes | None]:
        """Return the newest 20 rows of all these authors with ids below one."""
        if self._way.entry is _by_user:
            ids = await merge_newest(self._at_home, authors, below, PAGE)
        elif self._way.backwards:
            ids = []
            for number in reversed(range(SHARDS)):
                ids += await merge_newest(self._asking(number), authors, below, PAGE - len(ids))
                if len(ids) == PAGE:
                    break
        else:
            asked = [
                await merge_newest(self._asking(number), authors, below, PAGE)
                for number in range(SHARDS)
            ]
            ids = list(heapq.merge(*asked, reverse=True))[:PAGE]
        return self._rows(ids)

    def _rows(self, ids: Sequence[int]) -> list[bytes | None]:
        """Read rows, those of one shard at once."""
        places: dict[int, list[bytes]] = {}
        for tweet in ids:
            # By user, whoever reads a list knows the authors; here the world tells.
            author, at = self._authors[tweet - 1], (tweet - 1) / len(self._authors)
            places.setdefault(self._way.row(tweet, author, at), []).append(id_key(tweet))
        found: list[bytes | None] = []
        for number, keys in places.items():
            self.touched.add(number)
            self.row_reads[number] += len(keys)
            found += self._shards[number].get_many(Table.TWEETS, keys)
        return found

    def _ids(self, number: int, author: int, below: int, limit: int) -> list[int]:
        """Return an author's newest ids from one shard."""
        self.touched.add(number)
        ends = pair_key(author, 0), pair_key(author, below)
        rows = self._shards[number].range(Table.AUTHOR_INDEX, *ends, limit, reverse=True)
        return [last_id(key) for key, _ in rows]

    def _asking(self, number: int) -> Fetch:
        """Return what reads authors' newest ids from one shard."""

        async def fetch(authors: Sequence[int], below: int, limit: int) -> list[list[int]]:
            return [self._ids(number, author, below, limit) for author in authors]

        return fetch

    async def _at_home(self, authors: Sequence[int], below: int, limit: int) -> list[list[int]]:
        return [self._ids(_by_user(0, a, 0.0), a, below, limit) for a in authors]


def spread(counts: Counter[int]) -> tuple[float, float]:
    """Return the greatest of eight counts against the mean, and as a share of all in percent."""
    greatest, total = max(counts.values()), counts.total()
    return greatest * SHARDS / total, 100 * greatest / total


def report_routes(bench: Bench, way: Way, world: World) -> None:
    """Add the rows that need no reading: balance, and the writes of a busy hour."""
    rows = Counter(way.row(*tweet) for tweet in world.tweets())
    entries = Counter(way.entry(*tweet) for tweet in world.tweets())
    ids = range(len(world.authors) + 1, len(world.authors) + 1 + BUSY_HOUR)
    hour = zip(ids, world.write(BUSY_HOUR), strict=True)
    writes = Counter(way.row(tweet, author, 1.0) for tweet, author in hour)
    fullest, (_, hottest) = spread(rows)[0], spread(writes)
    if way is OURS:
        bench.at_most(f"rows, fullest shard against mean, {way.name}", fullest, 1.05, "")
        bench.at_most(f"writes of an hour, hottest shard, {way.name}", hottest, 15, "%")
    else:
        bench.show(f"rows, fullest shard against mean, {way.name}", fullest, "")
        bench.show(f"writes of an hour, hottest shard, {way.name}", hottest, "%")
    bench.show(f"index entries, fullest shard against mean, {way.name}", spread(entries)[0], "")


@dataclass(slots=True)
class Reads:
    """What reading pages of one kind, one way, took and touched."""

    took_us: list[float] = field(default_factory=list)
    touched: int = 0
    rows: Counter[int] = field(default_factory=Counter)

    async def one(self, sharded: Sharded, authors: Sequence[int], below: int) -> None:
        """Read a page."""
        sharded.touched, sharded.row_reads = set(), Counter()
        began_s = time.perf_counter()
        await sharded.page(authors, below)
        self.took_us.append(1e6 * (time.perf_counter() - began_s))
        self.touched += len(sharded.touched)
        self.rows += sharded.row_reads

    def report(self, bench: Bench, what: str, way: Way) -> None:
        """Add the rows of one kind of page, one way."""
        name, pages = f"{what}, {{}}, {way.name}", len(self.took_us)
        bench.show(name.format("shards touched"), self.touched / pages, "")
        bench.show(name.format("p50"), quantile(self.took_us, 0.5), "µs")
        bench.show(name.format("p99"), quantile(self.took_us, 0.99), "µs")
        hottest = name.format("rows from the hottest shard")
        if way is OURS:
            bench.at_most(hottest, spread(self.rows)[1], 15, "%")
        else:
            bench.show(hottest, spread(self.rows)[1], "%")


Lists = Sequence[tuple[Sequence[int], int]]
"""Authors, and the id below which their tweets are read."""


async def report_reads(bench: Bench, stores: dict[Way, Sharded], lists: Lists, what: str) -> None:
    """Read lists, the ways in turns, so that all meet the same noise; the first time warms."""
    cold, warm = {way: Reads() for way in stores}, {way: Reads() for way in stores}
    for reads in (cold, warm):
        for authors, below in lists:
            for way, sharded in stores.items():
                await reads[way].one(sharded, authors, below)
    for way, each in warm.items():
        each.report(bench, what, way)


async def measure(bench: Bench, tweets: int, pages: int) -> None:
    """Route one world four ways and add their rows."""
    world = World(tweets)
    homes = [([who, *world.followees[who]], world.moment()) for who in world.viewers(pages)]
    # Read as they are written: the timelines of those who write much are read much.
    authors = [([author], world.moment()) for author in world.write(pages)]
    bench.show("followees of a viewer, mean", sum(len(whose) - 1 for whose, _ in homes) / pages, "")
    busiest = max(Counter(world.authors).values())
    bench.show("tweets of the busiest author", 100 * busiest / len(world.authors), "%")
    for way in WAYS:
        report_routes(bench, way, world)
    with tempfile.TemporaryDirectory(prefix="chirp-bench-") as folder:
        stores = {
            way: Sharded(Path(folder) / str(number), way, world) for number, way in enumerate(WAYS)
        }
        await report_reads(bench, stores, homes, "home page")
        await report_reads(bench, stores, authors, "user timeline")
        for sharded in stores.values():
            sharded.close()


def run(tweets: int, pages: int, path: Path | None) -> None:
    """Measure and report."""
    bench = Bench("sharding", extra={"shards": SHARDS, "tweets": tweets, "pages": pages})
    foreign = ForeignCpu()
    uvloop.run(measure(bench, tweets, pages))
    bench.finish(foreign.cores(), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--tweets", type=int, default=100_000)
    parser.add_argument("--pages", type=int, default=300, help="of each kind")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.tweets, given.pages, given.json)
