"""The routes of DeathStarBench's social network, for its published wrk2 scripts.

Gan et al., "An Open-Source Benchmark Suite for Microservices", ASPLOS 2019;
https://github.com/delimitrou/DeathStarBench (socialNetwork). Nobody says who they are there: the
body names who acts. So these routes are there only when `server.deathstarbench` says so, and only
on a loopback address. What is different: its numbers of users are those of the accounts named
`username_<number>`, as its scripts name them, and media ids are taken and not kept.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from aiohttp import web

from chirp.api.context import raw_response
from chirp.commands import Register, post_tweet
from chirp.errors import Invalid, Taken
from chirp.http.body import Body, read_body
from chirp.http.pipeline import Answerer, Route
from chirp.http.plain import Plain
from chirp.model import EntityKind, Tweet
from chirp.pages import MAX_PAGE, ReadTweets
from chirp.services.all import Services
from chirp.views import Page, TweetView, Viewer

Read = Callable[[ReadTweets], Awaitable[Page[TweetView]]]

BASE = "/wrk2-api"
MAX_WEIGHT = 4096
"""Its posts hold 256 characters, six mentions and six addresses: more than a tweet."""
_MOST = 500
"""How far down a timeline it may ask. Its scripts go to 110."""
_NAME = "username_"
_INCOMPLETE = "Incomplete arguments"


class _Fields(Body):
    """All fields that its forms have."""

    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    password: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    followee_name: str | None = None
    followee_id: str | None = None
    text: str | None = None
    post_type: str | None = None


class DeathStarBench:
    """Its five routes over our services."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """Return them. They are not limited: everybody is one script."""
        posts: list[tuple[str, Answerer]] = [
            ("/user/register", self.register),
            ("/user/follow", self.follow),
            ("/post/compose", self.compose),
        ]
        reads: list[tuple[str, Answerer]] = [
            ("/home-timeline/read", self.home),
            ("/user-timeline/read", self.user),
        ]
        return [
            *(Route("POST", BASE + path, one, group=None) for path, one in posts),
            *(Route("GET", BASE + path, one, group=None) for path, one in reads),
        ]

    async def register(self, request: web.Request) -> web.Response:
        """POST /wrk2-api/user/register."""
        given = await read_body(request, _Fields)
        first, last, name, password = _all(
            given.first_name, given.last_name, given.username, given.password
        )
        _all(given.user_id)
        mail = f"{name}@deathstarbench.invalid"
        try:
            await self._services.registrations.create(
                Register(name, f"{first} {last}", mail, password)
            )
        except Taken:
            return _said(500, f"User registration failure: {name} is registered already")
        return _said(200, "Success!")

    async def follow(self, request: web.Request) -> web.Response:
        """POST /wrk2-api/user/follow."""
        given = await read_body(request, _Fields)
        if given.user_id and given.followee_id:
            who, whom = _name_of(given.user_id), _name_of(given.followee_id)
        else:
            who, whom = _all(given.user_name, given.followee_name)
        await self._services.follows.follow(await self._viewer(who), whom)
        return _said(200, "Success!")

    async def compose(self, request: web.Request) -> web.Response:
        """POST /wrk2-api/post/compose."""
        given = await read_body(request, _Fields)
        name, text, _, _ = _all(given.username, given.text, given.user_id, given.post_type)
        command = post_tweet(text, MAX_WEIGHT)
        await self._services.tweets.post(await self._viewer(name), command)
        return _said(200, "Successfully upload post")

    async def home(self, request: web.Request) -> Plain:
        """GET /wrk2-api/home-timeline/read."""
        viewer = await self._viewer(_name_of(_query(request, "user_id")))

        async def read(command: ReadTweets) -> Page[TweetView]:
            return await self._services.timelines.home(viewer, command)

        return await self._window(request, read)

    async def user(self, request: web.Request) -> Plain:
        """GET /wrk2-api/user-timeline/read."""
        name = _name_of(_query(request, "user_id"))

        async def read(command: ReadTweets) -> Page[TweetView]:
            return await self._services.timelines.of_user(None, name, command)

        return await self._window(request, read)

    async def _viewer(self, name: str) -> Viewer:
        view = await self._services.profiles.get(None, name)
        return Viewer(view.user.user_id, b"")

    async def _window(self, request: web.Request, read: Read) -> Plain:
        """Answer with the posts from `start` up to, not with, `stop`."""
        start, stop = (_number(_query(request, name)) for name in ("start", "stop"))
        views: list[TweetView] = []
        below: int | None = None
        while len(views) < min(stop, _MOST):
            limit = min(stop - len(views), MAX_PAGE)
            page = await read(ReadTweets(limit, max_id=below))
            views += page.items
            if page.next is None:
                break
            below = page.next.other
        return raw_response(orjson.dumps([_post(view) for view in views[start:stop]]))


def _all(*values: str | None) -> Sequence[str]:
    """Return what must be there. Raises: Invalid, in its words."""
    if not all(values):
        raise Invalid(_INCOMPLETE)
    return [value or "" for value in values]


def _query(request: web.Request, name: str) -> str:
    return _all(request.query.get(name))[0]


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise Invalid(_INCOMPLETE)
    return int(text)


def _name_of(number: str) -> str:
    return f"{_NAME}{_number(number)}"


def _number_of(name: str, otherwise: int) -> int:
    number = name.removeprefix(_NAME)
    return int(number) if number != name and number.isdecimal() else otherwise


def _said(status: int, words: str) -> web.Response:
    return web.Response(text=words, status=status)


def _post(view: TweetView) -> dict[str, Any]:
    """Return a tweet as one of its posts. Its ids stand in strings, its times in ms."""
    tweet, author = view.cached.tweet, view.cached.author.user
    creator = _number_of(author.username, author.user_id)
    return {
        "post_id": str(tweet.tweet_id),
        "req_id": str(tweet.tweet_id),
        "creator": {"user_id": str(creator), "username": author.username},
        "text": tweet.content,
        "user_mentions": [
            {"user_id": str(_number_of(name, 0)), "username": name} for name in _mentions(tweet)
        ],
        "media": [],
        "urls": [{"shortened_url": url, "expanded_url": url} for url in _urls(tweet)],
        "timestamp": str(tweet.created_at),
        "post_type": 0,
    }


def _mentions(tweet: Tweet) -> list[str]:
    return [
        tweet.content[one.start + 1 : one.end]
        for one in tweet.entities
        if one.kind is EntityKind.MENTION
    ]


def _urls(tweet: Tweet) -> list[str]:
    return [
        tweet.content[one.start : one.end] for one in tweet.entities if one.kind is EntityKind.URL
    ]
