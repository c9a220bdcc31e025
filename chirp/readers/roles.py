"""Reads what a viewer may do beyond their own things."""

from __future__ import annotations

from chirp.errors import Forbidden
from chirp.model import SHELL, Role
from chirp.storage.store import Store
from chirp.views import Viewer

OPERATOR = Viewer(SHELL, b"")
"""Who acts from the shell: may do everything, and has no account."""


async def require_role(store: Store, viewer: Viewer, least: Role) -> Role:
    """Return the viewer's role as it is stored now, not as a cache knew it.

    Raises: Forbidden: it is below `least`.
    """
    if viewer.user_id == SHELL:
        return Role.ADMIN
    account = await store.directory.find_account(viewer.user_id)
    role = Role.USER if account is None else account.role
    if role < least:
        raise Forbidden(f"this is for accounts with the role {least.name.lower()}")
    return role
