"""What a telephone has room for, and ways back from the pages beside."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.tab import Tabs
from tests.support.web import Http


async def test_who_and_when_are_one_line_on_a_telephone(tabs: Tabs, http: Http) -> None:
    name = "A name that is exactly fifty characters long, yes!"
    ada = (await http.register("ada_of_lovelace"))["api_dev_key"]
    await http.ask("PATCH", "/users/me", ada, json={"name": name})
    tweet = (await http.tweet(ada, "hi"))["tweet_id"]
    await http.tweet(ada, "what I said", quote_of_tweet_id=tweet)
    http.chirp.clock.advance_ms(9 * 86_400_000)
    page = await tabs.open(phone=True)
    await page.goto("/ada_of_lovelace")
    lines = "(all) => all.map((by) => by.offsetHeight / by.querySelector('.when').offsetHeight)"
    heights = await page.locator(".by").evaluate_all(lines)
    assert len(heights) == 3
    assert max(heights) < 1.6
    for when in await page.locator(".by .when").all():
        box = await when.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] < 375


@pytest.mark.parametrize("path", ["/docs", "/status"])
@pytest.mark.parametrize("phone", [True, False])
async def test_pages_beside_lead_home(tabs: Tabs, path: str, phone: bool) -> None:
    page = await tabs.open(phone=phone)
    await page.goto(path)
    await expect(page.get_by_role("link", name="Home", exact=True)).to_be_visible()
    if path == "/docs":
        await expect(page.locator("a", has_text="openapi.json")).to_be_in_viewport()
        await expect(page.get_by_label("Key").first).to_be_in_viewport()
    width = await page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= (375 if phone else 1280)
    await page.get_by_role("link", name="Home", exact=True).click()
    await page.wait_for_url("/")
