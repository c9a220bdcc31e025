"""The search page: people by name."""

from __future__ import annotations

from aiohttp import web
from markupsafe import Markup

from chirp.http.auth import find_viewer
from chirp.web.site import Site

_MOST = 50
_LONGEST = 100
_SIGNS = ("#", "\uff03", "$", "\uff04")
"""What tags begin with, also in full width: nobody's name does."""


class People:
    """/search."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def search(self, request: web.Request) -> web.Response:
        """GET /search?q=."""
        site, words = self._site, request.query.get("q", "").strip()[:_LONGEST]
        me = await site.me(request)
        if words.startswith(_SIGNS):
            return site.pages.page(request, "search.html", me, query=words, people=None)
        found = await site.services.people.find(find_viewer(request), words, _MOST)
        rows = site.pages.text(request, "person.html", me, views=found, first=bool(words))
        shown = Markup(rows)  # noqa: S704  (rendered by templates)
        return site.pages.page(request, "search.html", me, query=words, people=shown)
