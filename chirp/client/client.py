"""The client: one method for each thing that the native API does."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from chirp.client.listing import Listing
from chirp.client.shapes import (
    Key,
    KeyCreated,
    Page,
    Posted,
    Related,
    Relationship,
    SignedIn,
    Tweet,
    User,
)
from chirp.client.transport import Request, Transport

T = TypeVar("T")


class ChirpClient:
    """Talks to one server with one key, or with none.

        async with ChirpClient("http://127.0.0.1:8080", key) as chirp:
            await chirp.post("hello, #world")
            async for tweet in chirp.home():
                print(tweet.user.username, tweet.content)

    Every method raises Refused or Unreachable (`chirp.client.errors`). `retries`: how often a
    request is repeated where that is safe (`chirp.client.transport`).
    """

    def __init__(
        self, url: str, key: str | None = None, *, retries: int = 4, timeout_s: float = 30
    ) -> None:
        self._url = url.rstrip("/") + "/api/v1"
        self._key = key
        self._retries = retries
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        self._transport = Transport(self._session, self._url, self._key, retries=self._retries)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask(
        self, method: str, path: str, kind: type[T], body: dict[str, Any] | None = None
    ) -> T:
        return await self._transport.ask(Request(method, path, body=body), kind)

    async def _create(
        self, path: str, kind: type[T], body: dict[str, Any], *, headers: dict[str, str]
    ) -> T:
        """Send what makes something new: repeated only under an idempotency key."""
        given = {name: value for name, value in body.items() if value is not None}
        request = Request("POST", path, None, given, headers, repeatable=bool(headers))
        return await self._transport.ask(request, kind)

    # -- accounts and keys --------------------------------------------------------------

    async def register(
        self,
        username: str,
        name: str,
        email: str,
        password: str,
        *,
        date_of_birth: str | None = None,
    ) -> SignedIn:
        """Make an account; the answer holds its first key."""
        body = {"username": username, "name": name, "email": email, "password": password}
        body |= {} if date_of_birth is None else {"date_of_birth": date_of_birth}
        return await self._create("/users", SignedIn, body, headers={})

    async def sign_in(self, login: str, password: str) -> SignedIn:
        """Make a key for an account, by its username or e-mail."""
        field = "email" if "@" in login else "username"
        body = {field: login, "password": password}
        return await self._create("/sessions", SignedIn, body, headers={})

    async def sign_out(self) -> None:
        """Revoke the key of this client."""
        await self._ask("DELETE", "/sessions/current", type(None))

    async def me(self) -> User:
        """Return one's own profile."""
        return await self._ask("GET", "/users/me", User)

    async def keys(self) -> tuple[Key, ...]:
        """Return one's keys, without their secrets."""
        return (await self._ask("GET", "/keys", Page[Key])).data

    async def create_key(self, name: str) -> KeyCreated:
        """Make a key; its secret is shown this once."""
        return await self._create("/keys", KeyCreated, {"name": name}, headers={})

    async def revoke_key(self, key_id: str) -> None:
        """Revoke a key of one's own."""
        await self._ask("DELETE", f"/keys/{_part(key_id)}", type(None))

    # -- tweets and timelines -----------------------------------------------------------

    async def post(
        self,
        text: str,
        *,
        idempotency_key: str | None = None,
        tweet_location: str | None = None,
        user_location: str | None = None,
        lang: str | None = None,
    ) -> Tweet:
        """Post a tweet. However often it must be sent, under its own key it stands once."""
        body = {
            "tweet_data": text,
            "tweet_location": tweet_location,
            "user_location": user_location,
            "lang": lang,
        }
        headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
        return (await self._create("/tweet", Posted, body, headers=headers)).tweet

    async def get(self, tweet_id: str) -> Tweet:
        """Return a tweet."""
        return await self._ask("GET", f"/tweets/{_part(tweet_id)}", Tweet)

    async def delete(self, tweet_id: str) -> None:
        """Delete a tweet of one's own."""
        await self._ask("DELETE", f"/tweets/{_part(tweet_id)}", type(None))

    def home(
        self,
        *,
        limit: int | None = None,
        max_id: str | None = None,
        since_id: str | None = None,
        min_id: str | None = None,
    ) -> Listing[Tweet]:
        """Return the home timeline."""
        query = {"limit": limit, "max_id": max_id, "since_id": since_id, "min_id": min_id}
        return self._tweets("/timeline/home", query)

    def _tweets(self, path: str, query: dict[str, Any]) -> Listing[Tweet]:
        return Listing(self._transport, path, Page[Tweet], query)

    # -- people -------------------------------------------------------------------------

    async def user(self, username: str) -> User:
        """Return a profile."""
        return await self._ask("GET", f"/users/{_part(username)}", User)

    def tweets(
        self,
        username: str,
        *,
        limit: int | None = None,
        max_id: str | None = None,
        since_id: str | None = None,
        min_id: str | None = None,
        exclude_replies: bool | None = None,
        only_media: bool | None = None,
    ) -> Listing[Tweet]:
        """Return the tweets of a user."""
        query = {"limit": limit, "max_id": max_id, "since_id": since_id, "min_id": min_id}
        filters = {"exclude_replies": exclude_replies, "only_media": only_media}
        return self._tweets(f"/users/{_part(username)}/tweets", query | filters)

    def followers(self, username: str, *, limit: int | None = None) -> Listing[User]:
        """Return who follows a user."""
        return self._people(f"/users/{_part(username)}/followers", limit)

    def following(self, username: str, *, limit: int | None = None) -> Listing[User]:
        """Return whom a user follows."""
        return self._people(f"/users/{_part(username)}/following", limit)

    def _people(self, path: str, limit: int | None) -> Listing[User]:
        return Listing(self._transport, path, Page[User], {"limit": limit})

    async def follow(self, username: str) -> Relationship:
        """Follow a user; again changes nothing."""
        return await self._relate("POST", username, "follow")

    async def unfollow(self, username: str) -> Relationship:
        """Unfollow a user; again changes nothing."""
        return await self._relate("DELETE", username, "follow")

    async def _relate(self, method: str, username: str, what: str) -> Relationship:
        answer = await self._ask(method, f"/users/{_part(username)}/{what}", Related)
        return answer.relationship


def _part(text: str) -> str:
    """Return a part of a path in which nothing can lead elsewhere."""
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} is neither a name nor an id")
    return quote(text, safe="")
