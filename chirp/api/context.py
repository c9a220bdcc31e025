"""What every handler of the native API needs, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from aiohttp import web
from msgspec import to_builtins

from chirp.api.render import Renderer
from chirp.clock import Clock
from chirp.commands import Repeatable, repeatable
from chirp.errors import Invalid, NotFound
from chirp.http.auth import body_key, find_viewer, header_key, only_value, require_viewer
from chirp.http.body import Body, read_body
from chirp.http.calls import call_of
from chirp.http.errors import JSON_TYPE
from chirp.http.gate import Gate
from chirp.http.paging import Cursors, Links, links, parse_id
from chirp.http.plain import Headers, Plain
from chirp.model import TweetId
from chirp.services.accounts import Accounts
from chirp.services.blocks import Blocks
from chirp.services.follows import Follows
from chirp.services.lists import Lists
from chirp.services.moderation import Moderation
from chirp.services.own_account import OwnAccount
from chirp.services.profiles import Profiles
from chirp.services.reactions import Reactions
from chirp.services.registrations import Registrations
from chirp.services.threads import Threads
from chirp.services.timelines import Timelines
from chirp.services.tweets import TweetService
from chirp.views import Page, TweetView, UserView, Viewer

JSON_HEADERS = Headers({"Content-Type": JSON_TYPE})

B = TypeVar("B", bound=Body)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Api:
    """The services behind the native API, and what it renders with."""

    gate: Gate
    accounts: Accounts
    own_account: OwnAccount
    registrations: Registrations
    moderation: Moderation
    profiles: Profiles
    follows: Follows
    blocks: Blocks
    tweets: TweetService
    reactions: Reactions
    threads: Threads
    lists: Lists
    timelines: Timelines
    renderer: Renderer
    cursors: Cursors
    public_url: str
    max_weight: int
    clock: Clock

    def viewer(self, request: web.Request) -> Viewer:
        """Return who asks. Raises: Unauthorized, Forbidden."""
        return require_viewer(request)

    def maybe_viewer(self, request: web.Request) -> Viewer | None:
        """Return who asks, or None for an anonymous reader."""
        return find_viewer(request)

    async def viewer_of_post(self, request: web.Request) -> Viewer:
        """Return who asks for a change that needs no body, though the key may stand in one."""
        if not request.can_read_body:
            return self.viewer(request)
        return (await self.viewer_and_body(request, Body))[0]

    async def viewer_and_body(self, request: web.Request, kind: type[B]) -> tuple[Viewer, B]:
        """Return who asks and the body, in which the key may stand. Raises: Refusal."""
        # A stranger with a wrong key does not get to have a body parsed: the pipeline refused it.
        late = not request.content.is_eof()
        body = await read_body(request, kind)
        key = body_key(request, body, header_key(request))
        call = call_of(request)
        if call.viewer is None and key is not None:
            await self.gate.authenticate(request, call, key)
        viewer = require_viewer(request)
        if late:
            # Who sends a byte now and then may have been let in before the account was closed:
            # what they write would come after the sweep.
            await self.accounts.confirm(viewer)
        return viewer, body

    def links(self, request: web.Request, page: Page[Any]) -> Links:
        """Return the cursors of a page's neighbours."""
        return links(request, page, self.cursors, self.public_url)

    def tweets_page(self, request: web.Request, page: Page[TweetView]) -> Plain:
        """Answer with a page of tweets."""
        if page.json is None:
            page.json = self._rendered(page)
        around = self.links(request, page)
        call_of(request).made_of = page
        return Plain(self.renderer.page(page.json, around), JSON_HEADERS, around.header)

    def _rendered(self, page: Page[TweetView]) -> list[bytes]:
        """Return a page's tweets as JSON; of a renewed one, only what is new is rendered."""
        before, page.before = page.before, None
        if before is None or before.json is None:
            return self.renderer.tweets(page.items)
        new = page.items.index(before.items[0])
        return self.renderer.tweets(page.items[:new]) + before.json[: len(page.items) - new]

    def page(self, request: web.Request, page: Page[Any], data: list[dict[str, Any]]) -> Plain:
        """Answer with a page of other things, already rendered."""
        around = self.links(request, page)
        fields = {"data": data, "next": around.next, "prev": around.prev}
        return raw_response(orjson.dumps(fields), link=around.header)

    def people_page(self, request: web.Request, page: Page[UserView]) -> Plain:
        """Answer with a page of users."""
        return self.page(request, page, self.renderer.people(page.items))


def idempotency(request: web.Request, body: Body | None = None) -> Repeatable | None:
    """Return what tells whether a request was made before; None without an Idempotency-Key.

    The body counts as it was understood, without the key in it: a form that is sent again has
    another boundary. Raises: Invalid.
    """
    key = only_value(request, "Idempotency-Key", "Idempotency-Key")
    if key is None:
        return None
    fields = {} if body is None else {**to_builtins(body), "api_dev_key": None}
    return repeatable(key, orjson.dumps([request.method, request.path, fields]))


def path_tweet_id(request: web.Request) -> TweetId:
    """Return the id in the path. Raises: NotFound: it is not an id, so there is no such tweet."""
    try:
        return TweetId(parse_id(request.match_info["id"], "id"))
    except Invalid:
        raise NotFound("no such tweet") from None


def json_response(fields: dict[str, Any], status: int = 200) -> Plain:
    """Answer with JSON."""
    return raw_response(orjson.dumps(fields), status)


def raw_response(body: bytes, status: int = 200, *, link: str = "") -> Plain:
    """Answer with bytes that are JSON already. `link`: the Link header of a page."""
    return Plain(body, JSON_HEADERS, link, status)
