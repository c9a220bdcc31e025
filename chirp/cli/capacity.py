"""`chirp capacity`: how many people and tweets fit this machine, by what was measured on it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import click

from chirp.cli.output import Output, json_option
from chirp.cli.running import run
from chirp.cli.stores import TWEET_TABLES, folder_argument
from chirp.load.errors import BenchFailed
from chirp.load.sizing import Measured, sizing_of
from chirp.storage.engine import EngineStats
from chirp.storage.store import open_store

_PER_TWEET = ("replies", "tweet_counts")
_PER_FAVORITE = ("marks", "favorites", "favorited_by")


@click.command("capacity", epilog="Example: chirp capacity ./scratch --report bench.json")
@folder_argument
@click.option(
    "--report",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="What chirp bench --mix requirements --capacity 20 --json wrote.",
)
@click.option("--disk-gb", type=click.IntRange(1), help="Instead of what is free where FOLDER is.")
@json_option
def capacity_command(folder: Path, report: Path, disk_gb: int | None, as_json: bool) -> None:
    """Say how many people and tweets fit, by a load that was measured and the store in FOLDER."""
    stats = run(_stats(folder))
    free = shutil.disk_usage(folder).free if disk_gb is None else disk_gb * 10**9
    tweets = stats.tables["tweets"].rows
    if not tweets:
        raise BenchFailed(f"there are no tweets in {folder}: measure with the store of a bench")
    measured = Measured(_rate_of(report), _tweet_bytes(stats), _favorite_bytes(stats), free)
    found = sizing_of(measured)
    output = Output(as_json=as_json)
    if as_json:
        output.json({**asdict(measured), **asdict(found), "people": found.people,
                     "machines": found.machines})  # fmt: skip
        return
    output.report(
        "Measured",
        {
            "requests a second within the bound": round(measured.per_s),
            "bytes of a tweet with its indexes": round(measured.tweet_bytes),
            "bytes of a favorite": round(measured.favorite_bytes),
            "GB of disk": round(free / 1e9),
        },
    )
    output.report(
        "This machine",
        {
            "people who come each day, by load": found.people_by_load,
            "people whose five years fit its disk": found.people_by_disk,
            "tweets that fit, with ten favorites each": found.tweets_by_disk,
        },
    )
    output.report(
        "200 million people a day, five years kept",
        {
            "machines by load": _or_none_fits(found.machines_by_load),
            "machines by disk": _or_none_fits(found.machines_by_disk),
        },
    )
    output.say("Planned with 70 % of the capacity and a peak of 3 times the mean; without media.")


def _or_none_fits(machines: int | None) -> int | str:
    return "none fits: this one bears nothing" if machines is None else machines


def _rate_of(report: Path) -> float:
    """Return the capacity that a report tells. Raises: BenchFailed."""
    try:
        fields = json.loads(report.read_text(encoding="utf-8"))
        rate, mix = float(fields["capacity"]["rate"]), fields["plan"]["mix"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BenchFailed(f"{report} is no report of chirp bench --capacity --json") from error
    if mix != "requirements":
        raise BenchFailed(f"{report} measured the mix {mix}, not requirements")
    return rate


async def _stats(folder: Path) -> EngineStats:
    store = await open_store(folder)
    try:
        return store.engine.stats()
    finally:
        await store.close()


def _tweet_bytes(stats: EngineStats) -> float:
    tables = [stats.tables[name] for name in (*TWEET_TABLES, *_PER_TWEET) if name in stats.tables]
    return sum(table.bytes for table in tables) / stats.tables["tweets"].rows


def _favorite_bytes(stats: EngineStats) -> float:
    """Return the bytes of a favorite on both of its sides; 0 where nobody marked anything."""
    tables = [stats.tables[name] for name in _PER_FAVORITE if name in stats.tables]
    return sum(table.bytes / table.rows for table in tables if table.rows)
