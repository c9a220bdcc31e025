"""The face of the pages: a cookie says who asks, and refusals are pages.

A cookie that is no longer good is nobody's: its owner reads on as a stranger and may sign in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import SplitResult, quote, urlsplit

from aiohttp import web

from chirp.errors import Forbidden, Unauthorized
from chirp.http.calls import Call, call_of
from chirp.http.errors import Told, refusal_headers
from chirp.http.faces import JSON_FACE
from chirp.http.gate import Gate
from chirp.web.cookies import Cookies

ErrorPage = Callable[[web.Request, Told], web.Response]
Recall = Callable[[web.Request], Awaitable[None]]


class HtmlFace:
    """People in browsers. `page` renders a refusal, `recall` finds out who is told it."""

    def __init__(self, cookies: Cookies, page: ErrorPage, recall: Recall) -> None:
        self._cookies = cookies
        self._page = page
        self._recall = recall

    def key_of(self, request: web.Request) -> str | None:
        """Return the key in the session's cookie."""
        return self._cookies.session(request)

    async def let_in(self, gate: Gate, request: web.Request, call: Call, key: str) -> None:
        """Let in the owner of a session that stands. Raises: RateLimited."""
        with suppress(Unauthorized, Forbidden):
            await gate.authenticate(request, call, key)

    async def recall(self, request: web.Request) -> None:
        """Find out who will see the page. Raises nothing."""
        await self._recall(request)

    def refused(self, request: web.Request, call: Call, told: Told) -> web.StreamResponse:
        """Return the refusal as a page; who has to sign in is sent there."""
        if told.status == 401:
            return to_sign_in(request)
        response = self._page(request, told)
        headers = refusal_headers(told, call.request_id)
        response.headers.update(headers)
        return response


class MixedFace(HtmlFace):
    """What browsers and programs both ask for, or nobody: each is known and told its own way."""

    def key_of(self, request: web.Request) -> str | None:
        """Return the key that a program sent, else the one in the session's cookie."""
        return JSON_FACE.key_of(request) or super().key_of(request)

    async def let_in(self, gate: Gate, request: web.Request, call: Call, key: str) -> None:
        """Let in who sent the key. Raises: as the face does that the key came by."""
        if JSON_FACE.key_of(request) is not None:
            return await JSON_FACE.let_in(gate, request, call, key)
        return await super().let_in(gate, request, call, key)

    async def recall(self, request: web.Request) -> None:
        """Find out who will see the page, if it is one. Raises nothing."""
        if _wants_page(request):
            await super().recall(request)

    def refused(self, request: web.Request, call: Call, told: Told) -> web.StreamResponse:
        """Return the refusal as a page to who asks for HTML outside the API, else as JSON."""
        if _wants_page(request):
            return super().refused(request, call, told)
        return JSON_FACE.refused(request, call, told)


def _wants_page(request: web.Request) -> bool:
    wants_page = "text/html" in request.headers.get("Accept", "")
    return wants_page and not request.path.startswith("/api/")


def is_partial(request: web.Request) -> bool:
    """Say whether a script asks, which wants a part of a page."""
    return "HX-Request" in request.headers


def redirect(request: web.Request, where: str) -> web.Response:
    """Send a browser to a page of ours, from a form or from a script."""
    if is_partial(request):
        return web.Response(status=204, headers={"HX-Redirect": where})
    return web.Response(status=303, headers={"Location": where})


def to_sign_in(request: web.Request) -> web.Response:
    """Send a stranger to sign in, and back to the page that they were on."""
    where = request.path_qs if request.method in {"GET", "HEAD"} else came_from(request, "/")
    return redirect(request, "/sign-in?next=" + quote(where))


def came_from(request: web.Request, otherwise: str) -> str:
    """Return the path of the page that a form stood on, if that was ours."""
    parts = parts_of(request.headers.get("Referer", ""))
    if parts.netloc != request.host:
        return otherwise
    return safe_path(parts.path + (f"?{parts.query}" if parts.query else ""), otherwise)


def parts_of(address: str) -> SplitResult:
    """Return the parts of an address that a stranger sent; all empty where it is none.

    >>> parts_of("https://a.example/b").netloc, parts_of("http://[").netloc
    ('a.example', '')
    """
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")


def safe_path(path: str, otherwise: str) -> str:
    r"""Return `path` if it leads to a page of ours, else `otherwise`.

    >>> safe_path("/ada?x=1", "/"), safe_path("//evil.example", "/"), safe_path("/\\evil", "/")
    ('/ada?x=1', '/', '/')
    """
    good = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isprintable()
    return path if good and len(path) <= 2000 else otherwise


def known(request: web.Request) -> bool:
    """Say whether somebody is signed in."""
    return call_of(request).viewer is not None
