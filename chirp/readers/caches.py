"""All caches of one server, each under the budget that the settings give it."""

from __future__ import annotations

from dataclasses import dataclass

from chirp.cache.adjacency import AdjacencyCache
from chirp.cache.homes import HomeTimelines
from chirp.cache.lru import LruMap
from chirp.cache.tweets import TweetCache
from chirp.config import Config
from chirp.readers.marks import Book
from chirp.views import CachedTweet, CachedUser, KeptPage, Sight, Slot, Viewer

_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Caches:
    """Everything that is kept in memory, each under its budget."""

    tweets: TweetCache[CachedTweet]
    users: LruMap[int, CachedUser]
    followees: AdjacencyCache
    followers: AdjacencyCache
    homes: HomeTimelines
    viewers: LruMap[bytes, Viewer]
    pages: LruMap[Slot, KeptPage]
    sights: LruMap[int, Sight]
    marks: LruMap[int, Book]

    def stats(self) -> dict[str, dict[str, float]]:
        """Return each cache's own figures, by name."""
        return {f"cache_{name}": dict(getattr(self, name).stats()) for name in self.__slots__}


def make_caches(config: Config, newest_stored: int) -> Caches:
    """Return empty caches with the budgets of the settings."""
    cache = config.cache
    return Caches(
        tweets=TweetCache(cache.tweets_mb * _MB, newest_stored=newest_stored),
        users=LruMap(cache.users_mb * _MB),
        followees=AdjacencyCache(cache.graph_mb * _MB // 2),
        followers=AdjacencyCache(cache.graph_mb * _MB // 2),
        homes=HomeTimelines(cache.homes_mb * _MB),
        viewers=LruMap(8 * _MB),
        pages=LruMap(cache.pages_mb * _MB),
        sights=LruMap(cache.marks_mb * _MB // 4),
        marks=LruMap(cache.marks_mb * _MB * 3 // 4),
    )
