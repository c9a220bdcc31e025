"""Pages that are lists of tweets: home, public, bookmarks."""

from __future__ import annotations

from aiohttp import web

from chirp.http.auth import find_viewer
from chirp.http.calls import call_of
from chirp.http.paging import parse_actions_query, parse_tweets_query
from chirp.views import Page, TweetView
from chirp.web.face import is_partial, redirect
from chirp.web.site import Site


class TimelinePages:
    """/, /public and /bookmarks."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def home(self, request: web.Request) -> web.Response:
        """GET /."""
        site, viewer = self._site, find_viewer(request)
        if viewer is None:
            return await self.public(request)
        command = parse_tweets_query(request, site.cursors)
        page = await site.services.timelines.home(viewer, command)
        cards = self._home_cards(request, page)
        # What else is on it, the frame, changes with the viewer's profile; so does the page.
        call_of(request).made_of = page
        if is_partial(request):
            return site.part(cards)
        return site.pages.framed(request, "home.html", await site.own(viewer), cards)

    def _home_cards(self, request: web.Request, page: Page[TweetView]) -> bytes:
        """Return what a page shows; kept with a first page, which is handed out unchanged."""
        # A query goes on in the links of what it gives, so that is made anew.
        if page.html is not None and not request.query_string:
            return page.html
        cards = self._site.cards_of(request, page)
        if page.keep is not None and not request.query_string:
            page.html, page.before = cards, None
            page.keep(len(cards))
        return cards

    async def public(self, request: web.Request) -> web.Response:
        """GET /public."""
        site = self._site
        command = parse_tweets_query(request, site.cursors)
        page = await site.services.timelines.public(find_viewer(request), command)
        return await site.listed(request, "public.html", page)

    async def bookmarks(self, request: web.Request) -> web.Response:
        """GET /bookmarks."""
        site, viewer = self._site, self._site.viewer(request)
        command = parse_actions_query(request, site.cursors)
        page = await site.services.lists.bookmarks(viewer, command)
        title = site.words("bookmarks.title")
        return await site.listed(request, "list.html", page, title=title)

    async def moved(self, request: web.Request) -> web.Response:
        """GET /home: an address that people try."""
        return redirect(request, "/")
