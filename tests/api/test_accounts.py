"""Registration, sessions and keys over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import FormData

from tests.support.driver import PASSWORD
from tests.support.raw import Raw
from tests.support.web import BASE, Http

GOOD = {"username": "ada", "name": "Ada", "email": "ada@example.org", "password": PASSWORD}


async def test_registering_answers_with_the_user_and_a_key(http: Http) -> None:
    body = await http.register("ada", date_of_birth="1815-12-10")
    assert body["status"] == "success"
    user = body["user"]
    assert (user["username"], user["email"]) == ("ada", "ada@example.org")
    assert user["date_of_birth"] == "1815-12-10"
    assert user["profile_url"].endswith("/ada")
    assert isinstance(user["user_id"], str)
    assert "password" not in str(body)
    me = await http.ok(await http.get("/users/me", body["api_dev_key"]))
    assert me == user


@pytest.mark.parametrize("send", ["json", "urlencoded", "multipart"])
async def test_forms_are_accepted_wherever_json_is(http: Http, send: str) -> None:
    if send == "json":
        answer = await http.post("/users", GOOD)
    else:
        form = FormData(GOOD, default_to_multipart=send == "multipart")
        answer = await http.ask("POST", "/users", data=form)
    assert (await http.ok(answer, 201))["user"]["name"] == "Ada"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""), ("username", "a" * 16), ("username", "a b"), ("username", "ädä"),
        ("username", "a-b"), ("username", "ada\n"), ("username", "a\x00"), ("username", "@ada"),
        ("name", ""), ("name", "   "), ("name", "n" * 51), ("name", "a\x00b"), ("name", "a\nb"),
        ("email", ""), ("email", "ada"), ("email", "@example.org"), ("email", "ada@"),
        ("email", "a b@example.org"), ("email", "ada@exam\nple.org"), ("email", "a@b@c"),
        ("email", "ada\x00@example.org"), ("email", "a" * 250 + "@b.org"),
        ("email", "ada@example.org\x7f"), ("email", "\u200bada @x.org"),
        ("password", ""), ("password", "1234567"), ("password", "p" * 1_025),
        ("date_of_birth", "yesterday"), ("date_of_birth", "1990-13-01"),
        ("date_of_birth", "1990-02-30"), ("date_of_birth", "19900101"),
        ("date_of_birth", "9999-12-31"), ("date_of_birth", "1990-W01-1"),
        ("date_of_birth", "1990-01-01T00:00"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named_and_nothing_is_made(
    http: Http, field: str, value: str
) -> None:
    (await http.post("/users", GOOD | {field: value})).refused(400, field)
    assert http.chirp.engine.stats().tables["accounts"].rows == 0


@pytest.mark.parametrize("field", ["username", "name", "email", "password"])
async def test_a_missing_field_is_named(http: Http, field: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != field}
    (await http.post("/users", body)).refused(400, field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"email": "b@example.org", "username": "ADA"}, "username"),
     ({"username": "bob", "email": "ADA@example.org"}, "email")],
)  # fmt: skip
async def test_what_is_taken_is_a_conflict(http: Http, changes: dict[str, str], field: str) -> None:
    await http.register("ada")
    (await http.post("/users", GOOD | changes)).refused(409, field)


async def test_of_many_registrations_of_one_name_exactly_one_wins(http: Http) -> None:
    bodies = [GOOD | {"email": f"{n}@example.org"} for n in range(8)]
    answers = await asyncio.gather(*[http.post("/users", body) for body in bodies])
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


async def test_a_short_or_long_name_of_every_script_is_fine(http: Http) -> None:
    for n, name in enumerate(["A", "é" * 50, "名前", "👩🏽‍🚀", "O'Neil <b>&amp;"]):
        body = GOOD | {"username": f"u{n}", "email": f"{n}@x.org", "name": name}
        assert (await http.ok(await http.post("/users", body), 201))["user"]["name"] == name


@pytest.mark.parametrize(
    "login", [{"username": "ada"}, {"username": "ADA"}, {"email": "ada@example.org"}]
)
async def test_signing_in_gives_a_new_key(http: Http, login: dict[str, str]) -> None:
    first = (await http.register("ada"))["api_dev_key"]
    body = await http.ok(await http.post("/sessions", login | {"password": PASSWORD}), 201)
    assert body["user"]["last_login"] == "2026-11-23T09:00:00.000Z"
    assert body["api_dev_key"] != first
    for key in (first, body["api_dev_key"]):
        assert (await http.get("/users/me", key)).status == 200


@pytest.mark.parametrize(
    "body",
    [{"username": "ada", "password": "wrong-horse"}, {"username": "eve", "password": PASSWORD},
     {"email": "eve@example.org", "password": PASSWORD}, {"username": "ada"}],
)  # fmt: skip
async def test_all_wrong_sign_ins_look_the_same(http: Http, body: dict[str, str]) -> None:
    await http.register("ada")
    answer = await http.post("/sessions", body)
    assert answer.refused(401)["message"] == "wrong username, email or password"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="chirp"'


async def test_signing_in_needs_a_name(http: Http) -> None:
    for body in ({}, {"password": PASSWORD}, {"username": "", "password": PASSWORD}):
        (await http.post("/sessions", body)).refused(400, "username")


async def test_the_suspended_are_told_so(http: Http) -> None:
    viewer = await http.chirp.register("ada")
    await http.chirp.suspend(viewer)
    (await http.get("/users/me", viewer)).refused(403)
    (await http.post("/tweet", {"tweet_data": "hi"}, viewer)).refused(403)


@pytest.mark.parametrize("how", ["X-API-Key", "Bearer", "bearer", "json", "form", "multipart"])
async def test_the_key_comes_in_a_header_or_in_the_body(http: Http, how: str) -> None:
    key = http.chirp.secrets[(await http.chirp.register("ada")).user_id]
    fields = {"tweet_data": "hi"}
    options: dict[str, Any] = {"json": fields}
    if how == "X-API-Key":
        options["headers"] = {"X-API-Key": key}
    elif how.lower() == "bearer":
        options["headers"] = {"Authorization": f"{how} {key}"}
    elif how == "json":
        options["json"] = fields | {"api_dev_key": key}
    else:
        both = fields | {"api_dev_key": key}
        options = {"data": FormData(both, default_to_multipart=how == "multipart")}
    await http.ok(await http.ask("POST", "/tweet", **options), 201)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/users/bob/follow", 200), ("DELETE", "/users/bob/follow", 200),
     ("DELETE", "/keys/1", 404), ("DELETE", "/tweets/1", 404),
     ("DELETE", "/sessions/current", 204)],
)  # fmt: skip
async def test_the_key_may_stand_in_the_body_of_every_change(
    http: Http, method: str, path: str, status: int
) -> None:
    ada, _ = await http.chirp.register_many("ada", "bob")
    body = {"api_dev_key": http.chirp.secrets[ada.user_id]}
    assert (await http.ask(method, path, json=body)).status == status


async def test_the_same_key_twice_is_one_key(http: Http) -> None:
    ada = await http.chirp.register("ada")
    key = http.chirp.secrets[ada.user_id]
    headers = {"Authorization": f"Bearer {key}"}
    answer = await http.post(
        "/tweet", {"tweet_data": "a", "api_dev_key": key}, ada, headers=headers
    )
    assert answer.status == 201


async def test_two_different_keys_are_refused(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    other = http.chirp.secrets[bob.user_id]
    body = {"tweet_data": "hi", "api_dev_key": other}
    (await http.post("/tweet", body, ada)).refused(400, "api_dev_key")
    headers = {"Authorization": f"Bearer {other}"}
    (await http.get("/users/me", ada, headers=headers)).refused(400, "api_dev_key")
    follow = await http.post("/users/bob/follow", {"api_dev_key": other}, ada)
    follow.refused(400, "api_dev_key")


@pytest.mark.parametrize("name", ["X-API-Key", "Authorization", "Idempotency-Key"])
async def test_a_header_says_one_key(http: Http, name: str) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    keys = [http.chirp.secrets[who.user_id] for who in (ada, bob)]
    sign = "Bearer " if name == "Authorization" else ""
    head = f"POST {BASE}/tweet HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n"
    if name == "Idempotency-Key":
        head += f"X-API-Key: {keys[0]}\r\n"
    for second, wanted in ((keys[1], 400), (keys[0], 201)):
        twice = "".join(f"{name}: {sign}{key}\r\n" for key in (keys[0], second))
        raw = await Raw.open(http)
        answer = await (await raw.send(f"{head}{twice}\r\ntweet_data=hi".encode())).answer()
        assert answer.startswith(b"HTTP/1.1 %d " % wanted)
        assert (b"two different keys" in answer) == (wanted == 400)


@pytest.mark.parametrize("how", ["json", "chunked", "form", "multipart", "chunked multipart"])
async def test_a_key_in_a_large_body_is_refused(http: Http, how: str) -> None:
    key = http.chirp.secrets[(await http.chirp.register("ada")).user_id]
    body = {"tweet_data": "hi", "api_dev_key": key, "padding": "x" * (64 << 10)}

    async def chunks() -> Any:
        yield FormData(body)._gen_form_urlencoded()._value

    if how == "json":
        answer = await http.post("/tweet", body)
    elif how == "form":
        answer = await http.ask("POST", "/tweet", data=FormData(body))
    elif how == "multipart":
        form = FormData(body, default_to_multipart=True)
        answer = await http.ask("POST", "/tweet", data=form)
    elif how == "chunked":
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await http.ask("POST", "/tweet", data=chunks(), headers=form_type)
    else:
        form = FormData(body, default_to_multipart=True)
        answer = await http.ask("POST", "/tweet", data=form, chunked=True)
    answer.refused(400, "api_dev_key")
    assert http.chirp.engine.stats().tables["tweets"].rows == 0


async def test_a_key_in_a_body_of_just_64_kib_is_fine(http: Http) -> None:
    key = http.chirp.secrets[(await http.chirp.register("ada")).user_id]
    raw = b'{"tweet_data":"hi","api_dev_key":"%b","padding":"%b"}'
    room = (64 << 10) - len(raw % (key.encode(), b""))
    await http.ok(await http.post("/tweet", raw % (key.encode(), b"x" * room)), 201)
    (await http.post("/tweet", raw % (key.encode(), b"x" * (room + 1)))).refused(400)


@pytest.mark.parametrize("key", [None, "", "wrong", "chirp_" + "A" * 43, "Bearer x", "é"])
async def test_without_a_right_key_nothing_is_done(http: Http, key: str | None) -> None:
    await http.chirp.register("ada")
    for method, path in (
        ("POST", "/tweet"), ("GET", "/timeline/home"), ("GET", "/users/me"), ("GET", "/keys"),
        ("POST", "/keys"), ("DELETE", "/keys/1"), ("DELETE", "/tweets/1"),
        ("POST", "/users/ada/follow"), ("DELETE", "/users/ada/follow"),
        ("DELETE", "/sessions/current"),
    ):  # fmt: skip
        answer = await http.ask(method, path, key)
        answer.refused(401)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="chirp"'


async def test_a_wrong_key_is_refused_where_none_is_needed(http: Http) -> None:
    await http.chirp.register("ada")
    assert (await http.get("/users/ada")).status == 200
    (await http.get("/users/ada", "wrong")).refused(401)
    (await http.get("/users/ada", headers={"Authorization": "Basic YTpi"})).refused(401)


async def test_a_developer_key_shows_its_secret_once(http: Http) -> None:
    ada = await http.chirp.register("ada")
    made = await http.ok(await http.post("/keys", {"name": " my bot "}, ada), 201)
    secret = made["api_dev_key"]
    assert made["key"]["name"] == "my bot"
    await http.tweet(secret)
    listed = await http.ok(await http.get("/keys", ada))
    assert [key["name"] for key in listed["data"]] == ["session", "my bot"]
    assert secret not in str(listed)
    assert set(listed["data"][1]) == {"key_id", "name", "session", "created_at", "last_used"}
    assert listed["data"][1]["last_used"] == "2026-11-23T09:00:00.000Z"


@pytest.mark.parametrize("name", ["", "  ", "n" * 51, "a\x00", 5, None, ["a"]])
async def test_a_key_needs_a_name(http: Http, name: Any) -> None:
    ada = await http.chirp.register("ada")
    (await http.post("/keys", {"name": name}, ada)).refused(400, "name")
    assert len((await http.get("/keys", ada)).json["data"]) == 1


async def test_a_revoked_key_is_refused_from_the_next_request_on(http: Http) -> None:
    ada = await http.chirp.register("ada")
    made = await http.ok(await http.post("/keys", {"name": "bot"}, ada), 201)
    assert (await http.get("/users/me", made["api_dev_key"])).status == 200
    path = f"/keys/{made['key']['key_id']}"
    assert (await http.delete(path, ada)).status == 204
    (await http.get("/users/me", made["api_dev_key"])).refused(401)
    (await http.delete(path, ada)).refused(404)


async def test_signing_out_revokes_the_key_it_came_with(http: Http) -> None:
    ada = await http.chirp.register("ada")
    assert (await http.delete("/sessions/current", ada)).status == 204
    (await http.get("/users/me", ada)).refused(401)


@pytest.mark.parametrize("key_id", ["0", "-1", "x", "9" * 20, str(2**63), "1", "٣"])
async def test_there_are_no_keys_with_odd_ids(http: Http, key_id: str) -> None:
    ada = await http.chirp.register("ada")
    (await http.delete(f"/keys/{key_id}", ada)).refused(404)


async def test_others_keys_are_not_there(http: Http) -> None:
    ada, eve = await http.chirp.register_many("ada", "eve")
    key_id = (await http.get("/keys", ada)).json["data"][0]["key_id"]
    (await http.delete(f"/keys/{key_id}", eve)).refused(404)
    assert (await http.get("/users/me", ada)).status == 200
