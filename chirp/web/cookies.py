"""Cookies: the session, the visit of somebody without one, and the theme.

The session's value is a key like any other, made by signing in. It never leaves the cookie:
scripts cannot read it, and no page holds it.
"""

from __future__ import annotations

import re
from secrets import token_urlsafe
from typing import Literal

from aiohttp import web

_KEPT_S = 30 * 86_400
_YEAR_S = 365 * 86_400
_OURS = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
"""What a value of ours looks like; a header may hold any bytes."""

THEMES = ("system", "light", "dark")


class Cookies:
    """Reads and writes the cookies of one public address."""

    def __init__(self, public_url: str) -> None:
        self._secure = public_url.startswith("https://")
        # A __Host- cookie cannot be set by a neighbouring host or over plain HTTP.
        prefix = "__Host-" if self._secure else ""
        self._session = prefix + "chirp_session"
        self._visit = prefix + "chirp_visit"

    def session(self, request: web.Request) -> str | None:
        """Return the key in the session's cookie; None: there is none that could be ours."""
        return self._get(request, self._session)

    def set_session(self, response: web.StreamResponse, secret: str) -> None:
        """Begin a session."""
        self._set(response, self._session, secret, _KEPT_S)

    def end_session(self, response: web.StreamResponse) -> None:
        """Make the browser forget its session."""
        self._set(response, self._session, "", 0)

    def visit(self, request: web.Request) -> str | None:
        """Return the number of a visit without a session; None: none that could be ours."""
        return self._get(request, self._visit)

    def new_visit(self) -> str:
        """Return a number for a visit: who does not know it cannot send its forms."""
        return token_urlsafe(16)

    def set_visit(self, response: web.StreamResponse, visit: str) -> None:
        """Keep a visit's number as long as the browser is open."""
        self._set(response, self._visit, visit, None)

    def theme(self, request: web.Request) -> str:
        """Return light, dark or system."""
        theme = request.cookies.get("theme", "")
        return theme if theme in THEMES else "system"

    def set_theme(self, response: web.StreamResponse, theme: str) -> None:
        """Keep a theme for a year; scripts may read it."""
        self._set(response, "theme", theme, _YEAR_S, secret=False)

    @staticmethod
    def _get(request: web.Request, name: str) -> str | None:
        value = request.cookies.get(name, "")
        return value if _OURS.fullmatch(value) else None

    def _set(
        self,
        response: web.StreamResponse,
        name: str,
        value: str,
        max_age_s: int | None,
        *,
        secret: bool = True,
    ) -> None:
        lax: Literal["Lax"] = "Lax"
        response.set_cookie(
            name,
            value,
            max_age=max_age_s,
            path="/",
            secure=self._secure,
            httponly=secret,
            samesite=lax,
        )
