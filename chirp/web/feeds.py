"""A profile as RSS 2.0 and as Atom: the newest tweets, for feed readers."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from aiohttp import web

from chirp.errors import NotFound
from chirp.http.times import render_time
from chirp.model import User
from chirp.pages import ReadTweets
from chirp.views import TweetView, original_of
from chirp.web.autolink import autolink, spans_of
from chirp.web.site import Site

_ATOM = "{http://www.w3.org/2005/Atom}"
_MOST = 40
_TITLE = 80
register_namespace("atom", "http://www.w3.org/2005/Atom")


class Feeds:
    """/{username}/feed.rss and /{username}/feed.atom."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def rss(self, request: web.Request) -> web.Response:
        """GET /{username}/feed.rss."""
        user, views = await self._read(request)
        root = Element("rss", version="2.0")
        channel = SubElement(root, "channel")
        _fill(
            channel, title=self._title(user), link=self._profile(user), description=user.bio or " "
        )
        here = f"{self._profile(user)}/feed.rss"
        SubElement(channel, _ATOM + "link", rel="self", href=here, type="application/rss+xml")
        for view in views:
            tweet, item = view.cached.tweet, SubElement(channel, "item")
            when = format_datetime(datetime.fromtimestamp(tweet.created_at / 1000, UTC))
            link = self._link(view)
            _fill(item, title=_headline(view), link=link, guid=link)
            _fill(item, pubDate=when, description=self._html(view))
        return _answer(request, root, "application/rss+xml; charset=utf-8")

    async def atom(self, request: web.Request) -> web.Response:
        """GET /{username}/feed.atom."""
        user, views = await self._read(request)
        root = Element(_ATOM + "feed")
        here = f"{self._profile(user)}/feed.atom"
        newest = max([user.created_at, *(view.cached.tweet.created_at for view in views)])
        _fill(root, _ATOM, id=here, title=self._title(user), updated=render_time(newest))
        SubElement(root, _ATOM + "link", rel="self", href=here, type="application/atom+xml")
        SubElement(
            root, _ATOM + "link", rel="alternate", href=self._profile(user), type="text/html"
        )
        for view in views:
            tweet, entry = view.cached.tweet, SubElement(root, _ATOM + "entry")
            link, author = self._link(view), view.cached.author.user
            _fill(entry, _ATOM, id=link, title=_headline(view))
            _fill(entry, _ATOM, published=render_time(tweet.created_at))
            _fill(entry, _ATOM, updated=render_time(tweet.edited_at or tweet.created_at))
            SubElement(entry, _ATOM + "link", rel="alternate", href=link, type="text/html")
            by = SubElement(entry, _ATOM + "author")
            _fill(by, _ATOM, name=author.name, uri=self._profile(author))
            SubElement(entry, _ATOM + "content", type="html").text = self._html(view)
        return _answer(request, root, "application/atom+xml; charset=utf-8")

    async def _read(self, request: web.Request) -> tuple[User, list[TweetView]]:
        """Return what a stranger sees of somebody, retweets as their originals."""
        services, username = self._site.services, request.match_info["username"]
        view = await services.profiles.get(None, username)
        if view.user.suspended:
            raise NotFound("no such user")
        command = ReadTweets(_MOST, exclude_replies=True)
        page = await services.timelines.of_user(None, username, command)
        return view.user, [original_of(one) for one in page.items]

    def _title(self, user: User) -> str:
        return f"{user.name} (@{user.username})"

    def _profile(self, user: User) -> str:
        return f"{self._site.public_url}/{user.username}"

    def _link(self, view: TweetView) -> str:
        return f"{self._profile(view.cached.author.user)}/status/{view.cached.tweet.tweet_id}"

    def _html(self, view: TweetView) -> str:
        tweet, base = view.cached.tweet, self._site.public_url
        text = str(autolink(tweet.content, spans_of(tweet))).replace('href="/', f'href="{base}/')
        pictures = self._site.pages.macros("card.html", "shown")["shown"](view.cached.media)
        return text.replace("\n", "<br>") + str(pictures).replace('="/media/', f'="{base}/media/')


def _fill(parent: Element, space: str = "", **texts: str | None) -> None:
    for name, text in texts.items():
        SubElement(parent, space + name).text = text


def _headline(view: TweetView) -> str:
    text = " ".join(view.cached.tweet.content.split()) or "…"
    return text if len(text) <= _TITLE else text[: _TITLE - 1].rstrip() + "…"


def _answer(request: web.Request, root: Element, kind: str) -> web.Response:
    body = tostring(root, encoding="utf-8", xml_declaration=True)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=60"}
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers={**headers, "Content-Type": kind})
