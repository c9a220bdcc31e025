"""`chirp user` and `chirp key`: accounts from the shell, while the server is stopped."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from chirp.app import Chirp
from chirp.cli.output import Output, json_option
from chirp.cli.running import run
from chirp.clock import SystemClock
from chirp.commands import CreateKey, Register
from chirp.config_sources import load
from chirp.model import Account, ApiKey, KeyId, Role, UnixMs
from chirp.storage.store import open_store
from chirp.views import Viewer

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="The store's folder.",
)
username_argument = click.argument("username")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Chirp]:
    """Open a store with all its services, without listening. Raises: OpenError."""
    config = load(None, os.environ, {"cache.warm": False})
    store = await open_store(folder)
    try:
        chirp = await Chirp.open(store, config, SystemClock())
        try:
            yield chirp
        finally:
            await chirp.close()
    finally:
        await store.close()


@click.group("user", epilog="Example: chirp user create ada --email ada@example.org")
def user_group() -> None:
    """Look after accounts, while the server is stopped."""


@user_group.command(
    "create", epilog='Example: chirp user create ada --email ada@example.org --name "Ada Lovelace"'
)
@username_argument
@click.option("--email", required=True, help="The account's address.")
@click.option("--name", help="The name that people see; the username by default.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@data_option
@json_option
def create_user(
    username: str, email: str, name: str | None, password_stdin: bool, data: Path, as_json: bool
) -> None:
    """Make an account; without --password-stdin it gets a random password, shown once."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    command = Register(username, name or username, email, password)

    async def work() -> None:
        async with opened(data) as chirp:
            await chirp.registrations.create(command)

    run(work())
    shown = {} if password_stdin else {"password": password}
    Output(as_json=as_json).report("Account made", {"username": username, "email": email}, shown)


@user_group.command("list", epilog="Example: chirp user list --data ./data")
@click.option("--waiting", is_flag=True, help="Only those who wait for approval.")
@data_option
@json_option
def list_users(waiting: bool, data: Path, as_json: bool) -> None:
    """List all accounts, oldest first."""

    async def work() -> list[Account]:
        async with opened(data) as chirp:
            return await chirp.administration.accounts(waiting=waiting)

    columns = ("username", "email", "role", "suspended", "last_login")
    rows = [
        (a.username, a.email, a.role.name.lower(), a.suspended, moment(a.last_login))
        for a in run(work())
    ]
    Output(as_json=as_json).rows("Accounts", columns, rows)


def moment(at: UnixMs | None) -> str | None:
    """Return a time for people, in UTC.

    >>> moment(UnixMs(1_483_228_800_000))
    '2017-01-01 00:00:00'
    """
    return None if at is None else f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%d %H:%M:%S}"


@user_group.command("show", epilog="Example: chirp user show ada")
@username_argument
@data_option
@json_option
def show_user(username: str, data: Path, as_json: bool) -> None:
    """Show one account."""

    async def work() -> dict[str, object]:
        async with opened(data) as chirp:
            account = await chirp.administration.get(username)
            view = await chirp.accounts.me(Viewer(account.user_id, b""))
            keys = await chirp.administration.keys(username)
            return {
                "username": account.username,
                "name": view.user.name,
                "email": account.email,
                "role": account.role.name.lower(),
                "suspended": account.suspended,
                "created": moment(view.user.created_at),
                "last login": moment(account.last_login),
                "followers": view.counts.followers,
                "following": view.counts.following,
                "tweets": view.counts.tweets,
                "keys": len(keys),
            }

    Output(as_json=as_json).report(f"@{username}", run(work()))


@user_group.command("suspend", epilog="Example: chirp user suspend troll")
@username_argument
@click.option("--lift", is_flag=True, help="End a suspension.")
@data_option
def suspend_user(username: str, lift: bool, data: Path) -> None:
    """Suspend an account: its keys stop working and its tweets are hidden."""

    async def work() -> None:
        async with opened(data) as chirp:
            await chirp.administration.suspend(username, suspended=not lift)

    run(work())
    Output().say(f"{username} is {'no longer ' if lift else ''}suspended")


@user_group.command("delete", epilog="Example: chirp user delete ada --yes")
@username_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def delete_user(username: str, yes: bool, data: Path) -> None:
    """Delete an account with all its tweets and follows. There is no way back."""
    if not yes:
        click.confirm(f"Delete {username} and everything they wrote?", abort=True)

    async def work() -> int:
        async with opened(data) as chirp:
            return await chirp.administration.delete(username)

    Output().say(f"{username} is deleted, with {run(work()):,} tweets")


@user_group.command("set-role", epilog="Example: chirp user set-role ada admin")
@username_argument
@click.argument("role", type=click.Choice([role.name.lower() for role in Role]))
@data_option
def set_role(username: str, role: str, data: Path) -> None:
    """Give an account a role."""

    async def work() -> None:
        async with opened(data) as chirp:
            await chirp.administration.set_role(username, Role[role.upper()])

    run(work())
    Output().say(f"{username} is now {role}")


@user_group.command("reset-password", epilog="Example: chirp user reset-password ada")
@username_argument
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@data_option
@json_option
def reset_password(username: str, password_stdin: bool, data: Path, as_json: bool) -> None:
    """Set a new password (random, shown once, by default) and end all sessions."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)

    async def work() -> None:
        async with opened(data) as chirp:
            await chirp.administration.reset_password(username, password)

    run(work())
    shown = {} if password_stdin else {"password": password}
    Output(as_json=as_json).report("Password set", {"username": username}, shown)


@click.group("key", epilog="Example: chirp key create ada --name bot")
def key_group() -> None:
    """Look after developer keys, while the server is stopped."""


@key_group.command("create", epilog="Example: chirp key create ada --name bot")
@username_argument
@click.option("--name", default="shell", show_default=True, help="What the key is for.")
@data_option
@json_option
def create_key(username: str, name: str, data: Path, as_json: bool) -> None:
    """Make a developer key for an account; it is shown this once."""

    async def work() -> tuple[ApiKey, str]:
        async with opened(data) as chirp:
            account = await chirp.administration.get(username)
            viewer = Viewer(account.user_id, b"")
            return await chirp.accounts.create_key(viewer, CreateKey(name))

    key, secret = run(work())
    figures = {"key_id": str(key.key_id), "name": key.name, "api_dev_key": secret}
    Output(as_json=as_json).report(f"Key of @{username}", figures)


@key_group.command("list", epilog="Example: chirp key list ada")
@username_argument
@data_option
@json_option
def list_keys(username: str, data: Path, as_json: bool) -> None:
    """List the keys of an account; secrets are not kept and cannot be shown."""

    async def work() -> list[ApiKey]:
        async with opened(data) as chirp:
            return await chirp.administration.keys(username)

    rows = [
        (
            str(k.key_id),
            k.name,
            "session" if k.is_session else "key",
            moment(k.created_at),
            moment(k.last_used),
        )
        for k in run(work())
    ]
    columns = ("key_id", "name", "kind", "created", "last used")
    Output(as_json=as_json).rows(f"Keys of @{username}", columns, rows)


@key_group.command("revoke", epilog="Example: chirp key revoke ada 117667410676678656")
@username_argument
@click.argument("key_id", type=click.IntRange(min=1))
@data_option
def revoke_key(username: str, key_id: int, data: Path) -> None:
    """Make a key of an account invalid."""

    async def work() -> None:
        async with opened(data) as chirp:
            account = await chirp.administration.get(username)
            await chirp.accounts.revoke(Viewer(account.user_id, b""), KeyId(key_id))

    run(work())
    Output().say(f"key {key_id} of {username} is revoked")
