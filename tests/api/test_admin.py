"""Registration by rule, and what moderators do, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chirp.model import Role
from chirp.views import Viewer
from tests.support.admission import serving, staff
from tests.support.driver import PASSWORD, Driver
from tests.support.web import Answer, Http

SPAM = "Buy these marvellous pills today"
MODERATORS = [
    ("GET", "/registrations"), ("POST", "/registrations/ada/approve"),
    ("POST", "/registrations/ada/reject"), ("GET", "/flags"), ("POST", "/flags/1/close"),
    ("POST", "/users/ada/suspend"), ("POST", "/users/ada/unsuspend"), ("DELETE", "/tweets/1"),
    ("GET", "/actions"),
]  # fmt: skip
ADMINS = [("GET", "/invites"), ("POST", "/invites"), ("DELETE", "/invites/1")]


@pytest.fixture
async def site(request: pytest.FixtureRequest, same_switch_interval: None) -> AsyncIterator[Http]:
    """A server with the rule that the test asks for, behind a socket."""
    async with serving(getattr(request, "param", "open")) as chirp, Http(chirp) as http:
        yield http


by_rule = {
    rule: pytest.mark.parametrize("site", [rule], indirect=True)
    for rule in ("closed", "invite", "approval")
}


async def sign_up(http: Http, name: str, **fields: Any) -> Answer:
    body = {"username": name, "name": name, "email": f"{name}@example.org", "password": PASSWORD}
    return await http.post("/users", body | fields)


@by_rule["closed"]
async def test_closed_is_closed(site: Http) -> None:
    (await sign_up(site, "ada", invite="any")).refused(403)


@by_rule["invite"]
async def test_an_admins_invite_lets_one_person_in(site: Http) -> None:
    boss, _ = await staff(site.chirp)
    assert "invite" in (await sign_up(site, "ada")).refused(403, "invite")["message"]
    made = await site.ok(await site.post("/admin/invites", {"uses": 1, "days": 2}, boss), 201)
    invite = made["invite"]
    forms = [sign_up(site, f"user{n}", invite=invite["code"]) for n in range(4)]
    statuses = sorted(answer.status for answer in await asyncio.gather(*forms))
    assert statuses == [201, 403, 403, 403]
    (listed,) = (await site.ok(await site.get("/admin/invites", boss)))["data"]
    assert "code" not in listed
    assert (listed["uses"], listed["most_uses"]) == (1, 1)
    path = f"/admin/invites/{invite['invite_id']}"
    assert (await site.delete(path, boss)).status == 204
    (await site.delete(path, boss)).refused(404)


@by_rule["approval"]
async def test_who_waits_is_let_in_by_a_moderator(site: Http) -> None:
    _, mod = await staff(site.chirp)
    body = await site.ok(await sign_up(site, "ada"), 201)
    key = body["api_dev_key"]
    assert body["waiting_for_approval"] is True
    assert "approval" in (await site.get("/users/me", key)).refused(403)["message"]
    (await site.get("/users/ada")).refused(404)
    login = {"username": "ada", "password": PASSWORD}
    assert "approval" in (await site.post("/sessions", login)).refused(403)["message"]
    page = await site.ok(await site.get("/admin/registrations", mod))
    assert [(p["username"], p["email"]) for p in page["data"]] == [("ada", "ada@example.org")]
    path = "/admin/registrations/ada/approve"
    await site.ok(await site.post(path, {"note": "hello"}, mod))
    await site.ok(await site.get("/users/me", key))
    await site.ok(await site.get("/users/ada"))
    (await site.post(path, None, mod)).refused(404)


@by_rule["approval"]
async def test_a_rejected_name_is_free_again(site: Http) -> None:
    _, mod = await staff(site.chirp)
    key = (await site.ok(await sign_up(site, "ada"), 201))["api_dev_key"]
    (await sign_up(site, "ada")).refused(409)
    await site.ok(await site.post("/admin/registrations/ada/reject", None, mod))
    (await site.get("/users/me", key)).refused(401)
    await site.ok(await sign_up(site, "ada"), 201)


async def test_open_registration_says_nothing_of_waiting(site: Http) -> None:
    assert "waiting_for_approval" not in await site.register("ada")


# -- moderation -----------------------------------------------------------------------------


async def flag(http: Http) -> tuple[dict[str, Any], str]:
    """Let three people post one text; return the last tweet and its author's key."""
    keys = [(await http.register(f"robot{n}"))["api_dev_key"] for n in range(3)]
    tweets = [await http.tweet(key, SPAM) for key in keys]
    await http.chirp.server.journal.wait_idle()
    return tweets[-1], keys[-1]


