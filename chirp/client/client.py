"""The client: one method for each thing that the native API does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from chirp.client.listing import Listing
from chirp.client.shapes import (
    Key,
    KeyCreated,
    Media,
    Page,
    Posted,
    Related,
    Relationship,
    SignedIn,
    Thread,
    Tweet,
    TweetDone,
    User,
    Version,
)
from chirp.client.streaming import Event, Stream
from chirp.client.transport import Request, Transport

T = TypeVar("T")


_LOOK_AGAIN_S = 0.5
"""A video that is being processed is asked for that often."""


class ChirpClient:
    """Talks to one server with one key, or with none.

        async with ChirpClient("http://127.0.0.1:8080", key) as chirp:
            await chirp.post("hello, #world")
            async for tweet in chirp.home():
                print(tweet.user.username, tweet.content)

    Every method raises Refused or Unreachable (`chirp.client.errors`). `retries`: how often a
    request is repeated where that is safe (`chirp.client.transport`). `waits_for_limits`: False
    raises RateLimited at once, where one would be told to come back in minutes.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        retries: int = 4,
        timeout_s: float = 30,
        waits_for_limits: bool = True,
    ) -> None:
        self._url = url.rstrip("/") + "/api/v1"
        self.key = key
        self._retries = retries
        self._waits_for_limits = waits_for_limits
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        self._transport = Transport(
            self._session,
            self._url,
            self.key,
            retries=self._retries,
            waits_for_limits=self._waits_for_limits,
        )
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

    async def edit_profile(
        self,
        *,
        name: str | None = None,
        bio: str | None = None,
        location: str | None = None,
        date_of_birth: str | None = None,
        email: str | None = None,
        new_password: str | None = None,
        password: str | None = None,
    ) -> User:
        """Change one's profile; None stays as it is, "" goes away where it may.

        `password`: where the e-mail or the password changes.
        """
        fields = {
            "name": name,
            "bio": bio,
            "location": location,
            "date_of_birth": date_of_birth,
            "email": email,
            "new_password": new_password,
            "password": password,
        }
        body = {field: value for field, value in fields.items() if value is not None}
        return await self._ask("PATCH", "/users/me", User, body)

    async def close_account(self, password: str) -> None:
        """Remove one's account and everything of it, for ever."""
        await self._ask("DELETE", "/users/me", type(None), {"password": password})

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
        in_reply_to: str | None = None,
        quote_of: str | None = None,
        tweet_location: str | None = None,
        user_location: str | None = None,
        lang: str | None = None,
        media_ids: Sequence[str] = (),
    ) -> Tweet:
        """Post a tweet. However often it must be sent, under its own key it stands once."""
        body = {
            "tweet_data": text,
            "in_reply_to_tweet_id": in_reply_to,
            "media_ids": list(media_ids) or None,
            "quote_of_tweet_id": quote_of,
            "tweet_location": tweet_location,
            "user_location": user_location,
            "lang": lang,
        }
        headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
        return (await self._create("/tweet", Posted, body, headers=headers)).tweet

    async def upload(self, file: bytes, *, alt_text: str = "") -> Media:
        """Upload a photo or a video; return it when it can be shown, or has failed."""
        request = Request("POST", "/media", None, {"alt_text": alt_text}, None, False, file)
        media = await self._transport.ask(request, Media)
        while media.state == "processing":
            await asyncio.sleep(_LOOK_AGAIN_S)
            media = await self._ask("GET", f"/media/{_part(media.media_id)}", Media)
        return media

    async def describe(self, media_id: str, alt_text: str) -> Media:
        """Say what a photo or a video shows."""
        return await self._ask("PATCH", f"/media/{_part(media_id)}", Media, {"alt_text": alt_text})

    async def get(self, tweet_id: str) -> Tweet:
        """Return a tweet."""
        return await self._ask("GET", f"/tweets/{_part(tweet_id)}", Tweet)

    async def delete(self, tweet_id: str) -> None:
        """Delete a tweet of one's own."""
        await self._ask("DELETE", f"/tweets/{_part(tweet_id)}", type(None))

    def stream(self, *, last_id: str | None = None) -> AsyncIterator[Event]:
        """Return what happens in the home timeline, as it happens (`chirp.client.streaming`).

        It goes on until one stops reading; lost connections are made anew. `last_id`: from there.
        """
        return Stream(self._transport, last_id).events()

    async def edit(self, tweet_id: str, text: str) -> Tweet:
        """Change what a tweet of one's own says."""
        path = f"/tweets/{_part(tweet_id)}"
        return (await self._ask("PATCH", path, Posted, {"tweet_data": text})).tweet

    async def favorite(self, tweet_id: str) -> Tweet:
        """Favorite a tweet; again changes nothing."""
        return await self._react("POST", tweet_id, "favorite")

    async def unfavorite(self, tweet_id: str) -> Tweet:
        """Take a favorite back."""
        return await self._react("DELETE", tweet_id, "favorite")

    async def retweet(self, tweet_id: str) -> Tweet:
        """Retweet a tweet; again changes nothing."""
        return await self._react("POST", tweet_id, "retweet")

    async def unretweet(self, tweet_id: str) -> Tweet:
        """Take a retweet back."""
        return await self._react("DELETE", tweet_id, "retweet")

    async def bookmark(self, tweet_id: str) -> Tweet:
        """Bookmark a tweet; again changes nothing."""
        return await self._react("POST", tweet_id, "bookmark")

    async def unbookmark(self, tweet_id: str) -> Tweet:
        """Take a bookmark back."""
        return await self._react("DELETE", tweet_id, "bookmark")

    async def _react(self, method: str, tweet_id: str, what: str) -> Tweet:
        return (await self._ask(method, f"/tweets/{_part(tweet_id)}/{what}", TweetDone)).tweet

    def versions(self, tweet_id: str) -> Listing[Version]:
        """Return what a tweet said, newest first."""
        return Listing(self._transport, f"/tweets/{_part(tweet_id)}/versions", Page[Version], {})

    async def thread(self, tweet_id: str, *, limit: int | None = None) -> Thread:
        """Return a tweet between its ancestors (see `ancestor_of`) and replies to it."""
        query = None if limit is None else {"limit": str(limit)}
        request = Request("GET", f"/tweets/{_part(tweet_id)}/thread", query)
        return await self._transport.ask(request, Thread)

    def favorited_by(self, tweet_id: str, *, limit: int | None = None) -> Listing[User]:
        """Return who favorited a tweet."""
        return self._people(f"/tweets/{_part(tweet_id)}/favorites", limit)

    def retweeted_by(self, tweet_id: str, *, limit: int | None = None) -> Listing[User]:
        """Return who retweeted a tweet."""
        return self._people(f"/tweets/{_part(tweet_id)}/retweets", limit)

    def quotes(self, tweet_id: str, *, limit: int | None = None) -> Listing[Tweet]:
        """Return the quotes of a tweet."""
        return self._tweets(f"/tweets/{_part(tweet_id)}/quotes", {"limit": limit})

    def public(self, *, limit: int | None = None, min_id: str | None = None) -> Listing[Tweet]:
        """Return the public timeline."""
        return self._tweets("/timeline/public", {"limit": limit, "min_id": min_id})

    def bookmarks(self, *, limit: int | None = None) -> Listing[Tweet]:
        """Return one's own bookmarks."""
        return self._tweets("/bookmarks", {"limit": limit})

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

    def favorites(self, username: str, *, limit: int | None = None) -> Listing[Tweet]:
        """Return what a user favorited."""
        return self._tweets(f"/users/{_part(username)}/favorites", {"limit": limit})

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

    async def block(self, username: str) -> Relationship:
        """Block a user: follows end in both directions."""
        return await self._relate("POST", username, "block")

    async def unblock(self, username: str) -> Relationship:
        """Unblock a user."""
        return await self._relate("DELETE", username, "block")

    async def mute(self, username: str) -> Relationship:
        """Mute a user."""
        return await self._relate("POST", username, "mute")

    async def unmute(self, username: str) -> Relationship:
        """Unmute a user."""
        return await self._relate("DELETE", username, "mute")

    async def _relate(self, method: str, username: str, what: str) -> Relationship:
        answer = await self._ask(method, f"/users/{_part(username)}/{what}", Related)
        return answer.relationship


def _part(text: str) -> str:
    """Return a part of a path in which nothing can lead elsewhere."""
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} is neither a name nor an id")
    return quote(text, safe="")
