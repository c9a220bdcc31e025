"""Screenshots of every page in light and dark, wide and narrow: `make screenshots`, then look.

Not a test: it starts a server with a demo of its own and writes pictures into a folder.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from tests.browser.tab import DESK, PHONE

PORT = 8199
BASE = f"http://127.0.0.1:{PORT}"
LOOKS = [(size, scheme) for size in ("wide", "narrow") for scheme in ("light", "dark")]
PAGES = {
    "home": "/", "public": "/public", "bookmarks": "/bookmarks", "profile": "/{name}",
    "favorites": "/{name}/favorites", "followers": "/{name}/followers", "tweet": "{tweet}",
    "compose": "/compose", "search": "/search?q=be", "settings": "/settings",
    "account": "/settings/account", "keys": "/settings/keys", "data": "/settings/export",
    "delete": "/settings/delete", "admin": "/admin", "error": "/nobody_here",
}  # fmt: skip
STRANGERS = {"welcome": "/", "sign-in": "/sign-in", "sign-up": "/sign-up"}


async def serve(data: Path) -> tuple[Process, str, str]:
    """Start a demo; return its process and somebody's name and password."""
    command = ("serve", "--data", str(data), "--demo", "--port", str(PORT))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chirp", *command, stdout=PIPE, env={"CHIRP_RATE_LIMITS": "0"}
    )
    assert process.stdout is not None
    said = ""
    while "password" not in said:
        said += (await process.stdout.readline()).decode()
    found = re.search(r"as (\w+) with the password (\S+)", said)
    assert found is not None
    return process, found[1], found[2]


async def shoot(page: Page, folder: Path, names: dict[str, str], look: str) -> None:
    """Write a picture of each page."""
    for name, path in names.items():
        await page.goto(BASE + path)
        await page.wait_for_timeout(250)
        await page.screenshot(path=folder / f"{name}-{look}.png")


async def look_at(browser: Browser, folder: Path, who: tuple[str, str]) -> None:
    """Go through all pages in all looks."""
    name, password = who
    for size, scheme in LOOKS:
        look, viewport = f"{size}-{scheme}", DESK if size == "wide" else PHONE
        context = await browser.new_context(
            viewport=viewport, color_scheme="dark" if scheme == "dark" else "light"
        )
        page = await context.new_page()
        await shoot(page, folder, STRANGERS, look)
        await page.goto(BASE + "/sign-in")
        await page.fill("[name=login]", name)
        await page.fill("[name=password]", password)
        await page.click("main button.button")
        await page.wait_for_url(BASE + "/")
        tweet = await page.locator(".card .when").nth(2).get_attribute("href") or "/"
        names = {key: path.format(name=name, tweet=tweet) for key, path in PAGES.items()}
        await shoot(page, folder, names, look)
        await context.close()


async def main(folder: Path) -> None:
    """Write all screenshots into `folder`."""
    with tempfile.TemporaryDirectory() as data:
        process, name, password = await serve(Path(data) / "demo")
        try:
            async with async_playwright() as playwright:
                chromium = shutil.which("chromium") or shutil.which("chromium-browser")
                browser = await playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                await look_at(browser, folder, (name, password))
                await browser.close()
        finally:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    where.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(where))
