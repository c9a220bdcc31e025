"""The route table of the pages: the one place where their paths stand."""

from __future__ import annotations

from functools import partial

from chirp.http.pipeline import Answerer, Route
from chirp.http.sent_events import EventStreams
from chirp.web.about import About
from chirp.web.admin import AdminPages, Told
from chirp.web.assets import Assets
from chirp.web.composing import ComposerPages
from chirp.web.entry import Entry
from chirp.web.face import HtmlFace
from chirp.web.feeds import Feeds
from chirp.web.lively import Lively
from chirp.web.people import People
from chirp.web.profiles import ProfilePages
from chirp.web.settings import SettingsPages
from chirp.web.site import Site
from chirp.web.timelines import TimelinePages
from chirp.web.tweets import TweetPages

STATUS = "/{username}/status/{id}"
_USER = "/{username}"


def routes(
    site: Site, face: HtmlFace, assets: Assets, streams: EventStreams, told: Told
) -> list[Route]:
    """Return all routes of the pages."""
    route = partial(Route, face=face)

    def get(path: str, handler: Answerer) -> Route:
        return route("GET", path, handler)

    def post(path: str, handler: Answerer) -> Route:
        return route("POST", path, handler)

    entry, timelines, lively = Entry(site), TimelinePages(site), Lively(site, streams)
    return [
        route("GET", "/", timelines.home, repeatable=True),
        route("GET", "/public", timelines.public, repeatable=True),
        get("/bookmarks", timelines.bookmarks),
        get("/home", timelines.moved),
        route("GET", "/stream", lively.stream, stream=True),
        route("POST", "/compose/weight", lively.weight, group="reads"),
        get("/sign-in", entry.sign_in_page),
        route("POST", "/sign-in", entry.sign_in, group="sign_ins"),
        get("/sign-up", entry.sign_up_page),
        route("POST", "/sign-up", entry.sign_up, group="registrations"),
        post("/sign-out", entry.sign_out),
        post("/theme", entry.theme),
        *_composer_routes(site, face),
        *_settings_routes(site, face),
        *_admin_routes(site, face, told),
        get("/search", People(site).search),
        *_public_routes(site, assets),
        *assets.routes(),
        *_tweet_routes(site, face),
        *_profile_routes(site, face),
    ]


def _composer_routes(site: Site, face: HtmlFace) -> list[Route]:
    composer = ComposerPages(site)
    uploads = partial(Route, "POST", face=face, max_body_bytes=site.max_upload_bytes)
    return [
        Route("GET", "/compose", composer.page, face=face),
        uploads("/compose", composer.post, group="posts"),
        uploads("/compose/media", composer.upload, group="uploads"),
        Route("GET", "/compose/media/{id}", composer.uploaded, face=face),
    ]


def _settings_routes(site: Site, face: HtmlFace) -> list[Route]:
    settings, get, post = (
        SettingsPages(site),
        partial(Route, "GET", face=face),
        partial(Route, "POST", face=face),
    )
    return [
        get("/settings", settings.profile),
        post("/settings", settings.save_profile, max_body_bytes=site.max_upload_bytes),
        get("/settings/account", settings.account),
        post("/settings/account", settings.save_account),
        get("/settings/keys", settings.keys),
        post("/settings/keys", settings.create_key),
        post("/settings/keys/{id}/revoke", settings.revoke_key),
        get("/settings/export", settings.export),
        get("/settings/delete", settings.delete),
        post("/settings/delete", settings.delete_account),
    ]


def _admin_routes(site: Site, face: HtmlFace, told: Told) -> list[Route]:
    admin, post = AdminPages(site, told), partial(Route, "POST", face=face)
    return [
        Route("GET", "/admin", admin.page, face=face),
        post("/admin/registrations/{username}/{deed}", admin.registration),
        post("/admin/flags/{id}/close", admin.close_flag),
        post("/admin/tweets/{id}/delete", admin.remove_tweet),
        post("/admin/users/{deed}", admin.suspend),
    ]


def _public_routes(site: Site, assets: Assets) -> list[Route]:
    about = About(site, assets)
    route = partial(Route, "GET", group="reads")
    return [
        route("/manifest.webmanifest", about.manifest),
        route("/favicon.ico", about.favicon),
        route("/robots.txt", about.robots),
        route("/oembed", about.oembed),
    ]


def _tweet_routes(site: Site, face: HtmlFace) -> list[Route]:
    tweets, route = TweetPages(site), partial(Route, face=face)
    return [
        route("GET", "/tweets/{id}", tweets.moved),
        route("GET", "/tweets/{id}/edit", tweets.edit_page),
        route("POST", "/tweets/{id}/edit", tweets.edit),
        route("GET", "/tweets/{id}/delete", tweets.delete_page),
        route("POST", "/tweets/{id}/delete", tweets.delete),
        route("POST", "/tweets/{id}/retweet", tweets.retweet, group="posts"),
        route("POST", "/tweets/{id}/{act}", tweets.react),
        route("GET", STATUS, tweets.tweet),
        route("GET", STATUS + "/versions", tweets.versions),
        route("GET", STATUS + "/quotes", tweets.quotes),
        route("GET", STATUS + "/favorites", tweets.favorites),
        route("GET", STATUS + "/retweets", tweets.retweets),
    ]


def _profile_routes(site: Site, face: HtmlFace) -> list[Route]:
    profiles, route = ProfilePages(site), partial(Route, face=face)
    feeds = Feeds(site)
    acts = ("follow", "unfollow", "block", "unblock", "mute", "unmute")
    return [
        Route("GET", _USER + "/feed.rss", feeds.rss, group="reads"),
        Route("GET", _USER + "/feed.atom", feeds.atom, group="reads"),
        route("GET", _USER, profiles.tweets),
        route("GET", _USER + "/replies", profiles.replies),
        route("GET", _USER + "/media", profiles.media),
        route("GET", _USER + "/favorites", profiles.favorites),
        route("GET", _USER + "/followers", profiles.followers),
        route("GET", _USER + "/following", profiles.following),
        *(route("POST", f"{_USER}/{act}", getattr(profiles, act)) for act in acts),
    ]
