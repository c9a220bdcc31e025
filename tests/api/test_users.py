"""Profiles, follows and lists over HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from yarl import URL

from chirp.views import Viewer
from tests.support.web import Http

PROFILE = {
    "user_id", "username", "name", "bio", "location", "avatar_url", "header_url", "created_at",
    "num_followers", "num_following", "num_tweets", "profile_url",
}  # fmt: skip
OWN = {"email", "date_of_birth", "last_login"}
NOTHING = {"following": False, "followed_by": False, "blocking": False, "muting": False}


async def test_each_viewer_sees_the_fields_that_are_for_them(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    for viewer, extra in ((None, set()), (bob, {"relationship"}), (ada, set())):
        assert set((await http.get("/users/ada", viewer)).json) == PROFILE | extra
    assert set((await http.get("/users/me", ada)).json) == PROFILE | OWN


async def test_a_profile_counts(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.post("/users/ada/follow", key=bob)
    await http.tweet(ada)
    profile = (await http.get("/users/ADA", bob)).json
    counts = [profile[f"num_{what}"] for what in ("followers", "following", "tweets")]
    assert counts == [1, 0, 1]
    assert profile["relationship"] == NOTHING | {"following": True}


async def test_repeated_follows_answer_the_same(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(bob, ada)
    both = NOTHING | {"followed_by": True}
    for method, following in (("POST", True), ("POST", True), ("DELETE", False), ("DELETE", False)):
        body = await http.ok(await http.ask(method, "/users/bob/follow", ada))
        assert body == {"status": "success", "relationship": both | {"following": following}}


async def test_following_oneself_is_refused_and_strangers_are_not_found(http: Http) -> None:
    ada = await http.chirp.register("ada")
    for method in ("POST", "DELETE"):
        (await http.ask(method, "/users/Ada/follow", ada)).refused(400, "username")
        (await http.ask(method, "/users/nobody/follow", ada)).refused(404)


async def walk(http: Http, path: str, viewer: Viewer | None = None) -> list[list[Any]]:
    """Return all pages, following the Link header; its address and `next` lead to the same."""
    pages = []
    while path:
        answer = await http.get(path, viewer)
        body = await http.ok(answer)
        assert set(body) == {"data", "next", "prev"}
        pages.append(body["data"])
        links = dict(re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("Link", "")))
        links = {rel: url for url, rel in links.items()}
        assert set(links) == {rel for rel in ("next", "prev") if body[rel] is not None}
        for rel, url in links.items():
            assert URL(url).query["cursor"] == body[rel]
        path = URL(links["next"]).path_qs.removeprefix("/api/v1") if "next" in links else ""
    return pages


@pytest.mark.parametrize("which", ["followers", "following"])
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_follow_lists_are_walked_by_their_links(http: Http, which: str, limit: int) -> None:
    ada, *others = await http.chirp.register_many(*[f"user{n}" for n in range(8)])
    for other in others:
        http.chirp.clock.advance_ms(1)
        await http.chirp.follow(other, ada)
        await http.chirp.follow(ada, other)
    pages = await walk(http, f"/users/user0/{which}?limit={limit}")
    names = [user["username"] for page in pages for user in page]
    assert names == [f"user{n}" for n in range(7, 0, -1)]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1]


async def test_lists_tell_relationships_to_the_viewer_alone(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(bob, ada)
    assert "relationship" not in (await http.get("/users/ada/followers")).json["data"][0]
    mine = (await http.get("/users/ada/followers", ada)).json["data"][0]
    assert mine["relationship"] == NOTHING | {"followed_by": True}
    assert not OWN & set((await http.get("/users/ada/followers", bob)).json["data"][0])


async def test_lists_of_strangers_are_not_found(http: Http) -> None:
    for which in ("", "/followers", "/following", "/tweets"):
        (await http.get(f"/users/nobody{which}")).refused(404)


async def test_an_empty_list_has_no_cursors_and_no_link(http: Http) -> None:
    await http.chirp.register("ada")
    for which in ("followers", "following", "tweets"):
        answer = await http.get(f"/users/ada/{which}")
        assert answer.json == {"data": [], "next": None, "prev": None}
        assert "Link" not in answer.headers


async def test_nobody_is_born_tomorrow(http: Http) -> None:
    key = await http.chirp.register("ada")
    (await http.ask("PATCH", "/users/me", key, json={"date_of_birth": "9999-12-31"})).refused(
        400, "date_of_birth"
    )
    assert (await http.get("/users/me", key)).json["date_of_birth"] is None
