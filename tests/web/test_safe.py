"""Forged forms, open redirects, cookies, headers, and text that is hostile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import FormData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from chirp.commands import entities_of
from chirp.config import Limits
from chirp.model import Tweet, TweetId, UnixMs, User, UserId
from chirp.rates import Rate
from chirp.text import parse
from chirp.web.autolink import autolink, spans_of, spans_of_text
from chirp.web.face import safe_path
from tests.support.driver import Driver, config
from tests.support.pictures import drawn, encoded
from tests.support.raw import Raw
from tests.support.surfing import Document, Person
from tests.support.web import Http


async def test_a_form_without_its_token_is_refused(http: Http, ada: Person) -> None:
    for token in ("", "0" * 32, "é"):
        ada.csrf = token
        assert (await ada.post("/ada/follow")).status == 403
        page = await ada.post("/compose", [("file", b"")], tweet_data="forged")
        assert page.status == 403
    assert (await http.get("/users/ada/tweets")).json["data"] == []


async def test_a_form_of_another_site_is_refused(ada: Person) -> None:
    headers = {"Origin": "https://evil.example", "X-CSRF-Token": ada.csrf}
    assert (await ada.ask("POST", "/theme", data={"theme": "dark"}, headers=headers)).status == 403


async def test_what_is_no_address_is_no_failure(http: Http, ada: Person) -> None:
    bad = "http://["
    headers = {"Origin": bad, "X-CSRF-Token": ada.csrf}
    assert (await ada.ask("POST", "/theme", data={"theme": "dark"}, headers=headers)).status == 403
    headers = {"Referer": bad, "X-CSRF-Token": ada.csrf}
    page = await ada.ask("POST", "/theme", data={"theme": "dark"}, headers=headers)
    assert (page.status, page.url.path) == (200, "/")
    assert (await http.get(f"//oembed?url={bad}")).status == 404


async def test_a_token_is_that_of_one_session(http: Http, ada: Person) -> None:
    await http.register("bob")
    async with Person(http) as bob:
        await bob.sign_in("bob")
        bob.csrf = ada.csrf
        assert (await bob.post("/ada/follow")).status == 403


async def test_a_file_before_the_token_is_not_taken(http: Http, ada: Person) -> None:
    form = FormData()
    form.add_field("file", b"\xff\xd8\xff" * 99, filename="x.jpg")
    form.add_field("csrf", ada.csrf)
    assert (await ada.ask("POST", "/compose/media", data=form)).status == 403
    assert await http.chirp.store.media.above(0, 1) == []


async def test_the_session_is_new_at_each_sign_in_and_ends(http: Http, ada: Person) -> None:
    def session() -> str:
        return {c.key: c.value for c in ada.jar}["chirp_session"]

    before = session()
    assert (await http.get("/users/me", before)).status == 200
    cookie = next(c for c in ada.jar if c.key == "chirp_session")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    await ada.post("/sign-out")
    assert "chirp_session" not in {c.key for c in ada.jar}
    await ada.sign_in("ada")
    assert session() != before
    assert (await http.get("/users/me", before)).status == 401


@pytest.mark.parametrize("name", ["chirp_visit", "chirp_session", "theme", "other"])
@pytest.mark.parametrize("value", [b"\xff", b'"\\377"', b"\xc3\xa9", b'"a b"', b"x" * 129])
async def test_a_cookie_that_is_not_ours_is_none(name: str, value: bytes, http: Http) -> None:
    tweet = await http.tweet((await http.register("ada"))["api_dev_key"])
    for path in ("/", "/sign-in", f"/ada/status/{tweet['tweet_id']}", "/nothing/here"):
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nCookie: {name}="
        raw = await Raw.open(http)
        answer = await (await raw.send(head.encode() + value + b"\r\n\r\n")).answer()
        assert answer.startswith(b"HTTP/1.1 404" if "nothing" in path else b"HTTP/1.1 200")
        assert b"Set-Cookie: chirp_visit=" in answer


async def test_the_api_takes_no_cookie(ada: Person) -> None:
    assert (await ada.get("/api/v1/users/me")).status == 401


@pytest.mark.parametrize(
    "where",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)",
     "/\t/evil.example", ""],
)  # fmt: skip
async def test_one_stays_on_this_site(http: Http, stranger: Person, where: str) -> None:
    assert safe_path(where, "/") == "/"
    await http.register("ada")
    stranger.csrf = (await stranger.get("/sign-in")).csrf
    page = await stranger.post("/sign-in", login="ada", password="correct-horse", next=where)
    assert page.url.path == "/"
    assert page.url.host == "127.0.0.1"


async def test_pages_forbid_what_they_do_not_need(stranger: Person, ada: Person) -> None:
    for person, path in ((stranger, "/"), (ada, "/"), (ada, "/settings"), (ada, "/ada")):
        page = await person.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        document = page.document
        assert all(one.attributes.get("src") or one.attributes.get("type") == "application/json"
                   for one in document.all("script"))  # fmt: skip
        for one in document.elements:
            assert not any(name.startswith("on") or name == "style" for name in one.attributes)


ODD = st.sampled_from(list("<>\"'&/=`{}%\\#@ \n"))
ANY = st.characters(exclude_categories=["Cs", "Cc"])
HOSTILE = st.text(alphabet=ODD | ANY, max_size=60) | st.sampled_from(
    ["</script><script>alert(1)</script>", '" onmouseover="x', "'><img src=x onerror=y>",
     "{{ 7*7 }}", "<!--", "]]>", "javascript:alert(1)", 'http://a.b/"onclick=x', "@a<b>@c",
     '#x"y', "\u202e"]
)  # fmt: skip
TAGS = {"a", "span"}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE)
def test_texts_become_links_and_nothing_else(text: str) -> None:
    tweet = Tweet(TweetId(1), UserId(1), text, UnixMs(0), TweetId(1))
    parsed = parse(text)
    tweet = Tweet(
        TweetId(1), UserId(1), text, UnixMs(0), TweetId(1),
        entities=entities_of(parsed, [None] * len(parsed.entities.mentions)),
    )  # fmt: skip
    for html in (autolink(text, spans_of(tweet)), autolink(text, spans_of_text(text))):
        document = Document()
        document.feed(f"<p>{html}</p>")
        document.close()
        assert document.elements[0].text == text.replace("\r", "\n") or "\r" in text
        for one in document.elements[1:]:
            assert one.tag in TAGS
            assert set(one.attributes) <= {"href", "class", "title", "rel"}
            href = one.attributes.get("href", "/")
            assert href.startswith(("/", "http://", "https://"))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=HOSTILE, bio=HOSTILE, content=HOSTILE)
async def test_hostile_people_change_no_page(name: str, bio: str, content: str, http: Http) -> None:
    site = http.chirp.server.fronts.site
    user = User(UserId(7), "ada", name or "x", UnixMs(0), bio=bio, location=bio)
    tweet = Tweet(TweetId(9), UserId(7), content, UnixMs(0), TweetId(9), tweet_location=bio)
    plain = changed(tweet, content=content and "x", tweet_location=bio and "x")
    body = site.pages.macros("card.html", "body", "quoted")
    for macro in body.values():
        hostile, harmless = Document(), Document()
        hostile.feed(str(macro(tweet, user, ())))
        harmless.feed(str(macro(plain, User(UserId(7), "ada", "x", UnixMs(0)), ())))
        shape = [one.tag for one in harmless.elements]
        assert [one.tag for one in hostile.elements] == shape
        assert hostile.classed("name")[0].text == (name or "x").replace("\r", "\n") or "\r" in name


async def test_guessing_a_password_is_slow(same_switch_interval: None) -> None:
    chirp = await Driver.open(settings=replace(config(), limits=Limits()))
    async with Http(chirp) as http, Person(http) as person:
        await http.register("ada")
        person.csrf = (await person.get("/sign-in")).csrf
        pages = [
            await person.post("/sign-in", login="ada", password=f"guess-{number}")
            for number in range(12)
        ]
    await chirp.close()
    assert [page.status for page in pages] == [401] * 10 + [429] * 2
    assert int(pages[-1].headers["Retry-After"]) > 0


async def test_a_form_takes_the_files_that_it_asks_for(http: Http, ada: Person) -> None:
    photo = encoded(drawn(), "PNG")
    for path, fields in (
        ("/settings", ["avatar", "avatar"]),
        ("/settings", ["other"]),
        ("/compose", ["file"] * 5),
        ("/compose/media", ["file"] * 2),
    ):
        before = len(await http.chirp.store.media.above(0, 100))
        page = await ada.post(path, [(field, photo) for field in fields], name="Ada")
        assert page.status == 400
        assert len(await http.chirp.store.media.above(0, 100)) == before + len(fields) - 1


async def test_a_file_in_a_form_counts_as_an_upload(same_switch_interval: None) -> None:
    limits = Limits(uploads=Rate(2, 1800))
    chirp = await Driver.open(settings=replace(config(), limits=limits))
    async with Http(chirp) as http, Person(http) as ada:
        await http.register("ada")
        await ada.sign_in("ada")
        photo = encoded(drawn(), "PNG")
        for path, field in (("/settings", "avatar"), ("/compose", "file")):
            assert (await ada.post(path, [(field, photo)], name="Ada")).status == 200
        for path, field in (("/settings", "header"), ("/compose", "file")):
            page = await ada.post(path, [(field, photo)], name="Ada")
            assert page.status == 429
            assert int(page.headers["Retry-After"]) > 0
        assert (await ada.post("/settings", [("avatar", b"")], name="Ada")).status == 200
    await chirp.close()
