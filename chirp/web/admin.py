"""The start page of moderators: how the server does, who waits, what is flagged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from aiohttp import web

from chirp.commands import Because, check_username
from chirp.errors import Forbidden, Invalid, NotFound, Refusal
from chirp.http.paging import parse_id
from chirp.metrics import Sample
from chirp.model import ActionKind, Role, TweetId
from chirp.pages import ReadActions
from chirp.services.moderation import FlagState
from chirp.views import Viewer
from chirp.web.face import redirect
from chirp.web.plots import Plot, plot
from chirp.web.site import Form, Site

_SHOWN = 20


class Told(NamedTuple):
    """What the server says of itself."""

    reasons: Callable[[], list[str]]
    figures: Callable[[], dict[str, str]]
    history: Callable[[], list[Sample]]
    media: Callable[[], dict[str, float]]


class DeedForm(Form):
    """A deed of a moderator."""

    username: str = ""
    note: str = ""


class AdminPages:
    """/admin and what is below it."""

    def __init__(self, site: Site, told: Told) -> None:
        self._site = site
        self._told = told

    async def page(self, request: web.Request) -> web.Response:
        """GET /admin."""
        return await self._page(request)

    async def _page(self, request: web.Request, problem: str = "") -> web.Response:
        site, viewer = self._site, await self._moderator(request)
        services, newest = site.services, ReadActions(_SHOWN)
        media = self._told.media()
        return await site.page(
            request,
            "admin.html",
            problem=problem,
            reasons=self._told.reasons(),
            figures=self._told.figures(),
            media_bytes=site.words.size(int(media["bytes"])),
            plots=self._plots(self._told.history()),
            waiting=(await services.registrations.waiting(viewer, newest)).items,
            flags=(await services.moderation.flags(viewer, newest, FlagState.OPEN)).items,
            actions=[
                (action, site.words(f"admin.deed.{ActionKind(action.action.kind).name.lower()}"))
                for action in (await services.moderation.actions(viewer, newest)).items
            ],
        )

    def _plots(self, samples: Sequence[Sample]) -> list[Plot]:
        words = self._site.words
        lags = [[one.lag_p50_ms for one in samples], [one.lag_p99_ms for one in samples]]
        return [
            plot(words("admin.plot.lag"), lags, words),
            plot(words("admin.plot.posts"), [[one.posts_per_s for one in samples]], words),
            plot(words("admin.plot.requests"), [[one.requests_per_s for one in samples]], words),
            plot(words("admin.plot.memory"), [[one.memory_mb for one in samples]], words),
        ]

    async def _moderator(self, request: web.Request) -> Viewer:
        """Return who asks. Raises: Unauthorized; Forbidden: no moderator."""
        viewer = self._site.viewer(request)
        if await self._site.services.profiles.role(viewer) < Role.MODERATOR:
            raise Forbidden("this is for moderators")
        return viewer

    async def _done(
        self, request: web.Request, deed: Callable[[Viewer, DeedForm], Awaitable[object]]
    ) -> web.Response:
        """Do a deed and show the page again."""
        viewer = await self._moderator(request)
        form = await self._site.form(request, DeedForm)

        async def do() -> web.Response:
            await deed(viewer, form)
            return redirect(request, "/admin")

        async def again(error: Refusal) -> web.Response:
            return await self._page(request, self._site.said(error))

        return await self._site.tried(do(), again)

    async def registration(self, request: web.Request) -> web.Response:
        """POST /admin/registrations/{username}/{deed}: approve or reject."""
        registrations, username = self._site.services.registrations, request.match_info["username"]
        deeds = {"approve": registrations.approve, "reject": registrations.reject}
        deed = deeds.get(request.match_info["deed"])
        if deed is None:
            raise web.HTTPNotFound
        return await self._done(
            request, lambda viewer, form: deed(viewer, username, Because(form.note))
        )

    async def close_flag(self, request: web.Request) -> web.Response:
        """POST /admin/flags/{id}/close."""
        close, tweet_id = self._site.services.moderation.close_flag, _tweet_id(request)
        return await self._done(
            request, lambda viewer, form: close(viewer, tweet_id, Because(form.note))
        )

    async def remove_tweet(self, request: web.Request) -> web.Response:
        """POST /admin/tweets/{id}/delete."""
        moderation, tweet_id = self._site.services.moderation, _tweet_id(request)

        async def remove(viewer: Viewer, form: DeedForm) -> None:
            because = Because(form.note)
            await moderation.remove_tweet(viewer, tweet_id, because)
            try:
                await moderation.close_flag(viewer, tweet_id, because)
            except NotFound:
                return  # it was not flagged

        return await self._done(request, remove)

    async def suspend(self, request: web.Request) -> web.Response:
        """POST /admin/users/{deed}: suspend or unsuspend whom the form names."""
        deed, suspend = request.match_info["deed"], self._site.services.moderation.suspend
        if deed not in {"suspend", "unsuspend"}:
            raise web.HTTPNotFound

        async def change(viewer: Viewer, form: DeedForm) -> None:
            username = form.username.strip().removeprefix("@")
            check_username(username)
            await suspend(viewer, username, Because(form.note), suspended=deed == "suspend")

        return await self._done(request, change)


def _tweet_id(request: web.Request) -> TweetId:
    try:
        return TweetId(parse_id(request.match_info["id"], "id"))
    except Invalid:
        raise NotFound("no such tweet") from None
