"""The route table of the pages: the one place where their paths stand."""

from __future__ import annotations

from functools import partial

from chirp.http.pipeline import Handler, Route
from chirp.http.sent_events import EventStreams
from chirp.web.assets import Assets
from chirp.web.entry import Entry
from chirp.web.face import HtmlFace
from chirp.web.lively import Lively
from chirp.web.profiles import ProfilePages
from chirp.web.site import Site
from chirp.web.timelines import TimelinePages
from chirp.web.tweets import TweetPages

STATUS = "/{username}/status/{id}"
_USER = "/{username}"


def routes(site: Site, face: HtmlFace, assets: Assets, streams: EventStreams) -> list[Route]:
    """Return all routes of the pages."""
    route = partial(Route, face=face)

    def get(path: str, handler: Handler) -> Route:
        return route("GET", path, handler)

    def post(path: str, handler: Handler) -> Route:
        return route("POST", path, handler)

    entry, timelines, lively = Entry(site), TimelinePages(site), Lively(site, streams)
    return [
        get("/", timelines.home),
        get("/public", timelines.public),
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
        *assets.routes(),
        *_tweet_routes(site, face),
        *_profile_routes(site, face),
    ]


def _tweet_routes(site: Site, face: HtmlFace) -> list[Route]:
    tweets, route = TweetPages(site), partial(Route, face=face)
    return [
        route("GET", "/compose", tweets.composer),
        route("POST", "/compose", tweets.post, group="posts"),
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
    acts = ("follow", "unfollow", "block", "unblock", "mute", "unmute")
    return [
        route("GET", _USER, profiles.tweets),
        route("GET", _USER + "/replies", profiles.replies),
        route("GET", _USER + "/media", profiles.media),
        route("GET", _USER + "/favorites", profiles.favorites),
        route("GET", _USER + "/followers", profiles.followers),
        route("GET", _USER + "/following", profiles.following),
        *(route("POST", f"{_USER}/{act}", getattr(profiles, act)) for act in acts),
    ]
