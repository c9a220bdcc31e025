"""`chirp demo`: fills a store with a community."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from chirp.cli.output import Output, json_option
from chirp.cli.running import run
from chirp.clock import SystemClock
from chirp.config_sources import load
from chirp.demo.community import Community, plan
from chirp.demo.files import read_graph, read_texts
from chirp.demo.writing import CommunityWriter, Progress, Written
from chirp.model import UnixMs
from chirp.storage import manifest
from chirp.storage.store import Store, create_store, open_store

LOGIN_FILE = "demo-login.json"
CAST_FILE = "demo-cast.json"
"""Keys of those who go on living in a demo that is served, by username."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What community is asked for."""

    users: int = 1_000
    days: int = 14
    seed: int = 1
    until: UnixMs | None = None
    graph: Path | None = None
    tweets: Path | None = None
    keys_out: Path | None = None
    cast: int = 0


def parse_time(text: str | None) -> UnixMs | None:
    """Return a moment such as 2026-11-23T09:00:00Z. Raises: click.BadParameter.

    Not one to come: ids only rise, so the tweets of real people would be dated after it, too.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time such as 2026-11-23T09:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    at_ms = UnixMs(round(moment.timestamp() * 1000))
    if at_ms > SystemClock().now_ms():
        raise click.BadParameter(f"{text!r} is still to come")
    return at_ms


@click.command("demo", epilog="Example: chirp demo ./data --users 200 --seed 7")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--users",
    type=click.IntRange(2, 1_000_000),
    default=1_000,
    show_default=True,
    help="How many people, without --graph.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=14,
    show_default=True,
    help="Over how many days they wrote.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed, another community."
)
@click.option("--until", help="The time of the newest tweet; now by default.")
@click.option(
    "--graph",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An edge list, plain or .gz: a line 'A B' is A follows B.",
)
@click.option(
    "--tweets",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Tweets to use, one a line, plain or .gz.",
)
@click.option(
    "--keys-out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write everybody's developer keys, as JSON.",
)
@json_option
def demo_command(
    folder: Path,
    users: int,
    days: int,
    seed: int,
    until: str | None,
    graph: Path | None,
    tweets: Path | None,
    keys_out: Path | None,
    as_json: bool,
) -> None:
    """Fill FOLDER with a community that is the same for the same seed and time."""
    options = DemoOptions(users, days, seed, parse_time(until), graph, tweets, keys_out)
    output = Output(as_json=as_json)
    written = run(fill(folder, options, output))
    output.report(
        "A community moved in",
        {"people": written.people, "follows": written.follows, "tweets": written.tweets},
        {"login": written.login, "password": written.password},
    )


async def fill(folder: Path, options: DemoOptions, output: Output) -> Written:
    """Make the store when there is none, and fill it. Raises: StoreNotEmpty, OpenError."""
    config = load(None, os.environ, {})
    community = _plan(options, config.tweets.max_weight)
    if not manifest.exists(folder):
        storage = config.storage
        create_store(folder, SystemClock(), shards=storage.shards, id_layout=storage.id_layout)
    store = await open_store(folder)
    try:
        with output.progress() as progress:
            written = await _write(store, community, options, progress)
    finally:
        await store.close()
    _remember_login(folder, written)
    if options.cast:
        cast = dict(list(written.secrets.items())[: options.cast])
        write_private(folder / CAST_FILE, json.dumps(cast, indent=1))
    return written


def _plan(options: DemoOptions, max_weight: int) -> Community:
    graph = None if options.graph is None else read_graph(options.graph)
    texts = None if options.tweets is None else read_texts(options.tweets, max_weight).texts
    return plan(
        users=options.users,
        days=options.days,
        seed=options.seed,
        until=options.until or SystemClock().now_ms(),
        labels=None if graph is None else graph.labels,
        edges=None if graph is None else graph.edges,
        texts=texts,
    )


async def _write(
    store: Store, community: Community, options: DemoOptions, progress: Progress
) -> Written:
    writer = CommunityWriter(store, community, progress)
    password = secrets.token_urlsafe(9)
    with_keys = options.keys_out is not None or options.cast > 0
    written = await writer.write(password, with_keys=with_keys)
    if options.keys_out is not None:
        write_private(options.keys_out, json.dumps(written.secrets, indent=1))
    return written


def _remember_login(folder: Path, written: Written) -> None:
    login = {
        "username": written.login,
        "password": written.password,
        "api_dev_key": written.secrets[written.login],
    }
    write_private(folder / LOGIN_FILE, json.dumps(login, indent=1))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read: it holds secrets."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
