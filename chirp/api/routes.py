"""The route table of the native API: the one place where paths stand."""

from __future__ import annotations

from chirp.api.accounts import AccountHandlers
from chirp.api.admin import AdminHandlers
from chirp.api.context import Api
from chirp.api.media import MediaHandlers
from chirp.api.streams import StreamHandlers
from chirp.api.tweets import TweetHandlers
from chirp.api.users import UserHandlers
from chirp.http.pipeline import Route
from chirp.http.sent_events import EventStreams
from chirp.tasks import TaskRunner

BASE = "/api/v1"


def routes(
    api: Api,
    streams: EventStreams,
    media: MediaHandlers,
    tasks: TaskRunner,
    max_upload_mb: int,
) -> list[Route]:
    """Return all routes of the native API."""
    tweets, stream = TweetHandlers(api), StreamHandlers(api, streams, tasks).stream
    return [
        # The hottest first: aiohttp looks at them in this order where a prefix is shared.
        Route("GET", BASE + "/timeline/home", tweets.home, needs_key=True, repeatable=True),
        Route("POST", BASE + "/tweet", tweets.post, needs_key=True, group="posts", repeatable=True),
        *_tweet_routes(tweets),
        Route("GET", BASE + "/timeline/public", tweets.public, needs_key=False, repeatable=True),
        Route("GET", BASE + "/stream", stream, needs_key=True, stream=True),
        *_media_routes(media, max_upload_mb),
        *_account_routes(api),
        *_user_routes(api),
        *_admin_routes(api),
    ]


def _media_routes(media: MediaHandlers, max_upload_mb: int) -> list[Route]:
    most = (max_upload_mb + 1) << 20
    return [
        Route(
            "POST",
            BASE + "/media",
            media.upload,
            needs_key=True,
            group="uploads",
            max_body_bytes=most,
        ),
        Route("GET", BASE + "/media/{id}", media.get, needs_key=True),
        Route("PATCH", BASE + "/media/{id}", media.describe, needs_key=True),
    ]


def _tweet_routes(tweets: TweetHandlers) -> list[Route]:
    return [
        Route("GET", BASE + "/tweets/{id}", tweets.get, needs_key=False, repeatable=True),
        Route("DELETE", BASE + "/tweets/{id}", tweets.delete, needs_key=True),
        Route("PATCH", BASE + "/tweets/{id}", tweets.edit, needs_key=True),
        Route(
            "GET", BASE + "/tweets/{id}/versions", tweets.versions, needs_key=False, repeatable=True
        ),
        Route("GET", BASE + "/tweets/{id}/thread", tweets.thread, needs_key=False, repeatable=True),
        Route(
            "GET",
            BASE + "/tweets/{id}/favorites",
            tweets.favorites,
            needs_key=False,
            repeatable=True,
        ),
        Route(
            "GET", BASE + "/tweets/{id}/retweets", tweets.retweets, needs_key=False, repeatable=True
        ),
        Route("GET", BASE + "/tweets/{id}/quotes", tweets.quotes, needs_key=False, repeatable=True),
        Route("POST", BASE + "/tweets/{id}/favorite", tweets.favorite, needs_key=True),
        Route("DELETE", BASE + "/tweets/{id}/favorite", tweets.unfavorite, needs_key=True),
        Route("POST", BASE + "/tweets/{id}/retweet", tweets.retweet, needs_key=True, group="posts"),
        Route("DELETE", BASE + "/tweets/{id}/retweet", tweets.unretweet, needs_key=True),
        Route("POST", BASE + "/tweets/{id}/bookmark", tweets.bookmark, needs_key=True),
        Route("DELETE", BASE + "/tweets/{id}/bookmark", tweets.unbookmark, needs_key=True),
        Route("GET", BASE + "/bookmarks", tweets.bookmarks, needs_key=True, repeatable=True),
    ]


def _account_routes(api: Api) -> list[Route]:
    accounts = AccountHandlers(api)
    return [
        Route("POST", BASE + "/users", accounts.register, group="registrations"),
        Route("GET", BASE + "/users/me", accounts.me, needs_key=True, repeatable=True),
        Route("PATCH", BASE + "/users/me", accounts.edit, needs_key=True),
        Route("DELETE", BASE + "/users/me", accounts.close, needs_key=True),
        Route("POST", BASE + "/sessions", accounts.sign_in, group="sign_ins"),
        Route("DELETE", BASE + "/sessions/current", accounts.sign_out, needs_key=True),
        Route("GET", BASE + "/keys", accounts.keys, needs_key=True, repeatable=True),
        Route("POST", BASE + "/keys", accounts.create_key, needs_key=True),
        Route("DELETE", BASE + "/keys/{key_id}", accounts.revoke_key, needs_key=True),
    ]


def _user_routes(api: Api) -> list[Route]:
    users = UserHandlers(api)
    return [
        Route("GET", BASE + "/users/{username}", users.profile, needs_key=False, repeatable=True),
        Route(
            "GET", BASE + "/users/{username}/tweets", users.tweets, needs_key=False, repeatable=True
        ),
        Route(
            "GET",
            BASE + "/users/{username}/followers",
            users.followers,
            needs_key=False,
            repeatable=True,
        ),
        Route(
            "GET",
            BASE + "/users/{username}/following",
            users.following,
            needs_key=False,
            repeatable=True,
        ),
        Route(
            "GET",
            BASE + "/users/{username}/favorites",
            users.favorites,
            needs_key=False,
            repeatable=True,
        ),
        Route("POST", BASE + "/users/{username}/follow", users.follow, needs_key=True),
        Route("DELETE", BASE + "/users/{username}/follow", users.unfollow, needs_key=True),
        Route("POST", BASE + "/users/{username}/block", users.block, needs_key=True),
        Route("DELETE", BASE + "/users/{username}/block", users.unblock, needs_key=True),
        Route("POST", BASE + "/users/{username}/mute", users.mute, needs_key=True),
        Route("DELETE", BASE + "/users/{username}/mute", users.unmute, needs_key=True),
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
