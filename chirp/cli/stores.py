"""`chirp init`, `stats`, `check` and `migrate`: stores from the shell."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from chirp.cli.output import Output, json_option
from chirp.cli.running import run
from chirp.clock import SystemClock
from chirp.fanout.index import INDEX
from chirp.storage.check import Progress, Report, check_store, repair_store
from chirp.storage.engine import EngineStats
from chirp.storage.migrate import migrate_store
from chirp.storage.store import MAX_SHARDS, create_store, open_store

folder_argument = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))

TWEET_TABLES = ("tweets", "author_index")
"""What a tweet takes: its row and its indexes; not the journal."""


@click.command("init", epilog="Example: chirp init ./data --shards 2")
@folder_argument
@click.option(
    "--shards",
    type=click.IntRange(1, MAX_SHARDS),
    default=2,
    show_default=True,
    help="How many files; fixed for good.",
)
@click.option(
    "--id-layout",
    type=click.Choice(["48", "64"]),
    default="64",
    show_default=True,
    help="Bits of ids; fixed for good.",
)
def init_command(folder: Path, shards: int, id_layout: str) -> None:
    """Make an empty store in FOLDER."""
    create_store(folder, SystemClock(), shards=shards, id_layout=id_layout)
    Output().say(f"made a store of {shards} shards with {id_layout}-bit ids in {folder}")


@click.command("stats", epilog="Example: chirp stats ./data")
@folder_argument
@json_option
def stats_command(folder: Path, as_json: bool) -> None:
    """Show what a store holds: rows and bytes by table, bytes a tweet, journal lag."""
    stats, lag = run(_stats(folder))
    files = [path.stat().st_size for path in (folder / "media").rglob("*") if path.is_file()]
    tweets = stats.tables["tweets"].rows
    used = sum(stats.tables[name].bytes for name in TWEET_TABLES)
    figures: dict[str, object] = {
        "shards": stats.shards,
        "file_bytes": stats.file_bytes,
        "journal_bytes": stats.journal_bytes,
        "bytes_per_tweet": round(used / tweets, 1) if tweets else None,
        "journal_lag": lag,
        "media_files": len(files),
        "media_bytes": sum(files),
    }
    output = Output(as_json=as_json)
    if as_json:
        output.json(figures | {"tables": {n: asdict(t) for n, t in stats.tables.items()}})
        return
    rows = [(name, table.rows, table.bytes) for name, table in stats.tables.items()]
    output.rows("Tables", ("table", "rows", "bytes"), rows)
    output.report("Store", figures)


async def _stats(folder: Path) -> tuple[EngineStats, int]:
    store = await open_store(folder)
    try:
        engine = store.engine
        cursors = [await engine.cursor(INDEX, source) or 0 for source in range(engine.sources)]
        lag = sum(engine.last_sequence(source) - done for source, done in enumerate(cursors))
        return engine.stats(), lag
    finally:
        await store.close()


@click.command("check", epilog="Example: chirp check ./data --repair")
@folder_argument
@click.option("--repair", is_flag=True, help="Mend rows that are derived from others.")
@click.option("--deep", is_flag=True, help="Also pack every record again and compare.")
@json_option
def check_command(folder: Path, repair: bool, deep: bool, as_json: bool) -> None:
    """Hold every table of a store against the others; say each contradiction."""
    output = Output(as_json=as_json)
    with output.progress() as progress:

        def moved(done: int, total: int) -> None:
            progress("rows", done, total)

        report, mended = run(_check(folder, moved, repair=repair, deep=deep))
    left = [p for p in report.problems if not (mended and p.repairable)]
    if as_json:
        figures = {"checked": report.checked, "pending": report.pending, "mended": mended}
        output.json(figures | {"problems": [asdict(p) for p in report.problems]})
    else:
        _tell(output, report, mended)
    sys.exit(1 if left else 0)


async def _check(
    folder: Path, progress: Progress, *, repair: bool, deep: bool
) -> tuple[Report, int]:
    store = await open_store(folder)
    try:
        report = await check_store(store, deep=deep, progress=progress)
        mended = await repair_store(store, report.problems) if repair else 0
        return report, mended
    finally:
        await store.close()


def _tell(output: Output, report: Report, mended: int) -> None:
    for note in report.notes():
        output.say(note)
    for problem in report.problems:
        output.say(f"{problem.table} {problem.key}: {problem.what}")
    total = sum(report.checked.values())
    if not report.problems:
        output.say(f"{total:,} rows checked: every invariant holds")
        return
    repairable = sum(problem.repairable for problem in report.problems)
    output.say(f"{total:,} rows checked: {len(report.problems)} problems")
    if mended:
        output.say(f"{mended} rows mended")
    elif repairable:
        output.say(f"{repairable} of them can be mended with --repair")


@click.command("migrate", epilog="Example: chirp migrate ./data")
@folder_argument
def migrate_command(folder: Path) -> None:
    """Bring a store of an older format to this version's, in place. Back it up first."""
    output = Output()
    steps = run(
        migrate_store(
            folder, progress=lambda number, what: output.say(f"to format {number}: {what}")
        )
    )
    output.say("nothing to do" if not steps else f"the store has format {steps[-1]} now")
