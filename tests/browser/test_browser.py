"""What people do in a browser, with its scripts, without them, on a telephone, in the dark."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import FilePayload, Page, Route, expect

from chirp.model import Role
from tests.browser.tab import Tabs
from tests.support.driver import PASSWORD
from tests.support.pictures import animated, drawn, encoded
from tests.support.web import Http


def picture(step: int = 0) -> FilePayload:
    return {"name": "p.png", "mimeType": "image/png", "buffer": encoded(drawn(step=step), "PNG")}


async def sign_up(page: Page, name: str) -> None:
    await page.goto("/sign-up")
    fields = {"username": name, "name": name.title(), "email": f"{name}@example.org"}
    for field, value in (fields | {"password": PASSWORD}).items():
        await page.fill(f"[name={field}]", value)
    await page.click("main button.button")
    await page.wait_for_url("/")


async def post_photo(page: Page) -> None:
    """Post a photo with a description, at home."""
    await page.fill("#tweet-text", "look at this")
    await expect(page.locator("#counter")).to_have_text("268")
    await page.set_input_files("#pick", [picture()])
    await page.fill("#attached textarea", "a gradient")
    await expect(page.locator("#post")).to_be_enabled()
    await page.click("#post")
    first = page.locator("#timeline .card").first
    await expect(first.locator(".text")).to_have_text("look at this")
    await expect(first.locator("img[alt='a gradient']")).to_be_visible()
    await expect(page.locator("#attached figure")).to_have_count(0)


async def test_a_new_person_s_first_hour(tabs: Tabs, http: Http) -> None:
    bob = await http.chirp.register("bob")
    await http.tweet(bob, "old news")
    page = await tabs.open()
    await sign_up(page, "ada")

    await page.goto("/bob")
    await page.click("text=Follow")
    await expect(page.locator("text=Unfollow")).to_be_visible()
    await expect(page.locator("#followers")).to_have_text("1 follower")

    await page.goto("/")
    await expect(page.locator(".card .text")).to_have_text(["old news"])
    await post_photo(page)

    first = page.locator("#timeline .card").first
    await http.tweet(bob, "fresh news")
    await expect(page.locator("#newer")).to_have_text("Show 1 new tweet")
    await expect(first.locator(".text")).to_have_text("look at this")
    await page.click("#newer")
    await expect(first.locator(".text")).to_have_text("fresh news")
    await expect(page.locator("#newer")).to_be_hidden()

    favorite = first.locator(".act-favorite")
    await favorite.click()
    await expect(favorite).to_have_attribute("aria-pressed", "true")
    await expect(favorite.locator(".n")).to_have_text("1")
    await page.reload()
    await expect(first.locator(".act-favorite")).to_have_attribute("aria-pressed", "true")

    await first.locator(".act-reply").click()
    await page.fill("#tweet-text", "an answer")
    await page.click("#post")
    await expect(page.locator("#timeline .card .text")).to_have_text(["an answer"])

    page.on("dialog", lambda dialog: dialog.accept())
    await page.locator("#timeline .act-delete").click()
    await expect(page.locator("#timeline .card")).to_have_count(0)

    await page.click("text=Sign out")
    await expect(page.locator("text=Sign in").first).to_be_visible()
    await page.goto("/settings")
    assert "/sign-in" in page.url


async def test_one_s_own_tweet_hides_none_that_came_before_it(tabs: Tabs, http: Http) -> None:
    bob, ada = await http.chirp.register("bob"), await http.register("ada")
    assert (await http.post("/users/bob/follow", key=ada["api_dev_key"])).status == 200
    await http.tweet(bob, "old news")
    page = await tabs.sign_in("ada")
    async with page.expect_response("**/stream?*"):
        await page.reload()
    await http.tweet(bob, "fresh news")
    await expect(page.locator("#newer")).to_have_text("Show 1 new tweet")
    await page.fill("#tweet-text", "my own")
    await page.click("#post")
    found = page.locator("#timeline .card .text")
    await expect(found).to_have_text(["my own", "old news"])
    await page.click("#newer")
    await expect(found).to_have_text(["my own", "fresh news", "old news"])
    await http.tweet(bob, "the latest")
    await page.click("#newer")
    await expect(found).to_have_text(["the latest", "my own", "fresh news", "old news"])


async def test_a_tweet_that_comes_before_the_stream_is_open_is_told(tabs: Tabs, http: Http) -> None:
    bob, ada = await http.chirp.register("bob"), await http.register("ada")
    assert (await http.post("/users/bob/follow", key=ada["api_dev_key"])).status == 200
    page = await tabs.sign_in("ada")

    async def too_early(route: Route) -> None:
        await http.tweet(bob, "fresh news")
        await route.continue_()

    for shown in ([], ["fresh news"]):
        await page.route("**/stream*", too_early, times=1)
        await page.goto("/")
        await expect(page.locator("#timeline .card .text")).to_have_text(shown)
        await expect(page.locator("#newer")).to_have_text("Show 1 new tweet")
    await page.click("#newer")
    await expect(page.locator("#timeline .card")).to_have_count(2)


async def test_a_page_further_down_calls_nothing_new_that_is_above_it(
    tabs: Tabs, http: Http
) -> None:
    bob, ada = await http.chirp.register("bob"), await http.register("ada")
    assert (await http.post("/users/bob/follow", key=ada["api_dev_key"])).status == 200
    for number in range(25):
        await http.tweet(bob, f"number {number}")
    page = await tabs.sign_in("ada")
    older = await page.locator("a[rel=next]").get_attribute("href")
    assert older is not None
    async with page.expect_response("**/stream*"):
        await page.goto(older)
    await http.tweet(bob, "fresh news")
    await expect(page.locator("#newer")).to_have_text("Show 1 new tweet")


async def test_a_text_outlives_the_tweet_that_it_answers(tabs: Tabs, http: Http) -> None:
    await http.register("ada")
    bob = await http.chirp.register("bob")
    tweet = (await http.tweet(bob, "soon gone"))["tweet_id"]
    page = await tabs.sign_in("ada")
    await page.goto(f"/bob/status/{tweet}")
    await page.fill("#tweet-text", "a long answer")
    await http.delete(f"/tweets/{tweet}", bob)
    tabs.expected = {404}
    await page.click("#post")
    await expect(page.locator("#composer .problem")).to_contain_text("is gone")
    await expect(page.locator("#tweet-text")).to_have_value("a long answer")
    await page.click("#post")
    await page.wait_for_url("/")
    await expect(page.locator("#timeline .card .text")).to_have_text(["a long answer"])


async def test_without_scripts(tabs: Tabs, http: Http) -> None:
    bob = await http.chirp.register("bob")
    tweet = (await http.tweet(bob, "from bob"))["tweet_id"]
    page = await tabs.open(java_script_enabled=False)
    await sign_up(page, "ada")
    await page.fill("[name=tweet_data]", "plain")
    await page.click(".attach summary")
    await page.set_input_files("#file-1", picture())
    await page.fill("#alt-1", "a gradient")
    await page.click("#post")
    await page.wait_for_url("/")
    await expect(page.locator(".card .text")).to_have_text(["plain"])
    await expect(page.locator("img[alt='a gradient']")).to_be_visible()
    await page.goto(f"/bob/status/{tweet}")
    await page.click(".act-favorite")
    await expect(page.locator(".act-favorite")).to_have_attribute("aria-pressed", "true")
    await page.fill("[name=tweet_data]", "an answer")
    await page.click("#post")
    await expect(page.locator(".card .text")).to_have_text(["from bob", "an answer"])
    await page.locator(".act-delete").click()
    await page.click("text=Delete >> nth=-1")
    await page.click(".themes [value=dark]")
    assert await page.locator("html").get_attribute("data-theme") == "dark"


async def test_a_favorite_that_is_refused_is_taken_back(tabs: Tabs, http: Http) -> None:
    await http.register("ada")
    bob = await http.chirp.register("bob")
    tweet = (await http.tweet(bob, "from bob"))["tweet_id"]
    page = await tabs.sign_in("ada")
    await page.goto("/bob")
    await http.ask("DELETE", f"/tweets/{tweet}", bob)
    tabs.expected.add(404)
    await page.click(".act-favorite")
    await expect(page.locator(".toast")).to_be_visible()
    await expect(page.locator(".act-favorite")).to_have_attribute("aria-pressed", "false")


async def test_scrolling_goes_on_and_back_leads_to_the_same_place(tabs: Tabs, http: Http) -> None:
    bob = await http.chirp.register("bob")
    for number in range(45):
        await http.tweet(bob, f"tweet {number}")
    page = await tabs.open()
    await page.goto("/bob")
    cards = page.locator(".card")
    while await cards.count() < 45:
        await page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
        await page.wait_for_timeout(50)
    target = cards.nth(30)
    await target.scroll_into_view_if_needed()
    await target.locator(".when").click()
    await page.wait_for_url("**/status/**")
    await page.go_back()
    await expect(cards).to_have_count(45)
    await expect(target.locator(".text")).to_be_in_viewport()


async def test_keys(tabs: Tabs, http: Http) -> None:
    await http.register("ada")
    bob = await http.chirp.register("bob")
    for number in range(3):
        await http.tweet(bob, f"tweet {number}")
    page = await tabs.sign_in("ada")
    await page.goto("/bob")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(page.locator(".card.at .text")).to_have_text("tweet 1")
    await page.keyboard.press("l")
    await expect(page.locator(".card.at .act-favorite")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("k")
    await expect(page.locator(".card.at .text")).to_have_text("tweet 2")
    await page.keyboard.press("?")
    await expect(page.locator("dialog.keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("h")
    await page.wait_for_url("/")
    await page.keyboard.press("n")
    await expect(page.locator("#tweet-text")).to_be_focused()


async def test_pictures_open_in_full(tabs: Tabs, http: Http) -> None:
    await http.register("ada")
    page = await tabs.sign_in("ada")
    await page.set_input_files("#pick", [picture(), picture(40)])
    await page.locator("#attached textarea").first.fill("the first")
    await page.fill("#tweet-text", "two of them")
    await expect(page.locator("#post")).to_be_enabled()
    await page.click("#post")
    await page.click("a.photo >> nth=0")
    await expect(page.locator(".lightbox p")).to_have_text("the first")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".lightbox img")).not_to_have_attribute("alt", "the first")
    await page.keyboard.press("Escape")
    await expect(page.locator(".lightbox")).to_be_hidden()


async def test_the_counter_weighs_as_the_server_does(tabs: Tabs, http: Http) -> None:
    await http.register("ada")
    page = await tabs.sign_in("ada")
    await page.fill("#tweet-text", "see https://example.org/a/very/long/path/that/counts/as/23")
    await expect(page.locator("#counter")).to_have_text(str(280 - 4 - 23))
    await page.fill("#tweet-text", "日" * 141)
    await expect(page.locator("#counter")).to_have_text("-2")
    await expect(page.locator("#post")).to_be_disabled()


STRANGERS = ["/", "/public", "/sign-in", "/sign-up", "/bob", "/search", "/nobody"]
OWN = [
    "/", "/public", "/bookmarks", "/ada", "/bob", "/bob/replies", "/bob/media", "/bob/favorites",
    "/bob/followers", "/bob/following", "/compose", "/search?q=bob", "/settings",
    "/settings/account", "/settings/keys", "/settings/export", "/settings/delete", "/admin",
    "{tweet}", "{tweet}/versions", "{tweet}/favorites", "{own}/edit", "{own}/delete", "/nobody",
]  # fmt: skip


async def community(http: Http) -> dict[str, str]:
    """Make something to see on every page; return where a tweet is, and one of ada's."""
    ada = (await http.register("ada"))["api_dev_key"]
    bob = (await http.register("bob"))["api_dev_key"]
    await http.chirp.server.administration.set_role("ada", Role.ADMIN)
    tweet = await http.tweet(bob, "hello @ada, see https://example.org/x #tag")
    quote = {"quote_of_tweet_id": tweet["tweet_id"]}
    own = await http.tweet(ada, "what he says", **quote)
    await http.tweet(ada, "an answer", in_reply_to_tweet_id=tweet["tweet_id"])
    path = f"/tweets/{tweet['tweet_id']}"
    await http.post(path + "/favorite", None, ada)
    await http.post(path + "/bookmark", None, ada)
    await http.post("/users/bob/follow", None, ada)
    await http.post("/keys", {"name": "bot"}, ada)
    await http.ask("PATCH", f"/tweets/{own['tweet_id']}", ada, json={"tweet_data": "so he says"})
    return {"tweet": f"/bob/status/{tweet['tweet_id']}", "own": f"/tweets/{own['tweet_id']}"}


