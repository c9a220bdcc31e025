"""The gateway and the front ends over the services: everything between a socket and a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from chirp.api.context import Api
from chirp.api.deathstarbench import DeathStarBench
from chirp.api.documents import Documents
from chirp.api.media import MediaHandlers
from chirp.api.render import Renderer
from chirp.api.routes import routes as api_routes
from chirp.cache.lru import LruMap
from chirp.clock import Clock
from chirp.config import Config, networks
from chirp.http.access_log import AccessLog
from chirp.http.addresses import Addresses
from chirp.http.body import MAX_BODY_BYTES
from chirp.http.calls import RequestIds
from chirp.http.connections import Connections
from chirp.http.exposition import Exposition
from chirp.http.gate import Gate
from chirp.http.known_heads import KnownHeads
from chirp.http.limits import Limiter
from chirp.http.operations import Operations
from chirp.http.paging import Cursors
from chirp.http.pipeline import Pipeline, Route
from chirp.http.sent_events import EventStreams
from chirp.metrics import Metrics, Sample
from chirp.services.all import Services
from chirp.tasks import TaskRunner
from chirp.web.admin import Told
from chirp.web.assets import Assets
from chirp.web.cards import Card, Cards
from chirp.web.cookies import Cookies
from chirp.web.face import HtmlFace, MixedFace
from chirp.web.forgery import Forgery
from chirp.web.pages import Pages
from chirp.web.routes import routes as web_routes
from chirp.web.site import Site
from chirp.web.words import Words

_MB = 1 << 20


class Reports(NamedTuple):
    """What a server says of itself to operators."""

    stats: Callable[[], dict[str, dict[str, float]]]
    reasons: Callable[[], list[str]]
    figures: Callable[[], dict[str, str]]
    history: Callable[[], list[Sample]]


class Fronts:
    """The aiohttp application, and the gateway before it."""

    def __init__(
        self,
        services: Services,
        config: Config,
        clock: Clock,
        metrics: Metrics,
        tasks: TaskRunner,
        secret: bytes,
        reports: Reports,
    ) -> None:
        self._services = services
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._tasks = tasks
        self._secret = secret
        self._reports = reports
        server = config.server
        self.addresses = Addresses(networks(server.trusted_proxies))
        self.limiter = Limiter(config.limits)
        self.request_ids = RequestIds(self.addresses)
        self.heads = KnownHeads(config.cache.heads_mb * _MB)
        self.connections = Connections(
            server, self.addresses, self.request_ids, clock, metrics, self.heads, tasks
        )
        self.gate = Gate(services.accounts, self.limiter, self.addresses, clock, metrics)
        self._cookies = Cookies(config.public_url)
        self.site = self._make_site()
        self.access_log = self._make_access_log()
        self.app = self._make_app()

    def _make_api(self) -> Api:
        services, config = self._services, self._config
        return Api(
            self.gate,
            services.accounts,
            services.own_account,
            services.registrations,
            services.moderation,
            services.profiles,
            services.follows,
            services.blocks,
            services.tweets,
            services.reactions,
            services.threads,
            services.lists,
            services.timelines,
            Renderer(config.public_url),
            Cursors(self._secret),
            config.public_url,
            config.tweets.max_weight,
            self._clock,
        )

    def _make_site(self) -> Site:
        config, words, assets = self._config, Words(self._config.web.language), Assets()
        self._assets = assets
        forgery = Forgery(self._secret, self._cookies, config.public_url)
        most = config.tweets.max_weight
        pages = Pages(
            words,
            assets,
            self._cookies,
            forgery,
            public_url=config.public_url,
            max_weight=most,
            frames_bytes=4 * _MB,
        )
        kept: LruMap[int, Card] = LruMap(config.cache.cards_mb * _MB)
        return Site(
            self._services,
            self.gate,
            pages,
            Cards(pages, kept),
            words,
            self._cookies,
            forgery,
            Cursors(self._secret),
            config.public_url,
            most,
            config.registration,
            (config.media.max_video_mb + 1) << 20,
            self._clock,
        )

    def _make_app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.on_shutdown.append(self._end_streams)
        pipeline = Pipeline(
            self.gate,
            self.request_ids,
            self.access_log,
            self._clock,
            self._metrics,
            self.heads,
            max_in_flight=self._config.server.max_in_flight,
            unknown=MixedFace(self._cookies, self.site.error, self.site.recall),
        )
        pipeline.add_routes(app, self._routes())
        return app

    def _routes(self) -> list[Route]:
        services, public_url = self._services, self._config.public_url
        streams = EventStreams(services.streams, self._clock)
        operations = Operations(
            Exposition(self._metrics, self._reports.stats),
            self._reports.reasons,
            self._reports.figures,
            public_url,
            self.addresses,
            services.accounts.is_admin,
            open_metrics=self._config.server.open_metrics,
        )
        api = self._make_api()
        media = MediaHandlers(api, services.media)
        described = self.described = [
            *api_routes(api, streams, media, self._tasks, self._config.media.max_video_mb),
            *operations.routes(),
        ]
        face = HtmlFace(self._cookies, self.site.error, self.site.recall)
        foreign = DeathStarBench(services).routes() if self._config.server.deathstarbench else []
        told = self._reports
        reports = Told(told.reasons, told.figures, told.history, services.media.stats)
        return [
            *described,
            *Documents(described, public_url).routes(),
            *foreign,
            Route(
                "GET",
                "/media/{id}/{file}",
                media.file,
                face=MixedFace(self._cookies, self.site.error, self.site.recall),
            ),
            # Last: /{username} matches whatever is one word.
            *web_routes(self.site, face, self._assets, streams, reports),
        ]

    def _make_access_log(self) -> AccessLog | None:
        kind = self._config.server.access_log
        if kind == "off":
            return None
        return AccessLog(self.addresses, self._clock, as_json=kind == "json")

    async def _end_streams(self, _app: web.Application) -> None:
        self._services.streams.end_all()
