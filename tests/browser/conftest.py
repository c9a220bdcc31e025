"""A real browser on a real server. Needs Debian's chromium; without it these tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.tab import Tabs
from tests.support.web import Http

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        await opened.close()


@pytest.fixture
async def tabs(browser: Browser, http: Http) -> AsyncIterator[Tabs]:
    """Open tabs; at the end, none may have met an error that was not expected."""
    opened = Tabs(browser, str(http.client.make_url("")).rstrip("/"))
    yield opened
    await opened.close()
    assert opened.troubles == []
