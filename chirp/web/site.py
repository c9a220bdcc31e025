"""What every handler of the pages needs: the services, and how it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from markupsafe import Markup
from msgspec import Struct

from chirp.clock import Clock
from chirp.config import Registration
from chirp.errors import Refusal
from chirp.http.auth import find_viewer, require_viewer
from chirp.http.body import read_body
from chirp.http.calls import call_of
from chirp.http.errors import Told, told_of
from chirp.http.gate import Gate
from chirp.http.paging import Cursors, links
from chirp.services.all import Services
from chirp.views import Page, TweetView, UserView, Viewer
from chirp.web.cards import Cards
from chirp.web.cookies import Cookies
from chirp.web.face import is_partial
from chirp.web.forgery import Forgery
from chirp.web.pages import Me, Pages, respond
from chirp.web.words import Words


class Form(Struct):
    """What every form holds."""

    csrf: str = ""


F = TypeVar("F", bound=Form)
_ME = web.RequestKey("me", Me)
"""Who asked for what was refused, where that is known."""


@dataclass(frozen=True, slots=True)
class Site:
    """The services behind the pages, and what these are made with."""

    services: Services
    gate: Gate
    pages: Pages
    cards: Cards
    words: Words
    cookies: Cookies
    forgery: Forgery
    cursors: Cursors
    public_url: str
    max_weight: int
    registration: Registration
    max_upload_bytes: int
    clock: Clock

    # -- who asks -----------------------------------------------------------------------

    def viewer(self, request: web.Request) -> Viewer:
        """Return who asks. Raises: Unauthorized: nobody, who is sent to sign in."""
        return require_viewer(request)

    async def me(self, request: web.Request) -> Me | None:
        """Return who looks at a page; None for strangers."""
        viewer = find_viewer(request)
        if viewer is None:
            return None
        return await self.own(viewer)

    async def own(self, viewer: Viewer) -> Me:
        """Return who looks at a page."""
        profiles = self.services.profiles
        return Me(await profiles.own(viewer), await profiles.role(viewer))

    async def form(self, request: web.Request, kind: type[F]) -> F:
        """Return a form that one of our pages sent. Raises: Invalid, Forbidden, TooLarge."""
        form = await read_body(request, kind)
        self.forgery.check(request, form.csrf)
        return form

    # -- answers ------------------------------------------------------------------------

    async def page(
        self, request: web.Request, template: str, status: int = 200, **values: Any
    ) -> web.Response:
        """Answer with a page for whoever asks."""
        me = await self.me(request)
        return self.pages.page(request, template, me, status, **values)

    def older(self, request: web.Request, page: Page[Any]) -> str | None:
        """Return the address of the next page, if there is one."""
        token = links(request, page, self.cursors, self.public_url).next
        if token is None:
            return None
        kept = {k: v for k, v in request.query.items() if k not in {"cursor", "since_id"}}
        return str(request.rel_url.with_query({**kept, "cursor": token}))

    def tweets(self, request: web.Request, page: Page[TweetView]) -> bytes:
        """Return the cards of a page, with the way to the next one."""
        pager = self.pages.text(request, "pager.html", None, older=self.older(request, page))
        return self.cards.page(page.items) + pager.encode()

    def cards_of(self, request: web.Request, page: Page[TweetView]) -> bytes:
        """Return the cards of a page, or what stands where there are none."""
        return self.tweets(request, page) if page.items else self.empty(request)

    def empty(self, request: web.Request) -> bytes:
        """Return what stands where there are no tweets, or no more."""
        first = "cursor" not in request.query
        return self.pages.text(request, "empty.html", None, first=first).encode()

    async def people(self, request: web.Request, page: Page[UserView]) -> str:
        """Return the rows of a page of people, with the way to the next one."""
        me = await self.me(request)
        first = "cursor" not in request.query
        text = self.pages.text(request, "person.html", me, views=page.items, first=first)
        return text + self.pages.text(request, "pager.html", me, older=self.older(request, page))

    async def listed(
        self, request: web.Request, template: str, page: Page[TweetView], **values: Any
    ) -> web.Response:
        """Answer with a page of tweets, or to a script with its tweets alone."""
        cards = self.cards_of(request, page)
        if is_partial(request):
            return self.part(cards)
        shown = Markup(cards.decode())  # noqa: S704  (rendered by templates)
        return await self.page(request, template, cards=shown, **values)

    async def listed_people(
        self, request: web.Request, page: Page[UserView], title: str
    ) -> web.Response:
        """Answer with a page of people, or to a script with its rows alone."""
        rows = await self.people(request, page)
        if is_partial(request):
            return self.part(rows)
        shown = Markup(rows)  # noqa: S704  (rendered by templates)
        return await self.page(request, "people.html", title=title, people=shown)

    def part(self, html: bytes | str) -> web.Response:
        """Answer a script with a part of a page."""
        return respond(html if isinstance(html, bytes) else html.encode())

    async def recall(self, request: web.Request) -> None:
        """Find out who will see a refusal, for its navigation. Raises nothing."""
        if not is_partial(request):
            # Whatever may fail here: a refusal is told in any case, and the first error is known.
            with suppress(Exception):
                me = await self.me(request)
                if me is not None:
                    request[_ME] = me

    def error(self, request: web.Request, told: Told) -> web.Response:
        """Answer with a refusal: a page, or to a script its words alone."""
        words = self.words.refusal(told)
        if is_partial(request):
            return respond(words.encode(), told.status)
        known = f"errors.{told.status}.title" in self.words.messages
        values = {
            "number": told.status if known else 400,
            "message": self.words.messages.get(f"errors.{told.status}.text", words),
            "request_id": call_of(request).request_id,
        }
        me = request.get(_ME)
        # What cannot be shown around it may be the very thing that failed.
        with suppress(Exception):
            return self.pages.page(request, "error.html", me, told.status, **values)
        return self.pages.page(request, "error.html", None, told.status, **values)

    def said(self, error: Refusal) -> str:
        """Return why a form is refused, above it."""
        return self.words.refusal(told_of(error))

    async def tried(
        self,
        doing: Awaitable[web.Response],
        again: Callable[[Refusal], Awaitable[web.Response]],
    ) -> web.Response:
        """Return the answer of `doing`; where it is refused, the form `again` with the reason."""
        try:
            return await doing
        except Refusal as error:
            told = told_of(error)
            response = await again(error)
            response.set_status(told.status)
            if told.retry_after_s is not None:
                response.headers["Retry-After"] = str(told.retry_after_s)
            return response
