"""One's own data, all of it, as JSON that is written while it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import orjson
from msgspec.structs import asdict

from chirp.errors import NotFound
from chirp.model import MAX_ID, ApiKey, Tweet, UserId
from chirp.services.accounts import Accounts
from chirp.storage.store import Store
from chirp.views import Viewer

SLICE = 200

Edges = Callable[[int, tuple[int, int] | None, int], Awaitable[Sequence[tuple[int, int]]]]


class Export:
    """Reads everything that belongs to one account."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    async def export(self, viewer: Viewer) -> AsyncIterator[bytes]:
        """Yield one JSON object: account, keys, tweets, favorites, bookmarks, who is followed.

        A key is told without what opens it, a tweet with what it said before each edit.
        Ids are strings, times Unix milliseconds. Nothing of it is held in memory for long.
        Raises: NotFound.
        """
        store, user = self._store, viewer.user_id
        account = await store.directory.find_account(user)
        profile = (await store.users.find_many([user]))[0]
        if account is None or profile is None:
            raise NotFound("no such user")
        private = asdict(account)
        del private["password_hash"]
        yield b'{"account":%b,"profile":%b' % (_json(private), _json(asdict(profile)))
        keys = [_key(key) for key in await self._accounts.keys(viewer)]
        yield b',"keys":%b' % orjson.dumps(keys)
        async for part in self._array("tweets", self._tweets(user)):
            yield part
        for name, edges in (
            ("favorites", store.favorites.newest),
            ("bookmarks", store.bookmarks.newest),
            ("following", store.following.newest),
            ("followers", store.followers.newest),
            ("blocking", store.blocking.newest),
            ("muting", store.muting.newest),
        ):
            async for part in self._array(name, _edges(edges, user)):
                yield part
        yield b"}"

    @staticmethod
    async def _array(name: str, items: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        yield b',"%b":[' % name.encode()
        first = True
        async for item in items:
            yield item if first else b"," + item
            first = False
        yield b"]"

    async def _tweets(self, user: UserId) -> AsyncIterator[bytes]:
        below = MAX_ID + 1
        while ids := await self._store.tweets.ids_of(user, below, SLICE):
            for tweet in await self._store.tweets.find_many(ids):
                if tweet is not None:
                    yield await self._tweet(tweet)
            below = ids[-1]

    async def _tweet(self, tweet: Tweet) -> bytes:
        fields = asdict(tweet)
        fields["entities"] = _entities(tweet)
        fields["versions"] = await self._versions(tweet)
        media = await self._store.media.find_many(tweet.media_ids) if tweet.media_ids else []
        fields["media"] = [
            {"media_id": str(one.media_id), "type": one.kind, "alt_text": one.alt_text,
             "path": f"/media/{one.media_id}/original.{one.original.extension}"}
            for one in media if one is not None
        ]  # fmt: skip
        return _json(fields)

    async def _versions(self, tweet: Tweet) -> list[dict[str, Any]]:
        """Return what a tweet said before it was edited, the newest first."""
        versions: list[dict[str, Any]] = []
        below = tweet.version
        while below > 1 and (
            found := await self._store.tweets.versions(tweet.tweet_id, below, SLICE)
        ):
            versions += map(_version, found)
            below = found[-1].version
        return versions


def _version(tweet: Tweet) -> dict[str, Any]:
    return {
        "version": tweet.version,
        "content": tweet.content,
        "edited_at": tweet.edited_at,
        "entities": _entities(tweet),
    }


def _entities(tweet: Tweet) -> list[dict[str, Any]]:
    return [_readable(asdict(entity)) for entity in tweet.entities]


def _key(key: ApiKey) -> dict[str, Any]:
    """Return what a key is, one by one: its digest must never be among it."""
    return {
        "key_id": str(key.key_id),
        "name": key.name,
        "session": key.is_session,
        "created_at": key.created_at,
        "last_used": key.last_used,
    }


async def _edges(edges: Edges, user: UserId) -> AsyncIterator[bytes]:
    place: tuple[int, int] | None = None
    while found := await edges(user, place, SLICE):
        for at, other in found:
            yield _json({"id": other, "at": at})
        place = found[-1]


def _json(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(_readable(fields))


def _readable(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields whose ids, which are too large for JavaScript's numbers, are strings."""
    return {name: _told(name, value) for name, value in fields.items()}


def _told(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return [str(one) for one in value] if name.endswith("ids") else list(value)
    is_id = name.endswith("id") or name in {"retweet_of", "quote_of"}
    return str(value) if is_id and isinstance(value, int) else value
