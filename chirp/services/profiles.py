"""Profiles: what a viewer sees of a user."""

from __future__ import annotations

from chirp.errors import NotFound
from chirp.model import Role, User
from chirp.policy import profile_visible
from chirp.readers.relationships import relationship
from chirp.readers.users import UserReader
from chirp.storage.store import Store
from chirp.views import UserView, Viewer


class Profiles:
    """Reads profiles for viewers."""

    def __init__(self, store: Store, users: UserReader) -> None:
        self._store = store
        self._users = users

    async def get(self, viewer: Viewer | None, username: str) -> UserView:
        """Return a profile. Raises: NotFound: no such user, or a suspended one."""
        user = await self._users.get_named(username)
        if not profile_visible(user):
            raise NotFound("no such user")
        counts = (await self._store.users.counts_many([user.user_id]))[0]
        viewer_id = None if viewer is None else viewer.user_id
        between = (await relationship(self._store, viewer_id, [user.user_id]))[0]
        return UserView(user, counts, between)

    async def own(self, viewer: Viewer) -> User:
        """Return the viewer's own profile as everybody sees it. Raises: NotFound."""
        return (await self._users.get(viewer.user_id)).user

    async def role(self, viewer: Viewer) -> Role:
        """Return what the viewer may do beyond their own things."""
        account = await self._store.directory.find_account(viewer.user_id)
        return Role.USER if account is None else account.role