async def test_a_flag_is_seen_and_closed(site: Http) -> None:
    _, mod = await staff(site.chirp)
    tweet, _ = await flag(site)
    (shown,) = (await site.ok(await site.get("/admin/flags", mod)))["data"]
    assert (shown["flag_id"], shown["content"]) == (tweet["tweet_id"], SPAM)
    assert (shown["user"]["username"], shown["state"]) == ("robot2", "open")
    assert shown["reasons"][0]["filter"] == "same_text"
    path = f"/admin/flags/{shown['flag_id']}/close"
    closed = (await site.ok(await site.post(path, {"note": "a song"}, mod)))["flag"]
    assert (closed["state"], closed["note"]) == ("closed", "a song")
    assert closed["closed_by"]["username"] == "mod"
    assert (await site.ok(await site.get("/admin/flags", mod)))["data"] == []
    assert (await site.ok(await site.get("/admin/flags?state=all", mod)))["data"] == [closed]


async def test_a_moderator_removes_a_tweet_and_suspends_its_author(site: Http) -> None:
    _, mod = await staff(site.chirp)
    tweet, key = await flag(site)
    path = f"/admin/tweets/{tweet['tweet_id']}"
    answer = await site.delete(path, mod, json={"note": "spam"})
    assert answer.status == 204
    (await site.get(f"/tweets/{tweet['tweet_id']}")).refused(404)
    assert (await site.ok(await site.get("/users/robot2/tweets")))["data"] == []
    (shown,) = (await site.ok(await site.get("/admin/flags", mod)))["data"]
    assert shown["content"] is None
    user = (await site.ok(await site.post("/admin/users/robot2/suspend", None, mod)))["user"]
    assert user["suspended"] is True
    (await site.get("/users/me", key)).refused(403)
    (await site.get("/users/robot2")).refused(404)
    await site.ok(await site.post("/admin/users/robot2/unsuspend", None, mod))
    await site.ok(await site.get("/users/me", key))
    lines = (await site.ok(await site.get("/admin/actions", mod)))["data"]
    assert [line["action"] for line in lines] == ["unsuspend", "suspend", "remove_tweet"]
    assert {(line["actor"]["username"], line["username"]) for line in lines} == {("mod", "robot2")}
    assert lines[-1]["note"] == "spam"
    assert lines[-1]["subject_id"] == tweet["tweet_id"]


async def test_the_trail_is_read_page_by_page(site: Http) -> None:
    boss, _ = await staff(site.chirp)
    for _ in range(5):
        await site.ok(await site.post("/admin/invites", None, boss), 201)
    path, found = "/admin/actions?limit=2", []
    while path:
        answer = await site.get(path, boss)
        page = await site.ok(answer)
        found += [line["action_id"] for line in page["data"]]
        assert ('rel="next"' in answer.headers["Link"]) == (page["next"] is not None)
        path = f"/admin/actions?limit=2&cursor={page['next']}" if page["next"] else ""
    assert len(found) == len(set(found)) == 5
    assert found == sorted(found, key=int, reverse=True)


@pytest.mark.parametrize(("method", "path"), MODERATORS + ADMINS)
async def test_plain_users_get_403(site: Http, method: str, path: str) -> None:
    ada = await site.chirp.register("ada")
    (await site.ask(method, "/admin" + path, ada)).refused(403)


@pytest.mark.parametrize(("method", "path"), ADMINS)
async def test_moderators_make_no_invites(site: Http, method: str, path: str) -> None:
    _, mod = await staff(site.chirp)
    (await site.ask(method, "/admin" + path, mod)).refused(403)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/flags?state=maybe", None, 400), ("GET", "/flags?cursor=x", None, 400),
        ("GET", "/flags?limit=101", None, 400), ("POST", "/flags/0/close", None, 404),
        ("POST", "/flags/99/close", None, 404), ("POST", "/flags/x/close", None, 404),
        ("POST", "/flags/1/close", {"note": "x" * 501}, 400),
        ("POST", "/flags/1/close", {"note": 5}, 400), ("DELETE", "/tweets/99", None, 404),
        ("POST", "/users/nobody/suspend", None, 404),
        ("POST", "/users/%F0%9F%90%A6/suspend", None, 404),
        ("POST", "/registrations/%F0%9F%90%A6/approve", None, 404),
        ("POST", "/registrations/nobody/reject", None, 404),
        ("POST", "/invites", {"uses": 0}, 400), ("POST", "/invites", {"days": 10**30}, 400),
        ("POST", "/invites", {"uses": "many"}, 400), ("DELETE", "/invites/x", None, 404),
    ],
)  # fmt: skip
async def test_wrong_requests_are_refused(
    site: Http, method: str, path: str, body: Any, status: int
) -> None:
    boss, _ = await staff(site.chirp)
    options = {} if body is None else {"json": body}
    (await site.ask(method, "/admin" + path, boss, raw_path=True, **options)).refused(status)


async def test_a_demoted_moderator_is_refused_at_once(site: Http) -> None:
    _, mod = await staff(site.chirp)
    await site.ok(await site.get("/admin/flags", mod))
    await demote(site.chirp, mod)
    (await site.get("/admin/flags", mod)).refused(403)


async def demote(chirp: Driver, who: Viewer) -> None:
    await chirp.server.administration.set_role(chirp.names[who.user_id], Role.USER)


async def test_invites_must_be_short_text(site: Http) -> None:
    for invite in ("x" * 101, 5, "\u0000"):
        (await sign_up(site, "ada", invite=invite)).refused(400, "invite")
