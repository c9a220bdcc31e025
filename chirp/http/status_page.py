"""The plain page at /status: what runs here, how it does, and what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from chirp import __version__

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
dl{{display:grid;grid-template-columns:repeat(3,1fr);gap:.75rem;margin:0}}
dl div{{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.8rem 1rem}}
dt{{color:var(--soft);font-size:.85rem}}dd{{margin:0;font-size:1.35rem;font-weight:600;
font-variant-numeric:tabular-nums}}
h2{{font-size:1.05rem;margin:2rem 0 .5rem}}
pre{{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:1rem;
white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.55 ui-monospace,monospace;margin:0}}
a{{color:var(--accent)}}h1 a{{color:inherit;text-decoration:none}}
@media(max-width:30rem){{dl{{grid-template-columns:repeat(2,1fr)}}}}
</style>
<main><h1><a href="/">Chirp</a></h1><p>{state} · version {version}</p>
<dl>{figures}</dl>
<h2>Try it</h2>
<pre>{example}</pre>
<p style="margin-top:1.5rem"><a href="/">Home</a> · <a href="/docs">API</a> ·
<a href="/healthz">healthz</a> · <a href="/readyz">readyz</a> ·
<a href="/metrics">metrics</a></p></main></html>
"""

_EXAMPLE = """curl {url}/api/v1/users \\
  -d username=ada -d name=Ada -d email=ada@example.org -d password=correct-horse
# → take "api_dev_key" out of the answer
curl {url}/api/v1/tweet -H "X-API-Key: $KEY" -d tweet_data="hello, world"
curl {url}/api/v1/timeline/home -H "X-API-Key: $KEY\""""


def render(reasons: Sequence[str], figures: Mapping[str, str], public_url: str) -> str:
    """Return the page; `reasons` say why the server is not ready, if it is not."""
    state = "Not ready: " + "; ".join(reasons) if reasons else "Ready"
    cards = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in figures.items()
    )
    return _PAGE.format(
        state=escape(state),
        version=__version__,
        figures=cards,
        example=escape(_EXAMPLE.format(url=public_url)),
    )
