"""Pages out of templates, in one language, and the frame that all of them have.

Whatever a template prints is escaped, unless it was made as Markup, by a template or by
`Markup.format`. The frame of the hottest page is kept for each session, split where the tweets
go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec import Struct

from chirp.cache.lru import LruMap
from chirp.http.calls import call_of
from chirp.http.times import render_time
from chirp.model import Role, Tweet, User
from chirp.web.assets import Assets
from chirp.web.autolink import autolink, spans_of, spans_of_text
from chirp.web.cookies import Cookies
from chirp.web.forgery import Forgery
from chirp.web.words import Words

HTML = "text/html; charset=utf-8"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Type": HTML,
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not no-store: a browser may go back to a page as it was left.
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, HX-Request",
}
MEDIA_TYPES = ".jpg,.jpeg,.png,.webp,.gif,.avif,.mp4,.webm,.mov"
"""What a file chooser offers first."""
_HERE = "\0cards\0"
"""Where the tweets go in a frame; no text that people write holds a NUL."""


class Me(Struct, frozen=True, gc=False):
    """Who looks at a page."""

    user: User
    role: Role


class Pages:
    """Renders pages."""

    def __init__(
        self,
        words: Words,
        assets: Assets,
        cookies: Cookies,
        forgery: Forgery,
        *,
        public_url: str,
        max_weight: int,
        frames_bytes: int,
    ) -> None:
        self.words = words
        self._public_url = public_url
        self._cookies = cookies
        self._forgery = forgery
        self._frames: LruMap[tuple[object, ...], tuple[User, bytes, bytes]] = LruMap(frames_bytes)
        self.templates = Environment(
            loader=PackageLoader("chirp.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._fill(assets, max_weight)

    def _fill(self, assets: Assets, max_weight: int) -> None:
        """Give the templates what all of them may use."""
        self.templates.globals.update(
            words=self.words,
            asset=assets.url,
            max_weight=max_weight,
            initials=initials,
            autolinked=_autolinked,
            bio=_bio,
            bold=bold,
            iso=render_time,
            picture=picture,
            media_types=MEDIA_TYPES,
            public_url=self._public_url,
            stays=False,
            draft="",
            problem="",
            reply_to=None,
            quote_of=None,
            attributes=_attributes,
            script_words=_json_block(self.words.scripts()),
        )
        self.templates.globals["card"] = self.templates.get_template("card.html").module
        self.templates.globals.update(self.macros("fields.html", "field", "link"))

    def macros(self, template: str, *names: str) -> dict[str, Callable[..., Markup]]:
        """Return macros of a template, to be called by name."""
        module = self.templates.get_template(template).module
        return {name: getattr(module, name) for name in names}

    def text(self, request: web.Request, template: str, me: Me | None, **values: Any) -> str:
        """Return a page or a part of one as text."""
        return self.templates.get_template(template).render(self._around(request, me), **values)

    def page(
        self, request: web.Request, template: str, me: Me | None, status: int = 200, **values: Any
    ) -> web.Response:
        """Answer with a page."""
        visit = None
        if me is None and self._cookies.visit(request) is None:
            visit = self._cookies.new_visit()
            values["csrf"] = self._forgery.token_of(request, visit)
        response = respond(self.text(request, template, me, **values).encode(), status)
        if visit is not None:
            self._cookies.set_visit(response, visit)
        return response

    def framed(self, request: web.Request, template: str, me: Me, cards: bytes) -> web.Response:
        """Answer with tweets in a frame that is the same for every visit of a session.

        Kept by session and profile. A role is given only while the server stands still.
        """
        digest = call_of(request).viewer
        theme = self._cookies.theme(request)
        key = (template, digest, theme)
        frame = self._frames.get(key)
        if frame is None or frame[0] is not me.user:
            text = self.text(request, template, me, cards=Markup(_HERE))  # noqa: S704  (ours)
            before, _, after = text.partition(_HERE)
            frame = (me.user, before.encode(), after.encode())
            self._frames.put(key, frame, len(text) + 300)
        return respond(b"".join((frame[1], cards, frame[2])))

    def _around(self, request: web.Request, me: Me | None) -> Mapping[str, Any]:
        return {
            "me": None if me is None else me.user,
            "known": call_of(request).viewer is not None,
            "staff": me is not None and me.role >= Role.MODERATOR,
            "theme": self._cookies.theme(request),
            "csrf": self._forgery.token_of(request),
            "path": request.path,
        }


def respond(body: bytes, status: int = 200) -> web.Response:
    """Answer with HTML."""
    return web.Response(body=body, status=status, headers=HEADERS)


def initials(name: str) -> str:
    """Return one or two letters that stand for a name without a picture.

    >>> initials("Ada Lovelace"), initials("\U0001f426"), initials("bob")
    ('AL', '\U0001f426', 'B')
    """
    words = name.split()
    letters = [word[0] for word in (words[0], words[-1])] if len(words) > 1 else [name[:1]]
    return "".join(letters).upper()


def picture(media_id: int) -> str:
    """Return the address of a profile's picture."""
    return f"/media/{media_id}/preview"


def bold(text: str) -> Markup:
    """Return a text with its first number emphasised."""
    match = re.search(r"\d[\d.,\u202f\xa0]*", text)
    if match is None:
        return escape(text)
    start, end = match.span()
    form = Markup("{}<b>{}</b>{}")
    return form.format(text[:start], text[start:end], text[end:])


def _autolinked(tweet: Tweet) -> Markup:
    return autolink(tweet.content, spans_of(tweet))


def _bio(text: str) -> Markup:
    return autolink(text, spans_of_text(text))


def _attributes(values: Mapping[str, Any]) -> Markup:
    """Return HTML attributes; one that is False is left out, one that is True has no value."""
    parts = [
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in values.items()
        if value is not False
    ]
    return Markup("").join(parts)


def _json_block(values: Mapping[str, str]) -> Markup:
    """Return JSON that may stand in a script element: it cannot end it."""
    text = orjson.dumps(values).decode()
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704  (escaped)
