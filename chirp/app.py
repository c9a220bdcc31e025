"""The composition root: wires everything up to the services; `chirp.fronts` does the rest."""

from __future__ import annotations

import asyncio
import logging
import sys

from chirp.blobs.disk import DiskBlobs
from chirp.cache.flight import SingleFlight
from chirp.cache.revision import Revision
from chirp.clock import Clock
from chirp.config import Config
from chirp.errors import StorageError
from chirp.fanout.accounts import AccountWriter
from chirp.fanout.attachments import Attachments
from chirp.fanout.audit import AuditConsumer
from chirp.fanout.audit_filters import first_filters
from chirp.fanout.bus import Bus
from chirp.fanout.home import HomeConsumer
from chirp.fanout.index import INDEX, IndexConsumer
from chirp.fanout.journal import JournalRunner
from chirp.fanout.media_sweep import MediaSweep
from chirp.fanout.publishing import Publisher
from chirp.fanout.repeats import Repeats
from chirp.fanout.sweep import SweepConsumer
from chirp.fanout.truths import Truths
from chirp.fronts import Fronts, Reports
from chirp.idgen.generator import IdGenerator
from chirp.idgen.layout import layout_named
from chirp.idgen.watermark import Watermark
from chirp.media.limits import MediaLimits
from chirp.media.workshop import Workshop
from chirp.metrics import Metrics
from chirp.model import UnixMs
from chirp.readers.caches import make_caches
from chirp.readers.figures import engine_values, status_figures
from chirp.readers.first_pages import FirstPages
from chirp.readers.graph import GraphReader
from chirp.readers.history import History
from chirp.readers.home import HomeReader
from chirp.readers.marks import MarkReader
from chirp.readers.pages import TweetPages
from chirp.readers.people import PeopleReader
from chirp.readers.showing import Showing
from chirp.readers.sights import SightReader
from chirp.readers.tweets import TweetReader, Tweets
from chirp.readers.users import UserReader
from chirp.readers.warming import warm
from chirp.services.accounts import Accounts
from chirp.services.administration import Administration
from chirp.services.all import Services
from chirp.services.blocks import Blocks
from chirp.services.export import Export
from chirp.services.follows import Follows
from chirp.services.lists import Lists
from chirp.services.media import MediaService
from chirp.services.moderation import Moderation
from chirp.services.own_account import OwnAccount
from chirp.services.passwords import Passwords
from chirp.services.people import PeopleSearch
from chirp.services.profiles import Profiles
from chirp.services.reactions import Reactions
from chirp.services.registrations import Registrations
from chirp.services.streams import Streams
from chirp.services.threads import Threads
from chirp.services.timelines import Timelines
from chirp.services.tweets import TweetService
from chirp.storage.store import Store
from chirp.tasks import TaskRunner

log = logging.getLogger(__name__)

