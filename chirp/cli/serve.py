"""`chirp serve`: the server."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console

from chirp.app import Chirp
from chirp.cli.running import log_to_stderr, run
from chirp.clock import SystemClock
from chirp.config import load
from chirp.serving import serve
from chirp.storage import manifest
from chirp.storage.store import create_store


@click.command("serve")
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
def serve_command(file: Path | None, data: Path, host: str | None, port: int | None) -> None:
    r"""Run the server until it is stopped with Ctrl-C or SIGTERM.

    \b
    Example: chirp serve --data ./data --port 8080
    """
    log_to_stderr()
    config = load(file, os.environ, {"server.host": host, "server.port": port})
    if not manifest.exists(data):
        storage = config.storage
        create_store(data, SystemClock(), shards=storage.shards, id_layout=storage.id_layout)
    run(serve(data, config, _greet))


async def _greet(chirp: Chirp) -> None:
    console = Console()
    console.print(f"[bold]Chirp[/] is ready on [link]{chirp.config.public_url}[/link]")
