"""What every handler of the native API needs, and how it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from aiohttp import web

from chirp.api.render import Renderer
from chirp.errors import Invalid, NotFound
from chirp.http.auth import body_key, find_viewer, header_key, require_viewer
from chirp.http.body import Body, read_body
from chirp.http.errors import JSON_TYPE
from chirp.http.paging import Cursors, Links, links, parse_id
from chirp.model import TweetId
from chirp.services.accounts import Accounts
from chirp.services.follows import Follows
from chirp.services.moderation import Moderation
from chirp.services.profiles import Profiles
from chirp.services.registrations import Registrations
from chirp.services.timelines import Timelines
from chirp.services.tweets import TweetService
from chirp.views import Page, TweetView, UserView, Viewer

B = TypeVar("B", bound=Body)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Api:
    """The services behind the native API, and what it renders with."""

    accounts: Accounts
    registrations: Registrations
    moderation: Moderation
    profiles: Profiles
    follows: Follows
    tweets: TweetService
    timelines: Timelines
    renderer: Renderer
    cursors: Cursors
    public_url: str
    max_weight: int

    async def viewer(self, request: web.Request) -> Viewer:
        """Return who asks. Raises: Unauthorized, Forbidden."""
        return await require_viewer(self.accounts, header_key(request))

    async def maybe_viewer(self, request: web.Request) -> Viewer | None:
        """Return who asks, or None for an anonymous reader."""
        return await find_viewer(self.accounts, header_key(request))

    async def viewer_of_post(self, request: web.Request) -> Viewer:
        """Return who asks for a change that needs no body, though the key may stand in one."""
        if not request.can_read_body:
            return await self.viewer(request)
        return (await self.viewer_and_body(request, Body))[0]

    async def viewer_and_body(self, request: web.Request, kind: type[B]) -> tuple[Viewer, B]:
        """Return who asks and the body, in which the key may stand. Raises: Refusal."""
        key = header_key(request)
        if key is not None:
            # A stranger with a wrong key does not get to have a body parsed.
            await require_viewer(self.accounts, key)
        body = await read_body(request, kind)
        return await require_viewer(self.accounts, body_key(request, body, key)), body

    def links(self, request: web.Request, page: Page[Any]) -> Links:
        """Return the cursors of a page's neighbours."""
        return links(request, page, self.cursors, self.public_url)

    def tweets_page(self, request: web.Request, page: Page[TweetView]) -> web.Response:
        """Answer with a page of tweets."""
        if page.json is None:
            around = self.links(request, page)
            page.json = self.renderer.page(page.items, around)
            page.json_link = around.header
        return _page_response(page.json, page.json_link)

    def records_page(
        self, request: web.Request, page: Page[T], fields: Callable[[T], dict[str, Any]]
    ) -> web.Response:
        """Answer with a page of what only moderators see."""
        around = self.links(request, page)
        data = [fields(item) for item in page.items]
        body = orjson.dumps({"data": data, "next": around.next, "prev": around.prev})
        return _page_response(body, around.header)

    def people_page(self, request: web.Request, page: Page[UserView]) -> web.Response:
        """Answer with a page of users."""
        around = self.links(request, page)
        return _page_response(self.renderer.people(page.items, around), around.header)


def path_tweet_id(request: web.Request) -> TweetId:
    """Return the id in the path. Raises: NotFound: it is not an id, so there is no such tweet."""
    try:
        return TweetId(parse_id(request.match_info["id"], "id"))
    except Invalid:
        raise NotFound("no such tweet") from None


def json_response(fields: dict[str, Any], status: int = 200) -> web.Response:
    """Answer with JSON."""
    return raw_response(orjson.dumps(fields), status)


def raw_response(body: bytes, status: int = 200) -> web.Response:
    """Answer with bytes that are JSON already."""
    return web.Response(body=body, status=status, headers={"Content-Type": JSON_TYPE})


def _page_response(body: bytes, link: str) -> web.Response:
    headers = {"Content-Type": JSON_TYPE}
    if link:
        headers["Link"] = link
    return web.Response(body=body, headers=headers)
