"""Tokens against forged requests: a form counts only when a page of ours had it.

A token is an HMAC of the session (or of the visit, where there is no session) under the store's
secret: it needs no storage, another site cannot read it, and it ends with the session.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from aiohttp import web

from chirp.errors import Forbidden
from chirp.http.calls import call_of
from chirp.web.cookies import Cookies
from chirp.web.face import parts_of

HEADER = "X-CSRF-Token"


class Forgery:
    """Makes and checks tokens."""

    def __init__(self, secret: bytes, cookies: Cookies, public_url: str) -> None:
        self._secret = hmac.digest(secret, b"forms", "sha256")
        self._cookies = cookies
        self._host = urlsplit(public_url).netloc

    def token_of(self, request: web.Request, visit: str | None = None) -> str:
        """Return the token for the forms of whoever asks; empty without session and visit."""
        viewer = call_of(request).viewer
        if viewer is not None:
            return self._sign(b"session" + viewer.key_digest)
        visit = visit or self._cookies.visit(request)
        return "" if visit is None else self._sign(b"visit" + visit.encode())

    def check(self, request: web.Request, token: str) -> None:
        """Raise Forbidden unless the request came from a page of ours."""
        origin = request.headers.get("Origin")
        if origin is not None and parts_of(origin).netloc not in {self._host, request.host}:
            raise Forbidden("this form was sent by another site")
        wanted = self.token_of(request)
        given = request.headers.get(HEADER, token)
        if not wanted or not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
            raise Forbidden("this form is too old: go back, load the page again and send it anew")

    def _sign(self, about: bytes) -> str:
        return hmac.digest(self._secret, about, "sha256").hex()[:32]
