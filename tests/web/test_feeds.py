"""Feeds, oEmbed, OpenGraph and what browsers ask for besides."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import feedparser  # type: ignore[import-untyped]
import orjson
import pytest

from tests.support.surfing import Person
from tests.support.web import Http

TEXT = "hi <b> & #tag http://example.org/x"


@pytest.mark.parametrize("kind", ["rss", "atom"])
async def test_a_profile_is_a_feed(kind: str, http: Http, stranger: Person) -> None:
    ada = await http.chirp.register("ada")
    tweet = (await http.tweet(ada, TEXT))["tweet_id"]
    page = await stranger.get(f"/ada/feed.{kind}")
    feed = feedparser.parse(page.text)
    assert not feed.bozo
    (entry,) = feed.entries
    assert entry.link.endswith(f"/ada/status/{tweet}")
    assert entry.title == TEXT
    assert "&lt;b&gt;" in (entry.summary if kind == "rss" else entry.content[0].value)
    again = await stranger.get(f"/ada/feed.{kind}", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status == 304
    assert (await stranger.get(f"/nobody/feed.{kind}")).status == 404


async def test_oembed(http: Http, stranger: Person) -> None:
    ada = await http.chirp.register("ada")
    tweet = (await http.tweet(ada, TEXT))["tweet_id"]
    page = await stranger.get(f"/ada/status/{tweet}")
    link = page.document.all("link", type="application/json+oembed")[0].attributes["href"]
    url = link.split("://", 1)[1].split("/", 1)[1]
    answer = await stranger.get("/" + url)
    told = orjson.loads(answer.text)
    assert answer.headers["Cache-Control"] == f"public, max-age={told['cache_age']}"
    assert (told["type"], told["author_name"]) == ("rich", "Ada")
    assert "hi &lt;b&gt;" in told["html"]
    xml = await stranger.get("/" + url + "&format=xml")
    assert ET.fromstring(xml.text.encode()).findtext("author_name") == "Ada"
    bob = await http.chirp.register("bob")
    await http.post(f"/tweets/{tweet}/retweet", key=bob)
    retweet = (await http.get("/users/bob/tweets")).json["data"][0]["tweet_id"]
    again = await stranger.get("/" + url.replace(f"ada/status/{tweet}", f"bob/status/{retweet}"))
    assert orjson.loads(again.text) == told
    for bad in ("https://evil.example/ada/status/1", "x"):
        assert (await stranger.get("/oembed?url=" + bad)).status == 404
    for missing in ("//oembed", "//oembed?url=", "//oembed?format=xml"):
        (await http.get(missing)).refused(400, "url")


async def test_a_tweet_says_what_it_is_to_other_sites(http: Http, stranger: Person) -> None:
    ada = await http.chirp.register("ada")
    tweet = (await http.tweet(ada, 'say "hi" <now>'))["tweet_id"]
    page = await stranger.get(f"/ada/status/{tweet}")
    told = {
        one.attributes["property"]: one.attributes["content"]
        for one in page.document.all("meta")
        if "property" in one.attributes
    }
    assert told["og:description"] == 'say "hi" <now>'
    assert told["og:url"].endswith(f"/ada/status/{tweet}")


async def test_what_browsers_ask_for(stranger: Person) -> None:
    manifest = orjson.loads((await stranger.get("/manifest.webmanifest")).text)
    for icon in manifest["icons"]:
        async with stranger.session.get(
            stranger.base.join(type(stranger.base)(icon["src"]))
        ) as answer:
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
    async with stranger.session.get(stranger.base / "favicon.ico") as answer:
        assert answer.content_type == "image/png"
    assert "Disallow: /settings" in (await stranger.get("/robots.txt")).text
