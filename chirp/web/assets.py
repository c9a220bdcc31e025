"""Styles, scripts and pictures of the pages: packed at the start, named by their content.

`/static/NAME.TAG.EXT` never changes, so browsers keep it for ever; a new version has a new name.
Modules import each other by plain names (`"./page.js"`), which are replaced by the tagged ones
here: an import map would be an inline script, and there are none.
"""

from __future__ import annotations

import re
from importlib import resources

from aiohttp import web

from chirp.http.pipeline import Route
from chirp.http.ready import Ready

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
}
_FOREVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOLDER = resources.files("chirp.web") / "static"


_IMPORTED = re.compile(rb'"\./([a-z]+\.js)"')


class Assets:
    """All files of `static/`, by plain name and by the name that holds their tag."""

    def __init__(self) -> None:
        self._ready: dict[str, Ready] = {}
        self._names: dict[str, str] = {}
        for file in sorted(FOLDER.iterdir(), key=lambda file: file.name):
            if file.name.rpartition(".")[2] in _TYPES:
                self._add(file.name)

    def _add(self, name: str) -> str:
        """Pack a file, after those that it imports; return its tagged name."""
        if name not in self._names:
            stem, _, kind = name.rpartition(".")
            body = (FOLDER / name).read_bytes()
            if kind == "js":
                body = _IMPORTED.sub(self._address, body)
            ready = Ready(body, _TYPES[kind], _FOREVER)
            self._names[name] = tagged = f"{stem}.{ready.tag}.{kind}"
            self._ready[tagged] = ready
        return self._names[name]

    def _address(self, imported: re.Match[bytes]) -> bytes:
        return b'"./%b"' % self._add(imported[1].decode()).encode()

    def url(self, name: str) -> str:
        """Return the address of a file. Raises: KeyError: there is none of that name."""
        return "/static/" + self._names[name]

    def packed_bytes(self, *kinds: str) -> int:
        """Return what all files of some kinds take on the wire, packed."""
        return sum(
            ready.packed_bytes
            for name, ready in self._ready.items()
            if name.rpartition(".")[2] in kinds
        )

    def scripts(self) -> list[str]:
        """Return the addresses of all modules, for a page to fetch ahead."""
        return [self.url(name) for name in self._names if name.endswith(".js")]

    def routes(self) -> list[Route]:
        """Return the route of all files."""
        return [Route("GET", "/static/{file}", self.file, group=None)]

    async def file(self, request: web.Request) -> web.Response:
        """GET /static/{file}."""
        ready = self._ready.get(request.match_info["file"])
        if ready is None:
            raise web.HTTPNotFound
        return ready.answer(request)
