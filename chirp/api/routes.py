"""The route table of the native API: the one place where paths stand."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from chirp.api.accounts import AccountHandlers
from chirp.api.context import Api
from chirp.api.tweets import TweetHandlers
from chirp.api.users import UserHandlers
from chirp.http.pipeline import Handler

BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path below the base, and who answers."""

    method: str
    path: str
    handler: Handler
    needs_key: bool


def routes(api: Api) -> list[Route]:
    """Return all routes of the native API."""
    accounts, users, tweets = AccountHandlers(api), UserHandlers(api), TweetHandlers(api)
    return [
        # The hottest first: aiohttp looks at them in this order where a prefix is shared.
        Route("GET", "/timeline/home", tweets.home, needs_key=True),
        Route("POST", "/tweet", tweets.post, needs_key=True),
        Route("GET", "/tweets/{id}", tweets.get, needs_key=False),
        Route("DELETE", "/tweets/{id}", tweets.delete, needs_key=True),
        Route("POST", "/users", accounts.register, needs_key=False),
        Route("GET", "/users/me", accounts.me, needs_key=True),
        Route("POST", "/sessions", accounts.sign_in, needs_key=False),
        Route("DELETE", "/sessions/current", accounts.sign_out, needs_key=True),
        Route("GET", "/keys", accounts.keys, needs_key=True),
        Route("POST", "/keys", accounts.create_key, needs_key=True),
        Route("DELETE", "/keys/{key_id}", accounts.revoke_key, needs_key=True),
        Route("GET", "/users/{username}", users.profile, needs_key=False),
        Route("GET", "/users/{username}/tweets", users.tweets, needs_key=False),
        Route("GET", "/users/{username}/followers", users.followers, needs_key=False),
        Route("GET", "/users/{username}/following", users.following, needs_key=False),
        Route("POST", "/users/{username}/follow", users.follow, needs_key=True),
        Route("DELETE", "/users/{username}/follow", users.unfollow, needs_key=True),
    ]


def add_routes(app: web.Application, api: Api) -> None:
    """Register the native API with an application."""
    for route in routes(api):
        app.router.add_route(route.method, BASE + route.path, route.handler)