async def violations(page: Page) -> list[tuple[str, Any]]:
    found = (await Axe().run(page)).response["violations"]
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible(tabs: Tabs, http: Http, scheme: str) -> None:
    names = await community(http)
    tabs.expected.add(404)
    stranger = await tabs.open(color_scheme=scheme)
    ada = await tabs.sign_in("ada", color_scheme=scheme, phone=scheme == "dark")
    found = {}
    for page, paths in ((stranger, STRANGERS), (ada, OWN)):
        for path in paths:
            await page.goto(path.format(**names))
            found[path, page is ada] = await violations(page)
    assert {place: what for place, what in found.items() if what} == {}


@pytest.mark.parametrize("wide", [320, 360, 375])
async def test_nothing_is_wider_than_a_telephone(tabs: Tabs, http: Http, wide: int) -> None:
    names = await community(http)
    tabs.expected.add(404)
    page = await tabs.sign_in("ada", phone=True)
    await page.set_viewport_size({"width": wide, "height": 700})
    for path in OWN:
        await page.goto(path.format(**names))
        width = await page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= wide, path
    await page.goto("/settings/keys")
    for name in await page.locator(".data tbody th").all():
        box = await name.bounding_box()
        assert box is not None
        assert box["width"] > 100
    await expect(page.locator(".side nav a").first).to_be_in_viewport()


