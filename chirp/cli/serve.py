"""`chirp serve`: the server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import click
from rich.console import Console
from rich.style import Style
from rich.text import Text

from chirp.app import Chirp
from chirp.cli.demo import CAST_FILE, LOGIN_FILE, DemoOptions, fill
from chirp.cli.output import Output, console, literal
from chirp.cli.running import log_to_stderr, run
from chirp.clock import SystemClock
from chirp.config import Registration, Server
from chirp.config_sources import load
from chirp.demo.life import Life
from chirp.serving import refuse_taken, serve
from chirp.storage import manifest
from chirp.storage.store import create_store, open_store

CAST = 25
"""How many people of the demo go on living."""


@click.command("serve", epilog="Example: chirp serve --data ./data --port 8080 --demo")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file of settings.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="The store's folder; made when there is none.",
)
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="The port to listen on.  [default: 8080]"
)
@click.option(
    "--demo", is_flag=True, help="Fill an empty store with people first, and let them live."
)
def serve_command(
    file: Path | None, data: Path, host: str | None, port: int | None, demo: bool
) -> None:
    """Run the server until it is stopped with Ctrl-C or SIGTERM."""
    log_to_stderr()
    config = load(file, os.environ, {"server.host": host, "server.port": port})
    if not manifest.exists(data):
        refuse_taken(data, config.server)
        storage = config.storage
        create_store(data, SystemClock(), shards=storage.shards, id_layout=storage.id_layout)
    if demo and run(is_empty(data)):
        refuse_taken(data, config.server)
        run(fill(data, DemoOptions(cast=CAST), Output()))

    async def ready(chirp: Chirp) -> None:
        cast = _read(data / CAST_FILE)
        if demo and cast and not config.server.tls_cert:
            friends = sorted(cast.items())
            life = Life(_own_address(config.server), friends, chirp.clock, Random())  # noqa: S311  (a game)
            chirp.tasks.start("demo-life", life.run())
        greet(chirp.config.public_url, demo_login(data), chirp.config.registration)

    run(serve(data, config, ready))


async def is_empty(folder: Path) -> bool:
    """Say whether nobody has an account in a store. Raises: OpenError."""
    store = await open_store(folder)
    try:
        return not await store.greatest_id()
    finally:
        await store.close()


def demo_login(folder: Path) -> dict[str, str] | None:
    """Return the demo's login, when a demo community lives in this store."""
    return _read(folder / LOGIN_FILE)


def _read(path: Path) -> dict[str, str] | None:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _own_address(server: Server) -> str:
    """Return where the server reaches itself."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(server.host, server.host)  # noqa: S104
    return f"http://{host}:{server.port}"


_WORDS = {
    Registration.INVITE: "by invite: chirp invite create, while the server is stopped",
    Registration.APPROVAL: "by approval: people wait until a moderator lets them in",
    Registration.CLOSED: "closed: chirp user create, while the server is stopped",
}
"""What an operator should know where registration is not open."""


def greet(url: str, login: dict[str, str] | None, rule: Registration) -> None:
    """Tell a person where the server is and what to try."""
    screen, address = console(), literal(url)
    link = Text(address, style=Style(link=address))
    ready = Text.assemble("\n", ("Chirp is ready:", "bold"), " ", link, "   (Ctrl-C stops it)")
    screen.print(ready, soft_wrap=True)
    if rule in _WORDS:
        screen.print(f"Registration is {_WORDS[rule]}", soft_wrap=True)
    if login is None:
        if rule in {Registration.INVITE, Registration.CLOSED}:
            return
        sign_up = f"{address}/api/v1/users -d username=ada -d name=Ada -d email=ada@example.org"
        screen.print("Make an account:", style="dim")
        screen.print(f"  curl {sign_up} -d password=correct-horse\n", soft_wrap=True)
        return
    _greet_demo(screen, address, {name: literal(value) for name, value in login.items()})


def _greet_demo(screen: Console, url: str, login: dict[str, str]) -> None:
    """Tell how to be the demo's main person."""
    name, password, key = login["username"], login["password"], login["api_dev_key"]
    words = ("Sign in to the demo as ", (name, "bold"), " with the password ", (password, "bold"))
    screen.print(Text.assemble(*words), soft_wrap=True)
    screen.print("Or go straight in with that account's key:", style="dim")
    for line in (
        f"export KEY={key}",
        f'curl -H "X-API-Key: $KEY" "{url}/api/v1/timeline/home?limit=5"',
        f'curl -H "X-API-Key: $KEY" {url}/api/v1/tweet -d tweet_data="hello, world"',
        f"curl {url}/api/v1/users/{name}",
    ):
        screen.print(f"  {line}", soft_wrap=True)
    screen.print()
