"""What is promised of an answer is what it holds, field by field, for real answers."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import FormData
from jsonschema import Draft202012Validator

from chirp.api.routes import BASE
from tests.support.admission import serving, staff
from tests.support.driver import PASSWORD
from tests.support.pictures import drawn, encoded
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

    async def ask(
        self, method: str, path: str, key: str | None = None, body: Any = None, **options: Any
    ) -> Any:
        options |= {} if body is None else {"json": body}
        answer = await self._http.ask(method, path, key, **options)
        template = self.template_of(method, BASE + path.split("?", maxsplit=1)[0])
        schema = schema_of(self._document, method, template, answer.status)
        found = answer.json if answer.raw else None
        Draft202012Validator(schema).validate(found)
        if answer.status < 400:
            self.asked.add(f"{method} {template}")
        return found


async def sign_up(checked: Checked, name: str) -> str:
    fields = {"username": name, "name": name, "email": f"{name}@x.org", "password": PASSWORD}
    return str((await checked.ask("POST", "/users", body=fields))["api_dev_key"])


async def tweets(checked: Checked, ada: str, bob: str) -> None:
    """Ask for everything about tweets that have all that tweets may have."""
    ask = checked.ask
    first = (await ask("POST", "/tweet", ada, {"tweet_data": "hi @bob #x https://x.org"}))["tweet"]
    of_first = f"/tweets/{first['tweet_id']}"
    quote = {"tweet_data": "look", "quote_of_tweet_id": first["tweet_id"], "user_location": "here"}
    await ask("POST", "/tweet", bob, quote)
    reply = {"tweet_data": "@ada yes", "in_reply_to_tweet_id": first["tweet_id"]}
    second = f"/tweets/{(await ask('POST', '/tweet', bob, reply))['tweet']['tweet_id']}"
    await ask("PATCH", second, bob, {"tweet_data": "@ada no"})
    for verb in ("favorite", "retweet", "bookmark"):
        await ask("POST", f"{of_first}/{verb}", bob)
    for path in ("/timeline/home", "/timeline/public", "/bookmarks", "/users/bob/favorites"):
        await ask("GET", path, bob)
    for what in ("", "/versions", "/thread", "/favorites", "/retweets", "/quotes"):
        await ask("GET", f"{of_first}{what}", bob)
    for verb in ("favorite", "retweet", "bookmark"):
        await ask("DELETE", f"{of_first}/{verb}", bob)
    await ask("GET", f"{second}/thread", ada)
    await ask("DELETE", of_first, ada)
    await ask("GET", f"{second}/thread", bob)  # with a tombstone


async def people(checked: Checked, bob: str) -> None:
    """Ask for everything about people and how they stand to each other."""
    for verb in ("follow", "mute", "block"):
        await checked.ask("POST", f"/users/ada/{verb}", bob)
        for what in ("", "/tweets", "/followers", "/following"):
            await checked.ask("GET", f"/users/ada{what}", bob)
        await checked.ask("GET", "/users/bob/following")
        await checked.ask("DELETE", f"/users/ada/{verb}", bob)


async def account(checked: Checked, ada: str) -> None:
    """Ask for everything about one's own account, and end it."""
    ask = checked.ask
    await ask("PATCH", "/users/me", ada, {"bio": "hi", "location": "London"})
    await ask("GET", "/users/me", ada)
    key = await ask("POST", "/keys", ada, {"name": "bot"})
    await ask("GET", "/keys", ada)
    await ask("DELETE", f"/keys/{key['key']['key_id']}", ada)
    session = await ask("POST", "/sessions", body={"username": "ada", "password": PASSWORD})
    await ask("DELETE", "/sessions/current", session["api_dev_key"])
    await ask("GET", "/bookmarks")  # refused
    await ask("DELETE", "/users/me", ada, {"password": PASSWORD})


async def moderation(checked: Checked, boss: str, mod: str, http: Http) -> None:
    """Ask for everything that moderators and admins do."""
    ask = checked.ask
    spam = {"tweet_data": "Buy these marvellous pills today"}
    for name in ("ada", "bob", "cy"):
        key = await sign_up(checked, name)
        await ask("POST", f"/admin/registrations/{name}/approve", mod)
        await ask("POST", "/tweet", key, spam)
    tweet = (await ask("GET", "/users/cy/tweets"))["data"][0]
    await sign_up(checked, "dan")
    await ask("GET", "/admin/registrations", mod)
    await ask("POST", "/admin/registrations/dan/reject", mod)
    await http.chirp.server.journal.wait_idle()
    await ask("POST", "/admin/users/cy/suspend", mod, {"note": "spam"})
    await ask("POST", "/admin/users/cy/unsuspend", mod)
    await ask("GET", "/admin/flags", mod)
    await ask("DELETE", f"/admin/tweets/{tweet['tweet_id']}", mod)
    await ask("POST", f"/admin/flags/{tweet['tweet_id']}/close", mod)
    await ask("GET", "/admin/flags?state=all", mod)
    invite = await ask("POST", "/admin/invites", boss, {"uses": 1})
    await ask("GET", "/admin/invites", boss)
    await ask("DELETE", f"/admin/invites/{invite['invite']['invite_id']}", boss)
    await ask("GET", "/admin/actions", mod)


async def media(checked: Checked, key: str) -> None:
    """Upload a photo, describe it and show it."""
    form = FormData({"alt_text": "a gradient"})
    form.add_field("file", encoded(drawn(), "PNG"), filename="x.png")
    made = await checked.ask("POST", "/media", key, data=form)
    await checked.ask("GET", f"/media/{made['media_id']}", key)
    await checked.ask("PATCH", f"/media/{made['media_id']}", key, {"alt_text": "a fine gradient"})
    await checked.ask("POST", "/tweet", key, {"media_ids": [made["media_id"]]})


async def test_every_answer_is_as_it_is_described(http: Http) -> None:
    document = (await http.get("//openapi.json")).json
    checked = Checked(http, document)
    ada, bob = await sign_up(checked, "ada"), await sign_up(checked, "bob")
    await people(checked, bob)
    await tweets(checked, ada, bob)
    await media(checked, bob)
    await account(checked, ada)
    async with serving("approval") as chirp, Http(chirp) as site:
        boss, mod = [chirp.secrets[one.user_id] for one in await staff(chirp)]
        moderated = Checked(site, document)
        await moderation(moderated, boss, mod, site)
    described = {
        f"{method.upper()} {path}"
        for path, inner in document["paths"].items()
        for method in inner
        if path.startswith(BASE)
    }
    # What a stream sends is no JSON.
    assert described - checked.asked - moderated.asked == {f"GET {BASE}/stream"}
