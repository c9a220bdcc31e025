"""Reads profiles, by id and by name; the ones in use stay in memory."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakValueDictionary

from chirp.cache.lru import LruMap
from chirp.cache.revision import Revision
from chirp.errors import NotFound
from chirp.model import User, UserId
from chirp.storage.store import Store
from chirp.views import CachedUser

NOBODY = UserId(0)
"""No user has this id."""

_WEIGHT_BYTES = 900
"""A CachedUser with its User and an encoded segment."""


class UserReader:
    """Profiles and who is behind a name."""

    def __init__(self, store: Store, cache: LruMap[int, CachedUser], revision: Revision) -> None:
        self._store = store
        self._revision = revision
        self._cache = cache
        # Tweets hold their authors: whoever is in use anywhere is found here, and only once.
        self._known: WeakValueDictionary[int, CachedUser] = WeakValueDictionary()

    async def find_many(self, ids: Sequence[UserId]) -> list[CachedUser | None]:
        """Return the profiles in the order of `ids`; None where there is none. O(len(ids))."""
        found = [self._cache.get(user_id) for user_id in ids]
        if None in found:
            places = [place for place, cached in enumerate(found) if cached is None]
            users = await self._store.users.find_many([ids[place] for place in places])
            for place, user in zip(places, users, strict=True):
                found[place] = None if user is None else self.remember(user)
        return found

    async def get(self, user_id: UserId) -> CachedUser:
        """Return one profile. Raises: NotFound."""
        cached = (await self.find_many([user_id]))[0]
        if cached is None:
            raise NotFound("no such user")
        return cached

    async def find_names(self, usernames: Sequence[str]) -> list[UserId | None]:
        """Return the ids behind usernames, whatever their case. O(len(usernames)).

        Whoever waits for approval has a name and no profile, and is nobody to others.
        """
        ids = await self._store.directory.find_many(usernames)
        known = await self.find_many([user_id or NOBODY for user_id in ids])
        return [None if who is None else who.user.user_id for who in known]

    async def get_named(self, username: str) -> User:
        """Return the profile behind a username. Raises: NotFound."""
        user_id = (await self.find_names([username]))[0] if _could_be(username) else None
        if user_id is None:
            raise NotFound("no such user")
        return (await self.get(user_id)).user

    def forget(self, user_id: UserId) -> None:
        """Drop the profile of somebody who is gone. O(1)."""
        self._revision.bump()
        self._cache.delete(user_id)
        self._known.pop(user_id, None)

    def remember(self, user: User) -> CachedUser:
        """Keep a profile, unless a newer version is known already. O(1)."""
        cached = self._known.get(user.user_id)
        if cached is None:
            cached = self._known[user.user_id] = CachedUser(user)
        elif cached.user.version < user.version:
            cached.user, cached.json = user, None
            self._revision.bump()
        self._cache.put(user.user_id, cached, _WEIGHT_BYTES)
        return cached


def _could_be(username: str) -> bool:
    return 0 < len(username) <= 15 and username.isascii()
