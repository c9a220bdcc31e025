"""What browsers and other sites ask of this one: manifest, icon, robots, oEmbed."""

from __future__ import annotations

from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import orjson
from aiohttp import web
from markupsafe import Markup

from chirp.errors import Invalid, NotFound
from chirp.http.paging import parse_id
from chirp.model import TweetId
from chirp.views import original_of
from chirp.web.assets import Assets
from chirp.web.face import parts_of
from chirp.web.site import Site

_WIDTH = 550
_AN_HOUR_S = 3600
"""How long another site may show a tweet that was deleted."""
_A_DAY = "public, max-age=86400"


class About:
    """/manifest.webmanifest, /favicon.ico, /robots.txt and /oembed."""

    def __init__(self, site: Site, assets: Assets) -> None:
        self._site = site
        self._assets = assets

    async def manifest(self, _request: web.Request) -> web.Response:
        """GET /manifest.webmanifest: what a telephone installs."""
        icons = [
            {"src": self._assets.url(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": kind}
            for size, kind in ((192, "image/png"), (512, "image/png"))
        ]
        body = orjson.dumps(
            {
                "name": "Chirp",
                "short_name": "Chirp",
                "start_url": "/",
                "scope": "/",
                "display": "standalone",
                "background_color": "#f7f5f0",
                "theme_color": "#0f766e",
                "icons": icons,
            }
        )
        headers = {"Content-Type": "application/manifest+json", "Cache-Control": _A_DAY}
        return web.Response(body=body, headers=headers)

    async def favicon(self, _request: web.Request) -> web.Response:
        """GET /favicon.ico: where browsers look that read no page."""
        headers = {"Location": self._assets.url("icon-192.png"), "Cache-Control": _A_DAY}
        return web.Response(status=302, headers=headers)

    async def robots(self, _request: web.Request) -> web.Response:
        """GET /robots.txt."""
        private = ("/settings", "/admin", "/compose", "/search", "/api/", "/sign-in")
        lines = ["User-agent: *", *(f"Disallow: {path}" for path in private)]
        return web.Response(text="\n".join(lines) + "\n", headers={"Cache-Control": _A_DAY})

    async def oembed(self, request: web.Request) -> web.Response:
        """GET /oembed?url=: a tweet for other sites, https://oembed.com."""
        found = await self._site.services.tweets.get(None, self._tweet_id(request))
        view = original_of(found)  # a retweet has no words of its own
        tweet, user = view.cached.tweet, view.cached.author.user
        url = f"{self._site.public_url}/{user.username}/status/{tweet.tweet_id}"
        date = self._site.words.date(tweet.created_at)
        quote = Markup(
            '<blockquote class="chirp-tweet"><p>{}</p>— {} (@{}) <a href="{}">{}</a></blockquote>'
        ).format(tweet.content, user.name, user.username, url, date)
        fields: dict[str, object] = {
            "version": "1.0",
            "type": "rich",
            "provider_name": "Chirp",
            "provider_url": self._site.public_url,
            "author_name": user.name,
            "author_url": f"{self._site.public_url}/{user.username}",
            "url": url,
            "html": str(quote),
            "width": _WIDTH,
            "height": None,
            "cache_age": _AN_HOUR_S,
        }
        if request.query.get("format", "json") == "xml":
            body, kind = _xml(fields), "text/xml; charset=utf-8"
        else:
            body, kind = orjson.dumps(fields), "application/json; charset=utf-8"
        headers = {"Content-Type": kind, "Cache-Control": f"public, max-age={_AN_HOUR_S}"}
        return web.Response(body=body, headers=headers)

    def _tweet_id(self, request: web.Request) -> TweetId:
        """Return the tweet that an address of ours is about. Raises: Invalid: none; NotFound."""
        url = request.query.get("url", "")
        if not url:
            raise Invalid("url is missing: the address of a tweet", field="url")
        parts = parts_of(url)
        words = parts.path.strip("/").split("/")
        ours = parts.netloc == urlsplit(self._site.public_url).netloc
        if not ours or len(words) != 3 or words[1] != "status":
            raise NotFound("no tweet of this server has that address")
        try:
            return TweetId(parse_id(words[2], "url"))
        except Invalid:
            raise NotFound("no tweet of this server has that address") from None


def _xml(fields: dict[str, object]) -> bytes:
    root = ET.Element("oembed")
    for name, value in fields.items():
        if value is not None:
            ET.SubElement(root, name).text = str(value)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body
