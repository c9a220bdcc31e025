"""Tabs of a browser that write down whatever goes wrong in them."""

from __future__ import annotations

from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
)

from tests.support.driver import PASSWORD

PHONE: ViewportSize = {"width": 375, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}


class Tabs:
    """Tabs of different people. `expected`: statuses that a test brings about on purpose."""

    def __init__(self, browser: Browser, base: str) -> None:
        self._browser = browser
        self.base = base
        self.troubles: list[str] = []
        self.expected: set[int] = set()
        self._contexts: list[BrowserContext] = []

    async def open(self, *, phone: bool = False, **options: Any) -> Page:
        """Open a tab of somebody new."""
        size = PHONE if phone else DESK
        context = await self._browser.new_context(base_url=self.base, viewport=size, **options)
        self._contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("requestfailed", self._on_failure)
        page.on("response", self._on_response)
        return page

    def _on_console(self, message: ConsoleMessage) -> None:
        expected = any(f" {status} " in message.text for status in self.expected)
        if message.type in {"error", "warning"} and not expected:
            self.troubles.append(f"console: {message.text}")

    def _on_failure(self, request: Request) -> None:
        # A page that is left ends its stream, and a download is no page.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"failed: {request.url} {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.troubles.append(f"{response.status}: {response.url}")

    async def sign_in(self, name: str, **options: Any) -> Page:
        """Open a tab of somebody who has an account."""
        page = await self.open(**options)
        await page.goto("/sign-in")
        await page.fill("[name=login]", name)
        await page.fill("[name=password]", PASSWORD)
        await page.click("main button.button")
        await page.wait_for_url("/")
        return page

    async def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            await context.close()
