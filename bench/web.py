"""How fast is the home page as HTML, against the same page as JSON, and when is it painted?

Server and wrk have a core each; both addresses take turns. Painting is measured by Chromium on
loopback, with an empty cache: first contentful paint, the median of several tabs.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from bench.harness import (
    Bench,
    ForeignCpu,
    busiest,
    chirp_server,
    demo_store,
    quantile,
    require,
    wrk,
)
from chirp.web.assets import Assets

PORT = 18080
CONNECTIONS = 32
COOKIE = "chirp_session"
_PAINTED = """() => new Promise((told) => new PerformanceObserver((list) => {
  const found = list.getEntriesByName("first-contentful-paint")[0];
  if (found) told(found.startTime);
}).observe({ type: "paint", buffered: true }))"""


def run(rounds: int, seconds: int, users: int, path: Path | None) -> None:
    """Measure and report."""
    require("wrk", "taskset")
    base = f"http://127.0.0.1:{PORT}"
    with demo_store(users) as (data, keys), chirp_server(data, PORT) as pid:
        key = busiest(base + "/api/v1/timeline/home", keys)
        foreign = ForeignCpu([pid])
        ratios, pages, late = [], [], []
        for _ in range(rounds):
            url = base + "/api/v1/timeline/home"
            told = wrk(url, seconds, CONNECTIONS, headers={"X-API-Key": key})
            html = wrk(base + "/", seconds, CONNECTIONS, headers={"Cookie": f"{COOKIE}={key}"})
            ratios.append(html.per_s / told.per_s)
            pages.append(html.per_s)
            late.append(html.p99_ms)
        noise = foreign.cores()
        paints_ms = asyncio.run(_paints(base, key, rounds + 2))
    bench = Bench("web", extra={"rounds": rounds})
    bench.show("home page as HTML", quantile(pages, 0.5), "pages/s")
    bench.show("p99", quantile(late, 0.5), "ms")
    bench.at_least(
        "ratio to the same page as JSON, median of rounds", quantile(ratios, 0.5), 0.5, ""
    )
    if paints_ms:
        bench.at_most("first contentful paint, median", quantile(paints_ms, 0.5), 300, "ms")
    bench.at_most(
        "styles and scripts, packed", Assets().packed_bytes("css", "js"), 100_000, "bytes"
    )
    bench.finish(noise, path)


async def _paints(base: str, key: str, tabs: int) -> list[float]:
    """Return when something was first painted, in ms since loading began; none: no browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return []
    found = []
    cookie: Any = {"name": COOKIE, "value": key, "url": base}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(tabs):
            context = await browser.new_context()
            await context.add_cookies([cookie])
            page = await context.new_page()
            await page.goto(base + "/")
            found.append(float(await page.evaluate(_PAINTED)))
            await context.close()
        await browser.close()
    # The first tab also pays for the start of the browser.
    return found[1:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.rounds, given.seconds, given.users, given.json)
