"""Pages of people: profile, tabs, followers; and what one can do about somebody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiohttp import web
from markupsafe import Markup
from msgspec.structs import replace as changed

from chirp.http.auth import find_viewer
from chirp.http.paging import parse_actions_query, parse_tweets_query
from chirp.views import Page, Relationship, TweetView, UserView, Viewer
from chirp.web.face import came_from, is_partial, redirect
from chirp.web.site import Form, Site

Act = Callable[[Viewer, str], Awaitable[Relationship]]

TABS = (("tweets", ""), ("replies", "/replies"), ("media", "/media"), ("favorites", "/favorites"))


class ProfilePages:
    """/{username} and what is below it, but for tweets."""

    def __init__(self, site: Site) -> None:
        self._site = site

    # -- the profile --------------------------------------------------------------------

    async def tweets(self, request: web.Request) -> web.Response:
        """GET /{username}: their tweets, without replies to others."""
        return await self._of_user(request, "tweets")

    async def replies(self, request: web.Request) -> web.Response:
        """GET /{username}/replies: everything."""
        return await self._of_user(request, "replies")

    async def media(self, request: web.Request) -> web.Response:
        """GET /{username}/media."""
        return await self._of_user(request, "media")

    async def _of_user(self, request: web.Request, tab: str) -> web.Response:
        command = replace(
            parse_tweets_query(request, self._site.cursors),
            exclude_replies=tab == "tweets",
            only_media=tab == "media",
        )
        timelines, username = self._site.services.timelines, request.match_info["username"]
        page = await timelines.of_user(find_viewer(request), username, command)
        return await self._profile(request, tab, page)

    async def favorites(self, request: web.Request) -> web.Response:
        """GET /{username}/favorites."""
        command = parse_actions_query(request, self._site.cursors)
        lists, username = self._site.services.lists, request.match_info["username"]
        page = await lists.favorites(find_viewer(request), username, command)
        return await self._profile(request, "favorites", page)

    async def _profile(self, request: web.Request, tab: str, page: Page[TweetView]) -> web.Response:
        site = self._site
        cards = site.cards_of(request, page)
        if is_partial(request):
            return site.part(cards)
        view = await self._view(request)
        base = "/" + view.user.username
        return await site.page(
            request,
            "profile.html",
            view=view,
            user=view.user,
            tab=tab,
            tabs=[(name, base + end) for name, end in TABS],
            cards=Markup(cards.decode()),  # noqa: S704  (rendered by templates)
        )

    async def _view(self, request: web.Request) -> UserView:
        profiles = self._site.services.profiles
        return await profiles.get(find_viewer(request), request.match_info["username"])

    # -- lists of people ----------------------------------------------------------------

    async def followers(self, request: web.Request) -> web.Response:
        """GET /{username}/followers."""
        command = parse_actions_query(request, self._site.cursors)
        follows, username = self._site.services.follows, request.match_info["username"]
        page = await follows.followers(find_viewer(request), username, command)
        title = self._site.words("people.followers", name="@" + username)
        return await self._site.listed_people(request, page, title)

    async def following(self, request: web.Request) -> web.Response:
        """GET /{username}/following."""
        command = parse_actions_query(request, self._site.cursors)
        follows, username = self._site.services.follows, request.match_info["username"]
        page = await follows.following(find_viewer(request), username, command)
        title = self._site.words("people.following", name="@" + username)
        return await self._site.listed_people(request, page, title)

    # -- what one can do about somebody -------------------------------------------------

    async def follow(self, request: web.Request) -> web.Response:
        """POST /{username}/follow."""
        return await self._act(request, self._site.services.follows.follow)

    async def unfollow(self, request: web.Request) -> web.Response:
        """POST /{username}/unfollow."""
        return await self._act(request, self._site.services.follows.unfollow)

    async def block(self, request: web.Request) -> web.Response:
        """POST /{username}/block."""
        return await self._act(request, self._site.services.blocks.block)

    async def unblock(self, request: web.Request) -> web.Response:
        """POST /{username}/unblock."""
        return await self._act(request, self._site.services.blocks.unblock)

    async def mute(self, request: web.Request) -> web.Response:
        """POST /{username}/mute."""
        return await self._act(request, self._site.services.blocks.mute)

    async def unmute(self, request: web.Request) -> web.Response:
        """POST /{username}/unmute."""
        return await self._act(request, self._site.services.blocks.unmute)

    async def _act(self, request: web.Request, act: Act) -> web.Response:
        site, username = self._site, request.match_info["username"]
        viewer = site.viewer(request)
        await site.form(request, Form)
        relation = await act(viewer, username)
        if not is_partial(request):
            return redirect(request, came_from(request, "/" + username))
        view = changed(await self._view(request), relationship=relation)
        me = await site.me(request)
        shown: dict[str, Any] = {"view": view, "user": view.user}
        if came_from(request, "").lower() in {f"/{username}{end}".lower() for _, end in TABS}:
            shown["swapped"] = True  # a profile, which shows a number that this changes
        return site.part(site.pages.text(request, "follow.html", me, **shown))
