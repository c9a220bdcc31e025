"""Files over HTTP: ranges, tags, and headers that keep a browser from taking them for a page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from aiohttp import web

from chirp.clock import Clock
from chirp.http.calls import call_of
from chirp.model import Blob

_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Accept-Ranges": "bytes",
}
_FOREVER = "public, max-age=31536000, immutable"
_NEVER = "private, no-store"

Content = Callable[[int, int], AsyncIterator[bytes]]


async def serve_blob(
    request: web.Request, clock: Clock, blob: Blob, content: Content, *, public: bool
) -> web.StreamResponse:
    """Answer with a file, which never changes, or a range of it; `content(start, length)` reads."""
    tag = f'"{blob.name[:32]}"'
    headers = {**_SAFE, "ETag": tag, "Cache-Control": _FOREVER if public else _NEVER}
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    wants_range = "Range" in request.headers and request.headers.get("If-Range", tag) == tag
    found = _range_of(request, blob.size_bytes) if wants_range else (0, blob.size_bytes)
    if found is None:
        headers["Content-Range"] = f"bytes */{blob.size_bytes}"
        return web.Response(status=416, headers=headers)
    start, stop = found
    if wants_range:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.size_bytes}"
    headers |= {"Content-Type": blob.content_type, "Content-Length": str(stop - start)}
    response = web.StreamResponse(status=206 if wants_range else 200, headers=headers)
    call_of(request).sign(response, clock.now_ms())
    await response.prepare(request)
    if request.method != "HEAD":
        with suppress(ConnectionError):
            async for chunk in content(start, stop - start):
                await response.write(chunk)
    return response


def _range_of(request: web.Request, size: int) -> tuple[int, int] | None:
    """Return the one range that is asked for, its end exclusive; None: there is nothing there."""
    try:
        asked = request.http_range
    except ValueError:
        return None
    start, stop, _ = asked.indices(size)
    return (start, stop) if start < stop else None
