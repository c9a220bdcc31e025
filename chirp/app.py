"""The composition root: the only module that knows every other, and wires them."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass

from aiohttp import web

from chirp.api.context import Api
from chirp.api.documents import Documents
from chirp.api.render import Renderer
from chirp.api.routes import routes
from chirp.cache.adjacency import AdjacencyCache
from chirp.cache.flight import SingleFlight
from chirp.cache.homes import HomeTimelines
from chirp.cache.lru import LruMap
from chirp.cache.revision import Revision
from chirp.cache.tweets import TweetCache
from chirp.clock import Clock
from chirp.config import Config
from chirp.errors import StorageError
from chirp.fanout.accounts import AccountWriter
from chirp.fanout.home import HomeConsumer
from chirp.fanout.index import INDEX, IndexConsumer
from chirp.fanout.journal import JournalRunner
from chirp.fanout.publishing import Publisher
from chirp.fanout.repeats import Repeats
from chirp.fanout.sweep import SweepConsumer
from chirp.fanout.truths import Truths
from chirp.http.body import MAX_BODY_BYTES
from chirp.http.exposition import Exposition
from chirp.http.operations import Operations
from chirp.http.paging import Cursors
from chirp.http.pipeline import Pipeline
from chirp.idgen.generator import IdGenerator
from chirp.idgen.layout import layout_named
from chirp.idgen.watermark import Watermark
from chirp.metrics import Metrics
from chirp.model import UnixMs
from chirp.readers.graph import GraphReader
from chirp.readers.home import HomeReader
from chirp.readers.marks import Book, MarkReader
from chirp.readers.pages import TweetPages
from chirp.readers.people import PeopleReader
from chirp.readers.showing import Showing
from chirp.readers.sights import SightReader
from chirp.readers.tweets import TweetReader, Tweets
from chirp.readers.users import UserReader
from chirp.readers.warming import warm
from chirp.services.accounts import Accounts
from chirp.services.administration import Administration
from chirp.services.blocks import Blocks
from chirp.services.follows import Follows
from chirp.services.lists import Lists
from chirp.services.own_account import OwnAccount
from chirp.services.passwords import Passwords
from chirp.services.profiles import Profiles
from chirp.services.reactions import Reactions
from chirp.services.threads import Threads
from chirp.services.timelines import Timelines
from chirp.services.tweets import TweetService
from chirp.storage.store import Store
from chirp.tasks import TaskRunner
from chirp.views import CachedTweet, CachedUser, KeptPage, Sight, Viewer

log = logging.getLogger(__name__)

RECENT_MS = 72 * 3_600_000
KEEP_EVERY_S = 60.0
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
    pages: LruMap[int, KeptPage]
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


class Chirp:
    """One running Chirp on an open store: `start`, serve `app`, `close`."""

    def __init__(self, store: Store, config: Config, clock: Clock, greatest_id: int) -> None:
        self.store = store
        self.config = config
        self.clock = clock
        self.metrics = Metrics()
        self.tasks = TaskRunner()
        self.ids = IdGenerator(layout_named(store.manifest.id_layout), clock, after=greatest_id)
        self.watermark = Watermark(start=greatest_id)
        self.caches = make_caches(config, greatest_id)
        self.passwords = Passwords()
        self.closing = False
        self._wire_readers()
        self._wire_fanout()
        self._wire_services()
        self.app = self._make_app()

    @classmethod
    async def open(cls, store: Store, config: Config, clock: Clock) -> Chirp:
        """Return a Chirp on `store`, started: consumers have caught up with the journals."""
        chirp = cls(store, config, clock, await store.greatest_id())
        await chirp.start()
        return chirp

    def _wire_readers(self) -> None:
        caches, store = self.caches, self.store
        self.revision = Revision()
        flight: SingleFlight[tuple[int, int | None, int], Tweets]
        flight = SingleFlight("author", self.tasks)
        self.users = UserReader(store, caches.users, self.revision)
        self.tweets = TweetReader(store, self.users, caches.tweets, flight, self.revision)
        self.graph = GraphReader(store, caches.followees, caches.followers)
        self.sights = SightReader(store, caches.sights)
        self.marks = MarkReader(store, caches.marks)
        self.showing = Showing(self.tweets, self.marks)
        self.pager = TweetPages(self.watermark, self.showing)
        self.people = PeopleReader(store, self.users)
        builds: SingleFlight[int, None] = SingleFlight("home", self.tasks)
        self.homes = HomeReader(store, caches.homes, self.graph, builds)

    def _wire_fanout(self) -> None:
        keep = self.config.storage.keep_events
        engine = self.store.engine
        self.journal = JournalRunner(engine, self.tasks, self.clock, keep_events=keep)
        self.journal.add(IndexConsumer(self.store), before_ready=True)
        home = HomeConsumer(
            self.caches.homes,
            self.homes,
            self.graph,
            self.users,
            self.tweets,
            self.sights,
            self.marks,
            self.clock,
            self.metrics,
            push_limit=self.config.fanout.push_limit,
        )
        self.journal.add(home, after=INDEX)
        sweep = SweepConsumer(self.store, self.clock, self._derived)
        self.journal.add(sweep, after=INDEX)
        self.truths = Truths(engine, self.journal)
        self.repeats = Repeats(self.store, self.watermark, self.clock)
        self.publisher = Publisher(engine, self.watermark, self.journal, self.tweets, self.tasks)

    async def _derived(self) -> None:
        await self.journal.wait_consumer(INDEX)

    def _wire_services(self) -> None:
        self._wire_tweets()
        store, clock, users = self.store, self.clock, self.users
        self.accounts = Accounts(
            store,
            self.ids,
            self.journal,
            users,
            self.passwords,
            self.caches.viewers,
            clock,
            self.metrics,
        )
        viewers = self.caches.viewers
        writer = AccountWriter(store, self.truths, viewers)
        self.administration = Administration(store, writer, self.journal, self.passwords, viewers)
        self.own_account = OwnAccount(store, writer, self.passwords, viewers)
        self.profiles = Profiles(store, users)
        self.follows = Follows(store, users, self.people, self.sights, self.truths, clock)
        self.blocks = Blocks(store, users, self.truths, clock)
        self.lists = Lists(store, self.people, self.showing, self.sights, users, self.watermark)

    def _wire_tweets(self) -> None:
        store, clock = self.store, self.clock
        self.tweet_service = TweetService(
            store,
            self.ids,
            self.watermark,
            self.truths,
            self.publisher,
            self.repeats,
            self.showing,
            self.sights,
            self.users,
            clock,
            self.metrics,
            edit_window_ms=self.config.tweets.edit_window_min * 60_000,
        )
        self.reactions = Reactions(
            store,
            self.ids,
            self.watermark,
            self.truths,
            self.publisher,
            self.repeats,
            self.showing,
            self.sights,
            self.users,
            clock,
        )
        self.threads = Threads(
            store, self.pager, self.tweets, self.showing, self.sights, self.watermark
        )
        self.timelines = Timelines(
            store,
            self.pager,
            self.homes,
            self.caches.homes,
            self.graph,
            self.tweets,
            self.users,
            self.sights,
            self.marks,
            self.watermark,
            clock,
            self.metrics,
            self.caches.pages,
            self.revision,
        )

    def _make_app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        public_url = self.config.public_url
        api = Api(
            self.accounts,
            self.own_account,
            self.profiles,
            self.follows,
            self.blocks,
            self.tweet_service,
            self.reactions,
            self.threads,
            self.lists,
            self.timelines,
            Renderer(public_url),
            Cursors(self.store.manifest.cursor_secret()),
            public_url,
            self.config.tweets.max_weight,
        )
        operations = Operations(
            Exposition(self.metrics, self.stats),
            self.reasons,
            self.figures,
            public_url,
            open_metrics=self.config.server.open_metrics,
        )
        pipeline = Pipeline(self.clock, self.metrics)
        table = [*routes(api), *operations.routes()]
        pipeline.add_routes(app, [*table, *Documents(table, public_url).routes()])
        return app

    async def start(self) -> None:
        """Make good what a crash left undone, then follow the journals."""
        sys.setswitchinterval(self.config.server.switch_interval_us / 1_000_000)
        await self.journal.start()
        # Ids that were reserved but not yet posted before a crash are on disk only now.
        greatest_id = await self.store.greatest_id()
        self.ids.skip_to(greatest_id)
        self.watermark.skip_to(greatest_id)
        self.tasks.start("keeper", self._keep())

    def start_warming(self) -> None:
        """Fill the tweet cache in the background, unless a setting says not to."""
        if self.config.cache.warm:
            self.tasks.start("warm", self._warm())

    def _recent_from_id(self) -> int:
        since = UnixMs(self.clock.now_ms() - RECENT_MS)
        return self.ids.layout.ids_between(since, self.clock.now_ms()).first

    async def _warm(self) -> None:
        room = self.caches.tweets.budget_bytes * 3 // 4
        count = await warm(self.store, self.tweets, self._recent_from_id(), room_bytes=room)
        log.info("%d tweets of the last 72 hours are in the cache", count)

    async def _keep(self) -> None:
        """Do what is due once a minute, as long as the process lives."""
        while True:
            self.caches.tweets.recent_from_id = self._recent_from_id()
            await self.clock.sleep(KEEP_EVERY_S)
            if self.store.engine.writes_stopped is None:
                await self.accounts.store_last_used()

    # -- what operators see -------------------------------------------------------------

    def reasons(self) -> list[str]:
        """Return why this server is not ready; empty when it is."""
        found = []
        if self.store.engine.writes_stopped is not None:
            found.append(f"writes are refused: {self.store.engine.writes_stopped}")
        if self.journal.failure is not None:
            found.append(self.journal.failure)
        if self.closing:
            found.append("shutting down")
        return found

    def stats(self) -> dict[str, dict[str, float]]:
        """Return current values of everything that has some, in groups."""
        engine = self.store.engine.stats()
        rows = {name: float(table.rows) for name, table in engine.tables.items()}
        return {
            **self.caches.stats(),
            "journal_lag": dict(self.journal.lag()),
            "rows": rows,
            "storage": {
                "file_bytes": engine.file_bytes,
                "commits": engine.commits,
                "batches": engine.batches,
                "conflicts": engine.conflicts,
                "writes_stopped": float(engine.writes_stopped is not None),
            },
            "tasks": dict(self.tasks.stats()),
            "ids": dict(self.ids.stats()),
            "watermark": dict(self.watermark.stats()),
        }

    def figures(self) -> dict[str, str]:
        """Return what the status page shows."""
        tables = self.store.engine.stats().tables
        lag_s = self.metrics.delivery_lag_s.quantile(0.99)
        return {
            "people": f"{tables['users'].rows:,}",
            "tweets": f"{tables['tweets'].rows:,}",
            "follows": f"{tables['following'].rows // 2:,}",
            "posted this run": f"{self.metrics.tweets_posted:,}",
            "delivered this run": f"{self.metrics.deliveries:,}",
            "delivery lag, p99": f"≤ {lag_s * 1000:g} ms" if lag_s else "none yet",
        }

    async def close(self) -> None:
        """Finish what is under way and let go of everything but the store."""
        self.closing = True
        try:
            if self.store.engine.writes_stopped is None:
                await self.accounts.store_last_used()
                await self.journal.store_cursors()
        except StorageError:
            # Nothing that was acknowledged: cursors catch up at the next start.
            log.warning("the last use of keys was not stored", exc_info=True)
        await self.tasks.close()
        self.passwords.close()
        await asyncio.sleep(0)
