"""What a person does at a browser without JavaScript, page by page."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import orjson
import pytest
from aiohttp import FormData
from yarl import URL

from chirp.model import Role
from tests.support.driver import PASSWORD
from tests.support.pictures import drawn, encoded, video, with_place
from tests.support.surfing import Page, Person
from tests.support.web import Http


def texts(page: Page) -> list[str]:
    return [one.text for one in page.document.classed("text")]


async def post(person: Person, text: str, **fields: str) -> Page:
    return await person.post("/compose", [("file", b"")], tweet_data=text, **fields)


async def newest(http: Http, name: str) -> str:
    tweet: str = (await http.get(f"/users/{name}/tweets")).json["data"][0]["tweet_id"]
    return tweet


async def test_signing_up_and_the_first_tweet(stranger: Person) -> None:
    stranger.csrf = (await stranger.get("/sign-up")).csrf
    fields = {"username": "ada", "name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    home = await stranger.post("/sign-up", **fields)
    assert (home.status, home.url.path) == (200, "/")
    stranger.csrf = home.csrf
    assert "hello" in texts(await post(stranger, "hello"))


async def test_what_is_wrong_with_a_form_is_said_in_it(stranger: Person) -> None:
    stranger.csrf = (await stranger.get("/sign-up")).csrf
    page = await stranger.post("/sign-up", username="a b", name="Ada", email="x", password="short")
    assert page.status == 400
    assert page.document.classed("problem")[0].text
    assert page.document.all("input", name="name")[0].attributes["value"] == "Ada"
    assert page.document.all("input", name="password")[0].attributes["value"] == ""


async def test_a_wrong_password_is_told(http: Http, stranger: Person) -> None:
    await http.register("ada")
    stranger.csrf = (await stranger.get("/sign-in")).csrf
    page = await stranger.post("/sign-in", login="ada", password="wrong-password")
    assert page.status == 401
    assert "wrong" in page.document.classed("problem")[0].text
    assert (await stranger.get("/settings")).url.path == "/sign-in"


async def test_replies_quotes_and_threads(http: Http, ada: Person) -> None:
    await post(ada, "first")
    first = await newest(http, "ada")
    page = await post(ada, "an answer", in_reply_to_tweet_id=first)
    assert page.url.path == f"/ada/status/{first}"
    assert texts(page) == ["first", "an answer"]
    await post(ada, "what I said", quote_of_tweet_id=first)
    assert texts(await ada.get(f"/ada/status/{first}/quotes"))[0].startswith("what I said")
    assert (await ada.get(f"/tweets/{first}")).url.path == f"/ada/status/{first}"
    assert (await ada.get(f"/wrong/status/{first}")).url.path == f"/ada/status/{first}"


async def test_a_form_without_files_may_come_urlencoded(http: Http, ada: Person) -> None:
    assert texts(await ada.post("/compose", tweet_data="first \u2764")) == ["first \u2764"]
    first = await newest(http, "ada")
    page = await ada.post("/compose", tweet_data="second", in_reply_to_tweet_id=first)
    assert texts(page) == ["first \u2764", "second"]
    assert (await ada.post("/settings", name="Ada L.")).url.query_string == "done=saved"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    long = BytesIO(b"tweet_data=" + b"x" * (1 << 20))
    assert (await ada.ask("POST", "/compose", data=long, headers=headers)).status == 413
    page = await ada.ask("POST", "/compose", json={"tweet_data": "third"})
    assert (page.status, "as multipart/form-data" in page.text) == (400, True)
    ada.csrf = ""
    assert (await ada.post("/compose", tweet_data="forged")).status == 403
    assert await newest(http, "ada") != first


@pytest.mark.parametrize("field", ["in_reply_to_tweet_id", "quote_of_tweet_id"])
async def test_a_text_outlives_the_tweet_that_it_is_about(
    field: str, http: Http, ada: Person
) -> None:
    bob = await http.chirp.register("bob")
    about = (await http.tweet(bob, "soon gone"))["tweet_id"]
    await http.delete(f"/tweets/{about}", bob)
    for text, status in (("a long answer", 404), ("x" * 281, 400)):
        page = await post(ada, text, **{field: about})
        assert page.status == status
        assert "gone" in page.document.classed("problem")[0].text
        assert page.document.all("textarea")[0].text == text
        assert not page.document.all("input", name=field)
    assert texts(await post(ada, "a long answer")) == ["a long answer"]


async def test_favorites_retweets_and_bookmarks(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    tweet = (await http.tweet(bob, "from bob"))["tweet_id"]
    for act in ("favorite", "retweet", "bookmark"):
        page = await ada.post(f"/tweets/{tweet}/{act}")
        assert page.status == 200
    assert texts(await ada.get("/bookmarks")) == ["from bob"]
    assert texts(await ada.get("/ada/favorites")) == ["from bob"]
    home = await ada.get("/")
    assert "Ada retweeted" in " ".join(home.document.classed("why")[0].text.split())
    pressed = home.document.all("button", aria_pressed="true")
    assert len([one for one in pressed if one.attributes.get("form") == "act"]) == 3
    for act in ("unfavorite", "unretweet", "unbookmark"):
        await ada.post(f"/tweets/{tweet}/{act}")
    assert (await ada.get("/bookmarks")).document.classed("empty")


async def test_a_script_gets_parts(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    tweet = (await http.tweet(bob, "from bob"))["tweet_id"]
    headers = {"HX-Request": "true", "X-CSRF-Token": ada.csrf}
    part = await ada.ask("POST", f"/tweets/{tweet}/favorite", headers=headers)
    assert part.text.startswith('<footer class="acts"')
    assert part.document.all("button", aria_pressed="true")
    gone = await ada.ask("POST", "/tweets/1/favorite", headers=headers)
    assert (gone.status, "<" in gone.text) == (404, False)


@pytest.mark.parametrize(
    ("stood_on", "shows"),
    [("/bob", True), ("/bob/media", True), ("/ada/following", False), ("/search?q=bob", False)],
)
async def test_the_number_of_followers_follows_where_it_is_shown(
    stood_on: str, shows: bool, http: Http, ada: Person
) -> None:
    await http.chirp.register("bob")
    headers = {
        "HX-Request": "true",
        "X-CSRF-Token": ada.csrf,
        "Referer": str(ada.base.join(URL(stood_on))),
    }
    part = await ada.ask("POST", "/bob/follow", headers=headers)
    assert "Unfollow" in part.text
    found = part.document.all("a", id="followers")
    assert [one.text for one in found] == (["1 follower"] if shows else [])
    assert all(one.attributes["hx-swap-oob"] == "true" for one in found)


async def test_editing_and_deleting(http: Http, ada: Person) -> None:
    await post(ada, "a tpyo")
    tweet = await newest(http, "ada")
    page = await ada.post(f"/tweets/{tweet}/edit", tweet_data="a typo")
    assert texts(page) == ["a typo"]
    assert texts(await ada.get(f"/ada/status/{tweet}/versions")) == ["a typo", "a tpyo"]
    assert texts(await ada.get(f"/tweets/{tweet}/delete")) == ["a typo"]
    await ada.post(f"/tweets/{tweet}/delete")
    assert (await ada.get(f"/ada/status/{tweet}")).status == 404


async def test_what_cannot_be_edited_any_more_is_not_offered_a_form(
    http: Http, ada: Person
) -> None:
    await post(ada, "of today")
    tweet = await newest(http, "ada")
    assert (await ada.get(f"/tweets/{tweet}/edit")).status == 200
    http.chirp.clock.advance_ms(31 * 60_000)
    late = await ada.get(f"/tweets/{tweet}/edit")
    assert (late.status, late.document.all("textarea")) == (403, [])


async def test_who_blocks_somebody_is_told_so_in_place_of_tweets(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    await http.tweet(bob, "from bob")
    page = await ada.post("/bob/block")
    assert (page.url.path, texts(page)) == ("/bob", [])
    assert "You block @bob" in page.document.classed("empty")[0].text
    page = await ada.post("/bob/unblock")
    assert texts(page) == ["from bob"]


async def test_following_and_lists_of_people(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    await http.tweet(bob, "from bob")
    page = await ada.post("/bob/follow")
    assert page.url.path == "/bob"
    assert texts(await ada.get("/")) == ["from bob"]
    names = [one.text for one in (await ada.get("/bob/followers")).document.classed("handle")]
    assert "@ada" in names
    await ada.post("/bob/unfollow")
    assert (await ada.get("/")).document.classed("empty")


async def test_photos_without_scripts(http: Http, ada: Person) -> None:
    files = [("file", encoded(drawn(), "PNG")), ("file", with_place(drawn(step=9)))]
    page = await ada.post("/compose", files, tweet_data="", alt="a gradient")
    assert page.status == 200
    pictures = [one for one in page.document.all("img") if "/media/" in one.attributes["src"]]
    assert pictures[0].attributes["alt"] == "a gradient"
    for picture in pictures:
        assert (await ada.session.get(page.url.join(type(page.url)(picture.attributes["src"])))).ok
    assert (await ada.get("/ada/media")).document.classed("media")
    bad = await ada.post("/compose", [("file", b"just text")], tweet_data="look")
    assert bad.status == 415


async def test_a_description_belongs_to_the_photo_beside_it(ada: Person) -> None:
    form = FormData({"csrf": ada.csrf, "tweet_data": "two"}, default_to_multipart=True)
    photos = [encoded(drawn(step=step), "PNG") for step in (0, 9)]
    for file, alt in ((photos[0], ""), (b"", ""), (photos[1], "the second"), (b"", "")):
        form.add_field("file", file, filename="x.png" if file else "")
        form.add_field("alt", alt)
    page = await ada.ask("POST", "/compose", data=form)
    pictures = [one for one in page.document.all("img") if "/media/" in one.attributes["src"]]
    alts = [one.attributes["alt"] for one in pictures]
    assert (len(alts), alts[1]) == (2, "the second")
    assert alts[0] != alts[1]


async def test_scripts_send_media_ahead(http: Http, ada: Person) -> None:
    page = await ada.post("/compose/media", [("file", encoded(drawn(), "PNG"))])
    assert '"state":"ready"' in page.text
    media_id = page.text.split('"media_id":"')[1].split('"')[0]
    assert (await ada.get(f"/compose/media/{media_id}")).text == page.text
    home = await post(ada, "look", media_ids=media_id, alts="a cat")
    assert home.document.all("img", alt="a cat")


async def test_the_profile_s_settings(http: Http, ada: Person) -> None:
    files = [("avatar", encoded(drawn(), "PNG")), ("header", encoded(drawn(step=3), "PNG"))]
    fields = {"name": "Ada L.", "bio": "I write for #engines", "location": "London"}
    page = await ada.post("/settings", files, **fields)
    assert page.url.query_string == "done=saved"
    profile = await ada.get("/ada")
    assert [one.text for one in profile.document.classed("hash")] == ["#engines"]
    shown = [one for one in profile.document.all("img") if "/media/" in one.attributes["src"]]
    assert len(shown) >= 2
    await ada.post("/settings", [("avatar", b"")], no_avatar="1", **fields)
    assert (await http.get("/users/ada")).json["avatar_url"] is None
    # What a form does not have stays as it is.
    await ada.post("/settings", location="Turin")
    after = (await http.get("/users/ada")).json
    assert [after[name] for name in fields] == ["Ada L.", "I write for #engines", "Turin"]
    page = await ada.post("/settings", location="x" * 151)
    assert page.status == 400
    assert 'value="Ada L."' in page.text


async def test_a_profile_takes_no_film(ada: Person, tmp_path: Path) -> None:
    film = video(tmp_path / "v.webm", "libvpx").read_bytes()
    page = await ada.post("/settings", [("avatar", film)], name="Ada")
    assert (page.status, page.document.all("p", role="alert")[0].text) == (
        400,
        "a profile shows photos alone",
    )


async def test_a_new_password(http: Http, ada: Person) -> None:
    page = await ada.post("/settings/account", new_password="another-one", password="wrong-one")
    assert page.status == 403
    page = await ada.post("/settings/account", new_password="another-one", password=PASSWORD)
    assert page.url.query_string == "done=saved"


async def test_keys_and_sessions(http: Http, ada: Person) -> None:
    page = await ada.post("/settings/keys", name="bot")
    secret = page.document.classed("key")[0].text
    assert (await http.get("/users/me", secret)).json["username"] == "ada"
    assert page.headers["Cache-Control"] == "no-store"
    forms = (await ada.get("/settings/keys")).document.all("form")
    found = [one.attributes.get("action", "") for one in forms]
    # Of the two that are listed, sign-up's session and the key; the one in use has no button.
    for revoke in [one for one in found if one.endswith("/revoke")]:
        assert (await ada.post(revoke)).status == 200
    assert (await http.get("/users/me", secret)).status == 401
    assert (await ada.get("/settings/keys")).url.path == "/settings/keys"


async def test_a_key_may_be_called_session(http: Http, ada: Person) -> None:
    secret = (await ada.post("/settings/keys", name="session")).document.classed("key")[0].text
    assert (await http.get("/users/me", secret)).status == 200
    sessions, keys = (await ada.get("/settings/keys")).document.all("table")
    assert ("session" in sessions.text, "session" in keys.text) == (False, True)
    # A browser that ends its session does not end a key, whatever it put in its cookie.
    await http.chirp.server.accounts.end_session(secret)
    assert (await http.get("/users/me", secret)).status == 200


async def test_one_s_data(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    tweet = (await http.tweet(bob, "from bob"))["tweet_id"]
    await ada.post(f"/tweets/{tweet}/favorite")
    await ada.post("/bob/follow")
    await post(ada, "mine, with <b>, for @bob")
    page = await ada.get("/settings/export?file=1")
    assert "attachment" in page.headers["Content-Disposition"]
    assert page.headers["X-Request-Id"]
    assert page.headers["X-RateLimit-Remaining"]
    data = orjson.loads(page.text)
    assert [one["content"] for one in data["tweets"]] == ["mine, with <b>, for @bob"]
    assert [one["user_id"] for one in data["tweets"][0]["entities"]] == [str(bob.user_id)]
    assert data["favorites"][0]["id"] == str(tweet)
    assert data["following"][0]["id"] == str(bob.user_id)
    assert "password_hash" not in data["account"]


async def test_one_s_data_tells_of_keys_and_of_edits(http: Http, ada: Person) -> None:
    await post(ada, "one")
    for text in ("two", "three"):
        await ada.post(f"/tweets/{await newest(http, 'ada')}/edit", tweet_data=text)
    secret = (await ada.post("/settings/keys", name="bot")).document.classed("key")[0].text
    await http.get("/users/me", secret)
    page = await ada.get("/settings/export?file=1")
    data = orjson.loads(page.text)
    said = [(one["version"], one["content"]) for one in data["tweets"][0]["versions"]]
    assert (data["tweets"][0]["content"], said) == ("three", [(2, "two"), (1, "one")])
    keys = {one["name"]: one for one in data["keys"]}
    assert (keys["bot"]["session"], keys["session"]["session"]) == (False, True)
    assert set(keys["bot"]) == {"key_id", "name", "session", "created_at", "last_used"}
    assert keys["bot"]["last_used"] == http.chirp.clock.now_ms()
    assert secret not in page.text


async def test_deleting_the_account(http: Http, ada: Person) -> None:
    assert (await ada.post("/settings/delete", password="wrong-one")).status == 403
    page = await ada.post("/settings/delete", password=PASSWORD)
    assert page.url.path == "/"
    assert (await ada.get("/ada")).status == 404


async def test_people_are_found_by_name(http: Http, stranger: Person) -> None:
    for name in ("ada", "adam", "bob"):
        await http.chirp.register(name)
    page = await stranger.get("/search?q=%40ada")
    found = [one.text for one in page.document.classed("handle")]
    assert found == ["@ada", "@adam"]
    assert (await stranger.get("/search")).status == 200
    nobody = (await stranger.get("/search?q=nobody-at-all")).document.classed("empty")
    assert [one.text for one in nobody] == ["Nobody is called that."]
    for tag in ("%23ada", "%EF%BC%83ada", "%24ADA"):
        page = await stranger.get("/search?q=" + tag)
        assert "Tags are not searched yet" in page.document.classed("empty")[0].text
        assert not page.document.classed("person")


async def test_a_tag_leads_nowhere_as_long_as_tags_are_not_searched(
    http: Http, stranger: Person
) -> None:
    tweet = await http.tweet((await http.register("ada"))["api_dev_key"], "#engines $ACME @ada")
    page = await stranger.get(f"/ada/status/{tweet['tweet_id']}")
    assert [one.text for one in page.document.classed("hash")] == ["#engines", "$ACME"]
    links = [one.attributes["href"] for one in page.document.all("a")]
    assert [link for link in links if "search" in link] == ["/search"]


async def test_moderators_have_a_page(http: Http, ada: Person) -> None:
    assert (await ada.get("/admin")).status == 403
    await http.chirp.server.administration.set_role("ada", Role.ADMIN)
    http.chirp.server.history.take()
    http.chirp.server.history.take()
    page = await ada.get("/admin")
    assert page.status == 200
    assert len(page.document.classed("plot")) == 4
    bob = await http.chirp.register("bob")
    tweet = (await http.tweet(bob, "spam"))["tweet_id"]
    await ada.post(f"/admin/tweets/{tweet}/delete", note="spam")
    assert (await ada.get(f"/bob/status/{tweet}")).status == 404
    page = await ada.post("/admin/users/suspend", username="@bob", note="spam")
    assert "suspended bob" in page.text
    assert (await ada.post("/admin/users/suspend", username="nobody")).status == 404
    await ada.post("/admin/users/unsuspend", username="bob")
    assert (await http.get("/users/bob")).status == 200


@pytest.mark.parametrize(
    "path", ["/nobody", "/nobody/status/1", "/ada/status/0", "/ada/status/x", "/a/b/c/d"]
)  # fmt: skip
async def test_what_is_not_there_is_a_page(path: str, ada: Person) -> None:
    page = await ada.get(path, headers={"Accept": "text/html"})
    assert page.status == 404
    assert page.document.all("h1")


def ways(page: Page) -> set[str]:
    return {one.attributes["href"] for one in page.document.all("a")}


@pytest.mark.parametrize("path", ["/nobody", "/admin", "/a/b/c/d", "/?cursor=x"])
async def test_an_error_leads_on_as_other_pages_do(path: str, http: Http, ada: Person) -> None:
    accept = {"Accept": "text/html"}
    page = await ada.get(path, headers=accept)
    assert page.status >= 400
    assert {"/", "/bookmarks", "/ada", "/settings", "/compose"} <= ways(page)
    assert page.document.all("form", action="/sign-out")
    await http.chirp.server.administration.set_role("ada", Role.MODERATOR)
    assert "/admin" in ways(await ada.get("/nobody"))


async def test_a_failure_is_a_page_whatever_fails(
    http: Http, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame around every page fails, and so does the one around the first error's page."""
    globals_ = http.chirp.server.fronts.site.pages.templates.globals
    monkeypatch.delitem(globals_, "card")
    page = await ada.get("/settings")
    assert page.status == 500
    assert page.document.all("h1")
    assert page.headers["X-Request-Id"] in page.text


async def test_a_failure_is_a_page_when_nothing_can_be_read(
    http: Http, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(http.chirp.engine, "get_many", unreadable)
    page = await ada.get("/nobody")
    assert page.status == 500
    assert page.document.all("h1")
    assert "/sign-in" not in ways(page)


async def test_older_tweets_are_a_page_further(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    for number in range(25):
        await http.tweet(bob, f"tweet {number}")
    first = await ada.get("/bob")
    older = first.document.all("a", rel="next")[0].attributes["href"]
    second = await ada.get(older)
    assert (len(texts(first)), len(texts(second))) == (20, 5)
    assert not second.document.all("a", rel="next")