RECENT_MS = 72 * 3_600_000
KEEP_EVERY_S = 60.0


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
        self.history = History(self.metrics, clock)
        self._wire_readers()
        self._wire_fanout()
        self._wire_services()
        self._wire_fronts()

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
        self.bus = Bus(self.journal, self.graph, self.tweets, self.watermark, self.clock)
        home = HomeConsumer(
            self.caches.homes,
            self.homes,
            self.graph,
            self.users,
            self.tweets,
            self.sights,
            self.marks,
            self.bus,
            self.clock,
            self.metrics,
            push_limit=self.config.fanout.push_limit,
        )
        self.journal.add(home, after=INDEX)
        sweep = SweepConsumer(self.store, self.clock, self._derived)
        self.journal.add(sweep, after=INDEX, background=True)
        filters = first_filters(self.config.audit, self.ids.layout.time_of)
        audit = AuditConsumer(self.store, filters, self.metrics)
        self.journal.add(audit, after=INDEX, background=True)
        self.truths = Truths(engine, self.journal)
        self.attachments = Attachments(self.store, self.clock)
        self.repeats = Repeats(self.store, self.watermark, self.clock)
        self.publisher = Publisher(
            engine,
            self.watermark,
            self.journal,
            self.tweets,
            self.clock,
            most_lag_s=self.config.fanout.most_lag_ms / 1000,
        )

    async def _derived(self) -> None:
        await self.journal.wait_consumer(INDEX)

    def _wire_services(self) -> None:
        self._wire_tweets()
        self._wire_reading()
        self._wire_media()
        store, clock, users = self.store, self.clock, self.users
        self.accounts = Accounts(
            store, users, self.passwords, self.caches.viewers, clock, self.metrics
        )
        self.registrations = Registrations(
            store, self.ids, self.journal, self.passwords, clock, self.config.registration
        )
        viewers = self.caches.viewers
        writer = AccountWriter(store, self.truths, viewers)
        self.administration = Administration(store, writer, self.journal, self.passwords, viewers)
        self.moderation = Moderation(
            store,
            users,
            self.ids,
            clock,
            suspend=self.administration.suspend,
            remove=self.tweet_service.remove,
        )
        self.own_account = OwnAccount(
            store, writer, self.passwords, viewers, self.attachments, clock
        )
        self.profiles = Profiles(store, users)
        self.follows = Follows(store, users, self.people, self.sights, self.truths, clock)
        self.blocks = Blocks(store, users, self.truths, clock)
        server = self.config.server
        self.streams = Streams(
            store,
            self.bus,
            self.graph,
            self.showing,
            self.sights,
            most=server.max_streams,
            most_per_user=server.max_streams_per_user,
        )
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
            self.attachments,
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

    def _wire_media(self) -> None:
        store, rules = self.store, self.config.media
        limits = MediaLimits(
            max_pixels=rules.max_pixels,
            max_frame_pixels=rules.max_frame_pixels,
            max_frames=rules.max_frames,
            max_video_s=rules.max_video_s,
            memory_mb=rules.worker_memory_mb,
            cpu_s=rules.worker_cpu_s,
            workers=rules.workers,
        )
        self.workshop = Workshop(limits)
        blobs = DiskBlobs(store.media_folder / "blobs", self.clock)
        self.media_sweep = MediaSweep(store, blobs, self.clock)
        self.media = MediaService(
            store,
            self.ids,
            blobs,
            self.workshop,
            self.media_sweep,
            self.tweets,
            self.tasks,
            self.clock,
            store.media_folder / "incoming",
            rules,
        )

    def _wire_reading(self) -> None:
        store = self.store
        self.threads = Threads(
            store, self.pager, self.tweets, self.showing, self.sights, self.watermark
        )
        self.first_pages = FirstPages(
            self.caches.pages, self.pager, self.homes, self.tweets, self.sights, self.marks,
            self.revision,
        )  # fmt: skip
        self.timelines = Timelines(
            store,
            self.pager,
            self.first_pages,
            self.homes,
            self.tweets,
            self.users,
            self.sights,
            self.watermark,
            self.clock,
            self.metrics,
        )

    def _wire_fronts(self) -> None:
        services = Services(
            self.accounts,
            self.own_account,
            self.registrations,
            self.moderation,
            self.profiles,
            self.follows,
            self.blocks,
            self.tweet_service,
            self.reactions,
            self.threads,
            self.lists,
            self.timelines,
            self.streams,
            self.media,
            PeopleSearch(self.store, self.people, self.sights),
            Export(self.store, self.accounts),
        )
        self.fronts = Fronts(
            services,
            self.config,
            self.clock,
            self.metrics,
            self.tasks,
            self.store.manifest.cursor_secret(),
            Reports(self.stats, self.reasons, self.figures, self.history.samples),
        )
        self.app, self.connections = self.fronts.app, self.fronts.connections

    async def start(self) -> None:
        """Make good what a crash left undone, then follow the journals."""
        sys.setswitchinterval(self.config.server.switch_interval_us / 1_000_000)
        await self.journal.start()
        # Ids that were reserved but not yet posted before a crash are on disk only now.
        greatest_id = await self.store.greatest_id()
        self.ids.skip_to(greatest_id)
        self.watermark.skip_to(greatest_id)
        self.bus.begin()
        self.tasks.start("bus", self.bus.run())
        self.tasks.start("bus-counts", self.bus.run_counts())
        self.tasks.start("keeper", self._keep())
        self.tasks.start("history", self.history.run())
        await self.media.resume()
        self.tasks.start("media-sweep", self.media_sweep.run())

    def start_warming(self) -> None:
        """Fill the tweet cache in the background, unless a setting says not to."""
        if self.config.cache.warm:
            self.tasks.start("warm", self._warm())

    def _recent_from_id(self) -> int:
        since = UnixMs(self.clock.now_ms() - RECENT_MS)
        return self.ids.layout.ids_between(since, self.clock.now_ms()).first

    async def _warm(self) -> None:
        # What is warmed weighs four times as much once it is read: it needs room to grow into.
        room = self.caches.tweets.budget_bytes // 2
        count = await warm(self.store, self.tweets, self._recent_from_id(), room_bytes=room)
        self.store.engine.let_go()
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
        return {
            **self.caches.stats(),
            **engine_values(self.store.engine.stats()),
            "journal_lag": dict(self.journal.lag()),
            "tasks": dict(self.tasks.stats()),
            "limits": dict(self.fronts.limiter.stats()),
            "gateway": {"in_flight": self.metrics.in_flight, **self.connections.stats()},
            "posts": self.publisher.stats(),
            "streams": self.bus.stats(),
            "media": self.media.stats(),
            "first_pages": dict(self.first_pages.stats()),
            "heads": dict(self.fronts.heads.stats()),
            "ids": dict(self.ids.stats()),
            "watermark": dict(self.watermark.stats()),
        }

    def figures(self) -> dict[str, str]:
        """Return what the status page shows."""
        return status_figures(self.store.engine.stats(), self.metrics, self.publisher.lag_s)

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
        await self.workshop.close()
        self.passwords.close()
        await asyncio.sleep(0)
