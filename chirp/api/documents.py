"""/openapi.json and /docs: made once at the start, served as bytes with an ETag."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

import orjson
from aiohttp import web

from chirp.api.contract import HTML
from chirp.api.docs_page import render
from chirp.api.openapi import document
from chirp.http.pipeline import Route
from chirp.http.ready import Ready

_FILES = {"docs.css": "text/css; charset=utf-8", "docs.js": "text/javascript; charset=utf-8"}
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _ready(body: bytes, content_type: str) -> Ready:
    return Ready(
        body, content_type, {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY}
    )


class Documents:
    """The document of a table of routes and its own, and the page that shows it."""

    def __init__(self, routes: Iterable[Route], public_url: str) -> None:
        self._routes = [
            Route("GET", "/openapi.json", self.openapi, group=None),
            Route("GET", "/docs", self.page, group=None),
            Route("GET", "/docs/{file}", self.file, group=None),
        ]
        described = document([*routes, *self._routes], public_url)
        self._openapi = _ready(orjson.dumps(described), "application/json")
        self._page = _ready(render(described).encode(), HTML)
        folder = resources.files("chirp.api") / "static"
        self._files = {
            name: _ready((folder / name).read_bytes(), kind) for name, kind in _FILES.items()
        }

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return self._routes

    async def openapi(self, request: web.Request) -> web.Response:
        """GET /openapi.json."""
        return self._openapi.answer(request)

    async def page(self, request: web.Request) -> web.Response:
        """GET /docs."""
        return self._page.answer(request)

    async def file(self, request: web.Request) -> web.Response:
        """GET /docs/{file}."""
        found = self._files.get(request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        return found.answer(request)
