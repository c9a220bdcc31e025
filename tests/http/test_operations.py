"""What operators ask: alive, ready, figures, and a page for people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from chirp import __version__
from chirp.config import Server
from chirp.model import Role
from chirp.views import Viewer
from tests.support.driver import Driver, config
from tests.support.web import Http


async def test_a_live_server_says_so(http: Http) -> None:
    assert (await http.get("//healthz")).json == {"status": "ok", "version": __version__}
    assert (await http.get("//readyz")).json == {"status": "ready", "reasons": []}


async def test_a_closing_server_lives_and_is_not_ready(http: Http) -> None:
    http.chirp.server.closing = True
    assert (await http.get("//healthz")).status == 200
    ready = await http.get("//readyz")
    assert (ready.status, ready.json["reasons"]) == (503, ["shutting down"])


async def test_a_stopped_consumer_is_told_to_the_operator(
    http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await http.chirp.register("ada")
    engine = http.chirp.engine
    engine.watch(lambda _source, _sequence: engine.stop_writes("the disk is full"))
    answer = await http.post("/tweet", {"tweet_data": "hi"}, ada)
    answer.refused(503)
    assert "the index consumer has stopped" in (await http.get("//readyz")).json["reasons"]


class _Figures(HTMLParser):
    """Collects the figures of the page, and everything that would load something."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.loads: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name == "src"]


async def test_the_page_shows_figures_and_loads_nothing(http: Http) -> None:
    ada = await http.chirp.register("ada")
    await http.tweet(ada)
    answer = await http.get("//status")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = _Figures()
    page.feed(answer.raw.decode())
    assert page.loads == []
    place = page.texts.index("tweets")
    assert page.texts[place + 1] == "1"


PROXIED = Server(trusted_proxies="127.0.0.1")


@asynccontextmanager
async def served(server: Server) -> AsyncIterator[Http]:
    """Serve with these settings."""
    chirp = await Driver.open(settings=replace(config(), server=server))
    async with Http(chirp) as http:
        yield http
    await chirp.close()


async def figures(http: Http, client: str | None, key: Viewer | str | None = None) -> int:
    """Ask for the figures as a client of a proxy; return the status."""
    headers = {} if client is None else {"X-Forwarded-For": client}
    return (await http.get("//metrics", key, headers=headers)).status


@pytest.mark.parametrize(
    "client", ["203.0.113.5", "2001:db8::1", "10.0.0.1", "", "unknown", "127.0.0.1, 10.0.0.1"]
)
async def test_figures_are_for_this_machine_alone(client: str, same_switch_interval: None) -> None:
    async with served(PROXIED) as http:
        assert await figures(http, client) == 403


@pytest.mark.parametrize("client", [None, "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_sees_figures(client: str | None, same_switch_interval: None) -> None:
    async with served(PROXIED) as http:
        assert await figures(http, client) == 200


async def test_a_proxy_that_is_not_trusted_sees_no_figures(http: Http) -> None:
    assert await figures(http, "127.0.0.1") == 403
    assert (await http.get("//metrics", headers={"Forwarded": "for=127.0.0.1"})).status == 403


async def test_a_setting_opens_the_figures(same_switch_interval: None) -> None:
    async with served(replace(PROXIED, open_metrics=True)) as http:
        assert await figures(http, "203.0.113.5") == 200


async def test_an_admins_key_opens_the_figures_and_nobody_elses(
    same_switch_interval: None,
) -> None:
    async with served(PROXIED) as http:
        ada, bob = await http.chirp.register_many("ada", "bob")
        await http.chirp.server.administration.set_role("ada", Role.ADMIN)
        assert await figures(http, "203.0.113.5", ada) == 200
        assert await figures(http, "203.0.113.5", bob) == 403
        assert await figures(http, "203.0.113.5", "chirp_wrong") == 401


async def test_links_lead_to_the_public_address(same_switch_interval: None) -> None:
    settings = replace(config(), server=Server(public_url="https://chirp.example/"))
    chirp = await Driver.open(settings=settings)
    async with Http(chirp) as http:
        ada = await chirp.register("ada")
        tweet = await http.tweet(ada)
        assert tweet["tweet_url"] == f"https://chirp.example/ada/status/{tweet['tweet_id']}"
        link = (await http.get("/timeline/home", ada)).headers["Link"]
        assert link.startswith("<https://chirp.example/api/v1/timeline/home?cursor=")
    await chirp.close()
