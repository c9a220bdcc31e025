"""Finding people by name."""

from __future__ import annotations

import asyncio

from chirp.model import UserId
from chirp.readers.people import PeopleReader
from chirp.readers.sights import SightReader
from chirp.storage.store import Store
from chirp.views import UserView, Viewer

SLICE = 500
MOST_LOOKED_AT = 50_000
"""So many profiles are looked through; in a larger community, a name has to be written whole."""


class PeopleSearch:
    """People whose username or name has the words that are asked for."""

    def __init__(self, store: Store, people: PeopleReader, sights: SightReader) -> None:
        self._store = store
        self._people = people
        self._sights = sights

    async def find(self, viewer: Viewer | None, words: str, limit: int) -> list[UserView]:
        """Return up to `limit` people: the username itself first, then by how well they fit.

        Reads all profiles, in slices; suspended ones and who blocks are left out.
        """
        wanted = words.strip().lstrip("@").casefold()
        if not wanted:
            return []
        exact = [one for one in await self._store.directory.find_many([wanted]) if one]
        ids = exact + await self._fitting(wanted, limit)
        sight = await self._sights.get(None if viewer is None else viewer.user_id)
        views = await self._people.views(sight, list(dict.fromkeys(ids)))
        return [view for view in views if not view.user.suspended][:limit]

    async def _fitting(self, wanted: str, limit: int) -> list[UserId]:
        found: list[tuple[int, str, UserId]] = []
        ids = (await self._store.users.all_ids())[:MOST_LOOKED_AT]
        for start in range(0, len(ids), SLICE):
            for user in await self._store.users.find_many(ids[start : start + SLICE]):
                rank = None if user is None else fit(user.username, user.name, wanted)
                if user is not None and rank is not None:
                    found.append((rank, user.username.casefold(), user.user_id))
            await asyncio.sleep(0)
        return [user_id for _, _, user_id in sorted(found)[: limit * 2]]


def fit(username: str, name: str, wanted: str) -> int | None:
    """Return how well somebody fits, 0 best; None: not at all. `wanted` is case-folded.

    >>> fit("ada", "Ada Lovelace", "love"), fit("ada", "Ada Lovelace", "x")
    (2, None)
    """
    username, name = username.casefold(), name.casefold()
    if username.startswith(wanted):
        return 0
    if name.startswith(wanted):
        return 1
    if any(word.startswith(wanted) for word in name.split()):
        return 2
    return 3 if wanted in username or wanted in name else None
