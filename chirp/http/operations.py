"""What an operator asks: alive, ready, figures, and a plain status page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from chirp import __version__
from chirp.errors import Forbidden
from chirp.http.addresses import Addresses
from chirp.http.auth import header_key
from chirp.http.errors import JSON_TYPE
from chirp.http.exposition import Exposition
from chirp.http.pipeline import Route
from chirp.http.status_page import render

IsAdmin = Callable[[str], Awaitable[bool]]
"""Says whether a key is an admin's. Raises: Unauthorized, Forbidden."""

Reasons = Callable[[], list[str]]
"""Gives why the server is not ready; empty when it is."""


class Operations:
    """/healthz, /readyz, /metrics and the page at /status."""

    def __init__(
        self,
        exposition: Exposition,
        reasons: Reasons,
        figures: Callable[[], dict[str, str]],
        public_url: str,
        addresses: Addresses,
        is_admin: IsAdmin,
        *,
        open_metrics: bool,
    ) -> None:
        self._exposition = exposition
        self._reasons = reasons
        self._figures = figures
        self._public_url = public_url
        self._addresses = addresses
        self._is_admin = is_admin
        self._open_metrics = open_metrics

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route("GET", "/status", self.status, group="reads"),
            Route("GET", "/healthz", self.healthz, group=None),
            Route("GET", "/readyz", self.readyz, group=None),
            Route("GET", "/metrics", self.metrics, group=None),
        ]

    async def healthz(self, _request: web.Request) -> web.Response:
        """Answer that the process lives."""
        return _json({"status": "ok", "version": __version__}, 200)

    async def readyz(self, _request: web.Request) -> web.Response:
        """Answer whether the server can serve, with the reasons when not."""
        reasons = self._reasons()
        if reasons:
            return _json({"status": "not ready", "reasons": reasons}, 503)
        return _json({"status": "ready", "reasons": []}, 200)

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer with the figures: to this machine and to admins, unless a setting opens it."""
        if not self._open_metrics and not self._addresses.is_local(request):
            key = header_key(request)
            if key is None or not await self._is_admin(key):
                words = "figures are for this machine and for admins' keys"
                raise Forbidden(f"{words}; server.open_metrics opens them")
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._exposition.render(), headers=headers)

    async def status(self, _request: web.Request) -> web.Response:
        """Show a person what runs here and what to try."""
        page = render(self._reasons(), self._figures(), self._public_url)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(text=page, headers=headers)


def _json(fields: dict[str, object], status: int) -> web.Response:
    return web.Response(
        body=orjson.dumps(fields), status=status, headers={"Content-Type": JSON_TYPE}
    )
