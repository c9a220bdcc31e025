"""Servers with a rule of registration, and words for moderators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from chirp.commands import Register
from chirp.config import AccountRules, Audit, Config
from chirp.model import Role
from chirp.storage import manifest
from chirp.storage.store import Options, Store, create_store, open_store
from chirp.views import Viewer
from tests.support.clock import FixedClock
from tests.support.driver import PASSWORD, Driver, config

SMALL = Audit(
    same_text_accounts=3, links_per_account=4, mentions_per_account=3, new_accounts_per_host=3
)
"""Limits that a test reaches in a few tweets."""


def ruled(rule: str = "open", audit: Audit = SMALL) -> Config:
    """Return the tests' settings with a rule of registration and limits of the audit."""
    return replace(config(), accounts=AccountRules(rule), audit=audit)


def form(username: str = "ada", **fields: str) -> Register:
    """Return what somebody fills in."""
    given = {"name": username.title(), "email": f"{username}@example.org"} | fields
    return Register(username, password=PASSWORD, **given)


@asynccontextmanager
async def serving(rule: str = "open", store: Store | None = None) -> AsyncIterator[Driver]:
    """Run a server with a rule."""
    driver = await Driver.open(store, ruled(rule))
    try:
        yield driver
    finally:
        await driver.close()


async def on_disk(path: Path, rule: str, clock: FixedClock) -> Driver:
    """Return a server on LMDB files, made when there are none."""
    if not manifest.exists(path):
        create_store(path, clock, shards=2)
    store = await open_store(path, Options(map_bytes=1 << 26))
    return await Driver.open(store, ruled(rule), clock)


async def staff(chirp: Driver, roles: Mapping[str, Role] | None = None) -> list[Viewer]:
    """Register people with roles: by default "boss", an admin, and "mod", a moderator."""
    found = []
    for name, role in (roles or {"boss": Role.ADMIN, "mod": Role.MODERATOR}).items():
        found.append(await chirp.register(name))
        await chirp.server.administration.set_role(name, role)
    return found
