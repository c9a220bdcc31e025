"""What is promised of an answer is what it holds, field by field, for real answers."""

from __future__ import annotations

import re
from typing import Any

from jsonschema import Draft202012Validator

from chirp.api.routes import BASE
from tests.support.driver import PASSWORD
from tests.support.web import Http


def schema_of(document: dict[str, Any], method: str, path: str, status: int) -> dict[str, Any]:
    """Return the schema of one answer, with the document's components, closed to other fields."""
    answer = document["paths"][path][method.lower()]["responses"][str(status)]
    while "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    closed = {
        name: {**schema, "additionalProperties": False}
        for name, schema in document["components"]["schemas"].items()
    }
    found = answer.get("content", {"application/json": {"schema": {"type": "null"}}})
    return {**found["application/json"]["schema"], "components": {"schemas": closed}}


class Checked:
    """Asks, and holds each answer against what the document says of it."""

    def __init__(self, http: Http, document: dict[str, Any]) -> None:
        self._http, self._document = http, document
        self.asked: set[str] = set()

    def template_of(self, method: str, path: str) -> str:
        """Return the path of the document that a path is an instance of, the plainest first."""
        for template in sorted(self._document["paths"], key=lambda one: one.count("{")):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in self._document["paths"][template]:
                return str(template)
        raise AssertionError(path)

    async def ask(self, method: str, path: str, key: str | None = None, body: Any = None) -> Any:
        options = {} if body is None else {"json": body}
        answer = await self._http.ask(method, path, key, **options)
        template = self.template_of(method, BASE + path.split("?", maxsplit=1)[0])
        schema = schema_of(self._document, method, template, answer.status)
        found = answer.json if answer.raw else None
        Draft202012Validator(schema).validate(found)
        if answer.status < 400:
            self.asked.add(f"{method} {template}")
        return found


async def test_every_answer_is_as_it_is_described(http: Http) -> None:
    document = (await http.get("//openapi.json")).json
    checked = Checked(http, document)
    ask = checked.ask
    fields = {"username": "ada", "name": "Ada", "email": "ada@x.org", "password": PASSWORD}
    ada = (await ask("POST", "/users", body=fields))["api_dev_key"]
    bob = (await ask("POST", "/users", body={**fields, "username": "bob", "email": "b@x.org"}))[
        "api_dev_key"
    ]
    await ask("PATCH", "/users/me", ada, {"bio": "hi", "location": "London"})
    first = (await ask("POST", "/tweet", ada, {"tweet_data": "hi @bob #x https://x.org"}))["tweet"]
    quote = {"tweet_data": "look", "quote_of_tweet_id": first["tweet_id"], "user_location": "here"}
    await ask("POST", "/tweet", bob, quote)
    reply = {"tweet_data": "@ada yes", "in_reply_to_tweet_id": first["tweet_id"]}
    second = (await ask("POST", "/tweet", bob, reply))["tweet"]
    for verb in ("favorite", "retweet", "bookmark"):
        await ask("POST", f"/tweets/{first['tweet_id']}/{verb}", bob)
    await ask("PATCH", f"/tweets/{second['tweet_id']}", bob, {"tweet_data": "@ada no"})
    for name in ("follow", "mute"):
        await ask("POST", f"/users/ada/{name}", bob)
    for path in ("/users/me", "/users/ada", "/timeline/home", "/timeline/public", "/bookmarks"):
        await ask("GET", path, bob)
    for what in ("tweets", "followers", "following", "favorites"):
        await ask("GET", f"/users/ada/{what}", bob)
    for what in ("", "/versions", "/thread", "/favorites", "/retweets", "/quotes"):
        await ask("GET", f"/tweets/{first['tweet_id']}{what}", bob)
    await ask("GET", f"/tweets/{second['tweet_id']}/thread", ada)
    for verb in ("favorite", "retweet", "bookmark"):
        await ask("DELETE", f"/tweets/{first['tweet_id']}/{verb}", bob)
    for name in ("follow", "mute"):
        await ask("DELETE", f"/users/ada/{name}", bob)
    await ask("DELETE", f"/tweets/{first['tweet_id']}", ada)
    await ask("GET", f"/tweets/{second['tweet_id']}/thread", bob)
    await ask("POST", "/users/ada/block", bob)
    await ask("DELETE", "/users/ada/block", bob)
    key = await ask("POST", "/keys", ada, {"name": "bot"})
    await ask("GET", "/keys", ada)
    await ask("DELETE", f"/keys/{key['key']['key_id']}", ada)
    session = await ask("POST", "/sessions", body={"username": "ada", "password": PASSWORD})
    await ask("DELETE", "/sessions/current", session["api_dev_key"])
    await ask("DELETE", "/users/me", ada, {"password": PASSWORD})
    await ask("GET", "/users/ada", bob)
    await ask("GET", "/bookmarks")
    described = {
        f"{method.upper()} {path}"
        for path, inner in document["paths"].items()
        for method in inner
        if path.startswith(BASE)
    }
    assert described - checked.asked == set()
