"""Changes of one's own account, over HTTP."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.driver import PASSWORD
from tests.support.web import Answer, Http

NEW = "battery-staple"


async def edit(http: Http, key: str, **fields: str) -> Answer:
    return await http.ask("PATCH", "/users/me", key, json=fields)


async def sign_in(http: Http, password: str = PASSWORD) -> Answer:
    return await http.post("/sessions", {"username": "ada", "password": password})


@pytest.mark.parametrize("name", ["bot", "session"])
async def test_a_new_password_ends_the_other_sessions(http: Http, name: str) -> None:
    key = (await http.register("ada"))["api_dev_key"]
    other = (await sign_in(http)).json["api_dev_key"]
    made = await http.ok(await http.post("/keys", {"name": name}, key), 201)
    assert (await edit(http, key, new_password=NEW, password=PASSWORD)).status == 200
    (await http.get("/users/me", other)).refused(401)
    listed = (await http.get("/keys", key)).json["data"]
    assert sorted(one["session"] for one in listed) == [False, True]
    for kept in (key, made["api_dev_key"]):
        assert (await http.get("/users/me", kept)).status == 200
    (await sign_in(http)).refused(401)
    assert (await sign_in(http, NEW)).status == 201


@pytest.mark.parametrize("field", [{"new_password": NEW}, {"email": "new@example.org"}])
async def test_password_and_email_need_the_present_password(
    http: Http, field: dict[str, str]
) -> None:
    key = (await http.register("ada"))["api_dev_key"]
    before = (await http.get("/users/me", key)).json
    (await edit(http, key, **field)).refused(400, "password")
    (await edit(http, key, **field, password="wrong-horse")).refused(403)
    assert (await http.get("/users/me", key)).json == before
    assert (await sign_in(http)).status == 201


async def test_an_email_of_somebody_else_is_taken(http: Http) -> None:
    key = (await http.register("ada"))["api_dev_key"]
    await http.register("bob")
    for email in ("bob@example.org", "BOB@example.org"):
        (await edit(http, key, email=email, password=PASSWORD)).refused(409, "email")


async def test_of_two_who_want_one_email_one_gets_it(http: Http) -> None:
    keys = [(await http.register(name))["api_dev_key"] for name in ("ada", "bob")]
    wants = [edit(http, key, email="new@example.org", password=PASSWORD) for key in keys]
    answers = await asyncio.gather(*wants)
    assert sorted(answer.status for answer in answers) == [200, 409]
    await http.chirp.check()


async def test_two_edits_at_once_lose_nothing(http: Http) -> None:
    key = (await http.register("ada"))["api_dev_key"]
    wants = {"name": "Ada L.", "bio": "I count.", "location": "London"}
    answers = await asyncio.gather(*(edit(http, key, **{k: v}) for k, v in wants.items()))
    assert {answer.status for answer in answers} == {200}
    found = (await http.get("/users/me", key)).json
    assert {name: found[name] for name in wants} == wants
    await http.chirp.check()


async def test_a_wrong_password_closes_nothing(http: Http) -> None:
    key = (await http.register("ada"))["api_dev_key"]
    (await http.delete("/users/me", key, json={"password": "wrong-horse"})).refused(403)
    assert (await http.get("/users/me", key)).status == 200