async def test_the_dark_is_dark_and_the_switch_wins(tabs: Tabs) -> None:
    def brightness(colour: str) -> int:
        return sum(int(part) for part in colour.strip("rgb()").split(",")[:3])

    async def ground(page: Page) -> int:
        script = "() => getComputedStyle(document.documentElement).backgroundColor"
        return brightness(await page.evaluate(script))

    page = await tabs.open(color_scheme="dark")
    await page.goto("/")
    assert await ground(page) < 150
    await page.click(".themes [value=light]")
    assert await ground(page) > 600
    await page.reload()
    assert await ground(page) > 600


FILES = """([name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  return data;
}"""


async def test_pictures_are_dropped_and_pasted(tabs: Tabs, http: Http) -> None:
    await http.register("ada")
    page = await tabs.sign_in("ada")
    file = ["p.png", "image/png", list(encoded(drawn(60, 40), "PNG"))]
    data = await page.evaluate_handle(FILES, file)
    await page.dispatch_event("#composer", "drop", {"dataTransfer": data})
    await expect(page.locator("#attached figure")).to_have_count(1)
    paste = "(data) => document.querySelector('#tweet-text').dispatchEvent(new ClipboardEvent("
    await data.evaluate(paste + "'paste', { clipboardData: data, bubbles: true }))")
    await expect(page.locator("#attached figure")).to_have_count(2)
    await page.locator("#attached .remove").first.click()
    await expect(page.locator("#attached figure")).to_have_count(1)
    await expect(page.locator("#post")).to_be_enabled()
    movie: FilePayload = {"name": "a.gif", "mimeType": "image/gif", "buffer": animated()}
    await page.set_input_files("#pick", [movie])
    await expect(page.locator(".toast")).to_be_visible()
    await expect(page.locator("#attached figure")).to_have_count(1)


async def test_whose_session_has_ended_is_sent_to_sign_in(tabs: Tabs) -> None:
    page = await tabs.open()
    await sign_up(page, "ada")
    other = await page.context.new_page()
    await other.goto("/")
    await other.click("text=Sign out")
    await page.set_input_files("#pick", [picture()])
    await page.wait_for_url("**/sign-in**")


async def test_a_gif_plays_in_view_and_pauses_out_of_it(tabs: Tabs, http: Http) -> None:
    key = (await http.register("ada"))["api_dev_key"]
    page = await tabs.sign_in("ada")
    movie: FilePayload = {"name": "a.gif", "mimeType": "image/gif", "buffer": animated(frames=20)}
    await page.set_input_files("#pick", [movie])
    await expect(page.locator("#post")).to_be_enabled()
    await page.click("#post")
    film = page.locator("video")
    await expect(film).to_have_js_property("paused", False)
    for number in range(12):
        await http.tweet(key, f"tweet {number}")
    await page.reload()
    await film.scroll_into_view_if_needed()
    await expect(film).to_have_js_property("paused", False)
    await page.evaluate("() => window.scrollTo(0, 0)")
    await expect(film).to_have_js_property("paused", True)
