"""Who asks: the key of a request, from a header or a small body, and the viewer behind it."""

from __future__ import annotations

from aiohttp import web

from chirp.errors import Invalid, Unauthorized
from chirp.http.body import MAX_KEY_BODY_BYTES, Body
from chirp.http.calls import call_of
from chirp.views import Viewer


def header_key(request: web.Request) -> str | None:
    """Return the key in the headers. Raises: Invalid: two different ones."""
    headers = request.headers
    bearer, key = headers.get("Authorization"), headers.get("X-API-Key")
    if bearer is None:
        return key
    scheme, _, token = bearer.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("Authorization must be: Bearer <key>")
    if key is not None and key != token.strip():
        raise Invalid("two different keys in one request", field="api_dev_key")
    return token.strip()


def body_key(request: web.Request, body: Body, from_header: str | None) -> str | None:
    """Return the request's key when its body is known. Raises: Invalid: two different ones."""
    if body.api_dev_key is None:
        return from_header
    # What arrived, not what was announced: a chunked body announces nothing.
    if request.content.total_bytes > MAX_KEY_BODY_BYTES:
        raise Invalid("a body over 64 KiB must not hold a key", field="api_dev_key")
    if from_header is not None and from_header != body.api_dev_key:
        raise Invalid("two different keys in one request", field="api_dev_key")
    return body.api_dev_key


def require_viewer(request: web.Request) -> Viewer:
    """Return who asks, as the pipeline found out. Raises: Unauthorized: nobody."""
    viewer = call_of(request).viewer
    if viewer is None:
        raise Unauthorized("a key is needed: X-API-Key, Authorization: Bearer, or api_dev_key")
    return viewer


def find_viewer(request: web.Request) -> Viewer | None:
    """Return who asks; None without a key. A wrong key was refused before."""
    return call_of(request).viewer
