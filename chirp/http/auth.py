"""Who asks: the key of a request, from a header or a small body, and the viewer behind it."""

from __future__ import annotations

from aiohttp import web

from chirp.errors import Invalid, Unauthorized
from chirp.http.body import MAX_KEY_BODY_BYTES, Body
from chirp.http.calls import call_of
from chirp.views import Viewer

_TWO = "two different keys in one request"


def header_key(request: web.Request) -> str | None:
    """Return the key in the headers. Raises: Unauthorized; Invalid: two different ones."""
    key = only_value(request, "X-API-Key", "api_dev_key")
    bearer = only_value(request, "Authorization", "api_dev_key")
    if bearer is None:
        return key
    scheme, _, token = bearer.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("Authorization must be: Bearer <key>")
    if key is not None and key != token.strip():
        raise Invalid(_TWO, field="api_dev_key")
    return token.strip()


def only_value(request: web.Request, header: str, field: str) -> str | None:
    """Return what a header says; None where it is not. Raises: Invalid: two different things.

    Which of two counts, a proxy may see in another way.
    """
    values = request.headers.getall(header, None)
    if values is None:
        return None
    if len(values) > 1 and len(set(values)) > 1:
        raise Invalid(_TWO, field=field)
    return values[0]


def body_key(request: web.Request, body: Body, from_header: str | None) -> str | None:
    """Return the request's key when its body is known. Raises: Invalid: two different ones."""
    if body.api_dev_key is None:
        return from_header
    # What arrived, not what was announced: a chunked body announces nothing.
    if request.content.total_bytes > MAX_KEY_BODY_BYTES:
        raise Invalid("a body over 64 KiB must not hold a key", field="api_dev_key")
    if from_header is not None and from_header != body.api_dev_key:
        raise Invalid(_TWO, field="api_dev_key")
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
