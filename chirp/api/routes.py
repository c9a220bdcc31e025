"""The route table of the native API: the one place where paths stand."""

from __future__ import annotations

from chirp.api.accounts import AccountHandlers
from chirp.api.admin import AdminHandlers
from chirp.api.context import Api
from chirp.api.tweets import TweetHandlers
from chirp.api.users import UserHandlers
from chirp.http.pipeline import Route

BASE = "/api/v1"


def routes(api: Api) -> list[Route]:
    """Return all routes of the native API."""
    accounts, users, tweets = AccountHandlers(api), UserHandlers(api), TweetHandlers(api)
    return [
        # The hottest first: aiohttp looks at them in this order where a prefix is shared.
        Route("GET", BASE + "/timeline/home", tweets.home, needs_key=True),
        Route("POST", BASE + "/tweet", tweets.post, needs_key=True),
        Route("GET", BASE + "/tweets/{id}", tweets.get, needs_key=False),
        Route("DELETE", BASE + "/tweets/{id}", tweets.delete, needs_key=True),
        Route("POST", BASE + "/users", accounts.register, needs_key=False),
        Route("GET", BASE + "/users/me", accounts.me, needs_key=True),
        Route("POST", BASE + "/sessions", accounts.sign_in, needs_key=False),
        Route("DELETE", BASE + "/sessions/current", accounts.sign_out, needs_key=True),
        Route("GET", BASE + "/keys", accounts.keys, needs_key=True),
        Route("POST", BASE + "/keys", accounts.create_key, needs_key=True),
        Route("DELETE", BASE + "/keys/{key_id}", accounts.revoke_key, needs_key=True),
        Route("GET", BASE + "/users/{username}", users.profile, needs_key=False),
        Route("GET", BASE + "/users/{username}/tweets", users.tweets, needs_key=False),
        Route("GET", BASE + "/users/{username}/followers", users.followers, needs_key=False),
        Route("GET", BASE + "/users/{username}/following", users.following, needs_key=False),
        Route("POST", BASE + "/users/{username}/follow", users.follow, needs_key=True),
        Route("DELETE", BASE + "/users/{username}/follow", users.unfollow, needs_key=True),
        *_admin_routes(api),
    ]


def _admin_routes(api: Api) -> list[Route]:
    """Return the routes of moderators and admins."""
    admin, base = AdminHandlers(api), BASE + "/admin"
    person, applicant = base + "/users/{username}", base + "/registrations/{username}"
    return [
        Route("GET", base + "/registrations", admin.waiting, needs_key=True),
        Route("POST", applicant + "/approve", admin.approve, needs_key=True),
        Route("POST", applicant + "/reject", admin.reject, needs_key=True),
        Route("GET", base + "/invites", admin.invites, needs_key=True),
        Route("POST", base + "/invites", admin.create_invite, needs_key=True),
        Route("DELETE", base + "/invites/{id}", admin.revoke_invite, needs_key=True),
        Route("GET", base + "/flags", admin.flags, needs_key=True),
        Route("POST", base + "/flags/{id}/close", admin.close_flag, needs_key=True),
        Route("POST", person + "/suspend", admin.suspend, needs_key=True),
        Route("POST", person + "/unsuspend", admin.unsuspend, needs_key=True),
        Route("DELETE", base + "/tweets/{id}", admin.remove_tweet, needs_key=True),
        Route("GET", base + "/actions", admin.actions, needs_key=True),
    ]
