"""Kept cards and kept pages are, after whatever happens, what fresh ones would be."""

from __future__ import annotations

import re

from chirp.cache.lru import LruMap
from chirp.pages import NEWEST, ReadTweets
from chirp.views import Viewer
from chirp.web.cards import Cards
from tests.support.pictures import drawn, encoded
from tests.support.surfing import Page, Person
from tests.support.web import Http


def cards(page: Page) -> list[str]:
    return re.findall(r"<article.*?</article>", page.text, re.DOTALL)


async def check(http: Http, viewer: Viewer, person: Person) -> None:
    """Compare what is kept with what is made anew: each card, and the page."""
    server = http.chirp.server
    site = server.fronts.site
    fresh = Cards(site.pages, LruMap(1 << 20))
    for view in (await server.timelines.home(viewer, ReadTweets())).items:
        assert site.cards.card(view) == fresh.card(view)
        assert site.cards.card(view) == fresh.card(view)
    # With a bound, a page is never kept.
    assert cards(await person.get("/")) == cards(await person.get("/?since_id=1"))


async def test_links_of_a_page_with_a_query_are_its_own(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    await ada.post("/bob/follow")
    for number in range(21):
        await http.tweet(bob, f"number {number}")
    weight = http.chirp.server.caches.pages.stats
    await http.chirp.server.timelines.home(await who(http, ada), NEWEST)
    bare = weight()["weight_bytes"]
    await ada.get("/")
    assert weight()["weight_bytes"] > bare + 10_000, "what is rendered weighs with its page"
    for _ in range(2):
        assert "limit=20" in (await ada.get("/?limit=20")).text
        assert "limit=20" not in (await ada.get("/")).text


def secret_of(person: Person) -> str:
    return {c.key: c.value for c in person.jar}["chirp_session"]


async def who(http: Http, person: Person) -> Viewer:
    return await http.chirp.server.accounts.authenticate(secret_of(person))


async def test_nothing_kept_is_stale(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    viewer = await who(http, ada)
    await ada.post("/bob/follow")
    first = (await http.tweet(bob, "one"))["tweet_id"]
    second = (await http.tweet(bob, "two"))["tweet_id"]
    await check(http, viewer, ada)
    for act in ("favorite", "retweet", "bookmark", "unfavorite", "unretweet"):
        await ada.post(f"/tweets/{first}/{act}")
        await check(http, viewer, ada)
    await http.ask("PATCH", f"/tweets/{second}", bob, json={"tweet_data": "two, edited"})
    await check(http, viewer, ada)
    await http.ask("PATCH", "/users/me", bob, json={"name": "Robert"})
    await check(http, viewer, ada)
    assert "Robert" in (await ada.get("/")).text
    page = await ada.post("/compose/media", [("file", encoded(drawn(), "PNG"))])
    media_id = page.text.split('"media_id":"')[1].split('"')[0]
    await ada.post("/compose", [("file", b"")], tweet_data="look", media_ids=media_id)
    await check(http, viewer, ada)
    headers = {"X-API-Key": secret_of(ada)}
    await http.ask("PATCH", f"/media/{media_id}", None, json={"alt_text": "x"}, headers=headers)
    await check(http, viewer, ada)
    assert 'alt="x"' in (await ada.get("/")).text
    await http.ask("DELETE", f"/tweets/{second}", bob)
    await check(http, viewer, ada)


async def test_a_quoted_tweet_that_is_gone_leaves_a_trace(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    await ada.post("/bob/follow")
    quoted = (await http.tweet(bob, "soon gone"))["tweet_id"]
    await http.tweet(bob, "look at that", quote_of_tweet_id=quoted)
    assert "soon gone" in (await ada.get("/")).text
    await http.delete(f"/tweets/{quoted}", bob)
    page = await ada.get("/")
    assert [part.text for part in page.document.classed("gone")] == [
        "The tweet that is quoted here is gone, or not for you."
    ]
    await check(http, await who(http, ada), ada)
