"""What is kept in memory so that most reads touch no shard. For the event loop's thread alone."""

from chirp.cache.adjacency import AdjacencyCache, AdjacencyLoad
from chirp.cache.flight import SingleFlight
from chirp.cache.homes import Build, HomeReading, HomeTimelines
from chirp.cache.loads import Load, PointLoad, Row, Sweep
from chirp.cache.lookup import Reading
from chirp.cache.lru import LruMap
from chirp.cache.tweets import TweetCache

__all__ = [
    "AdjacencyCache",
    "AdjacencyLoad",
    "Build",
    "HomeReading",
    "HomeTimelines",
    "Load",
    "LruMap",
    "PointLoad",
    "Reading",
    "Row",
    "SingleFlight",
    "Sweep",
    "TweetCache",
]
