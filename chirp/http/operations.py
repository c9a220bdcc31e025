"""What an operator asks: alive, ready, figures, and a plain status page."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from html import escape

import orjson
from aiohttp import web

from chirp import __version__
from chirp.errors import Forbidden
from chirp.http.errors import JSON_TYPE
from chirp.http.exposition import Exposition
from chirp.http.pipeline import Route

Reasons = Callable[[], list[str]]
"""Gives why the server is not ready; empty when it is."""

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Chirp</title>
<style>
:root{{color-scheme:light dark;--ink:#14212b;--soft:#5b6b78;--paper:#f6f8fa;--card:#fff;
--line:#dbe2e8;--accent:#0b6fae}}
@media(prefers-color-scheme:dark){{:root{{--ink:#e7edf2;--soft:#93a3b1;--paper:#0e151b;
--card:#172129;--line:#2a3742;--accent:#5cb8f2}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}}
main{{max-width:44rem;margin:0 auto;padding:2.5rem 1.25rem}}
h1{{margin:0;font-size:1.9rem;letter-spacing:-.02em}}
p{{color:var(--soft);margin:.25rem 0 1.5rem}}
dl{{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:0}}
dl div{{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.8rem 1rem}}
dt{{color:var(--soft);font-size:.85rem}}dd{{margin:0;font-size:1.35rem;font-weight:600;
font-variant-numeric:tabular-nums}}
h2{{font-size:1.05rem;margin:2rem 0 .5rem}}
pre{{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:1rem;
overflow-x:auto;font:13px/1.55 ui-monospace,monospace;margin:0}}
a{{color:var(--accent)}}
</style>
<main><h1>Chirp</h1><p>{state} · version {version}</p>
<dl>{figures}</dl>
<h2>Try it</h2>
<pre>{example}</pre>
<p style="margin-top:1.5rem"><a href="/healthz">healthz</a> · <a href="/readyz">readyz</a> ·
<a href="/metrics">metrics</a></p></main></html>
"""

_EXAMPLE = """curl {url}/api/v1/users \\
  -d username=ada -d name=Ada -d email=ada@example.org -d password=correct-horse
# → take "api_dev_key" out of the answer
curl {url}/api/v1/tweet -H "X-API-Key: $KEY" -d tweet_data="hello, world"
curl {url}/api/v1/timeline/home -H "X-API-Key: $KEY\""""


class Operations:
    """/healthz, /readyz, /metrics and the page at /."""

    def __init__(
        self,
        exposition: Exposition,
        reasons: Reasons,
        figures: Callable[[], dict[str, str]],
        public_url: str,
        *,
        open_metrics: bool,
    ) -> None:
        self._exposition = exposition
        self._reasons = reasons
        self._figures = figures
        self._public_url = public_url
        self._open_metrics = open_metrics

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route("GET", "/", self.status),
            Route("GET", "/healthz", self.healthz),
            Route("GET", "/readyz", self.readyz),
            Route("GET", "/metrics", self.metrics),
        ]

    async def healthz(self, _request: web.Request) -> web.Response:
        """Answer that the process lives."""
        return _json({"status": "ok", "version": __version__}, 200)

    async def readyz(self, _request: web.Request) -> web.Response:
        """Answer whether the server can serve, with the reasons when not."""
        reasons = self._reasons()
        if reasons:
            return _json({"status": "not ready", "reasons": reasons}, 503)
        return _json({"status": "ready", "reasons": []}, 200)

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer with the figures, to this machine alone unless a setting opens it."""
        if not self._open_metrics and not _is_loopback(request.remote):
            raise Forbidden("figures are for this machine; server.open_metrics opens them")
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._exposition.render(), headers=headers)

    async def status(self, _request: web.Request) -> web.Response:
        """Show a person what runs here and what to try."""
        reasons = self._reasons()
        state = "Not ready: " + "; ".join(reasons) if reasons else "Ready"
        cards = "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
            for name, value in self._figures().items()
        )
        page = _PAGE.format(
            state=escape(state),
            version=__version__,
            figures=cards,
            example=escape(_EXAMPLE.format(url=self._public_url)),
        )
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(text=page, headers=headers)


def _json(fields: dict[str, object], status: int) -> web.Response:
    return web.Response(
        body=orjson.dumps(fields), status=status, headers={"Content-Type": JSON_TYPE}
    )


def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
