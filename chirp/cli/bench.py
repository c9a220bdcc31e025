"""`chirp bench`: a load on a server, and what became of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from chirp.cli.output import Output, json_option
from chirp.cli.running import run
from chirp.clock import SystemClock
from chirp.load.capacity import STEPS, Capacity, find_capacity
from chirp.load.errors import BenchFailed
from chirp.load.mixes import MIXES
from chirp.load.page import page
from chirp.load.people import Community, people_of
from chirp.load.plan import Outcome, Plan
from chirp.load.processes import run_plan
from chirp.load.report import QUANTILES, Result, as_json, rows, server_lines
from chirp.load.script import Person
from chirp.load.server import figures_of, started
from chirp.load.wire import Target


@dataclass(frozen=True, slots=True)
class Wish:
    """What else was asked for on the command line."""

    data: Path | None
    core: int | None
    people: int
    followees: int
    tweets: int
    keys: Path | None
    bound_ms: float | None
    steps: int


@click.command(
    "bench", epilog="Example: chirp bench --data ./scratch --mix requirements --rate 2000"
)
@click.argument("url", required=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Start a server of one's own on this store; made when there is none.",
)
@click.option("--mix", type=click.Choice(list(MIXES)), default="requirements", show_default=True)
@click.option(
    "--rate",
    type=click.FloatRange(0),
    default=0.0,
    help="Requests a second, sent when due; without it, each connection asks when answered.",
)
@click.option(
    "--duration",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(0.1),
    default=10.0,
    show_default=True,
)
@click.option("--warmup", type=click.FloatRange(0), default=2.0, show_default=True)
@click.option("--connections", type=click.IntRange(1, 4000), default=32, show_default=True)
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--users", "people", type=click.IntRange(2), default=50, show_default=True)
@click.option("--followees", type=click.IntRange(0), default=10, show_default=True)
@click.option(
    "--tweets", type=click.IntRange(0), default=5, show_default=True, help="Of each, before."
)
@click.option(
    "--keys",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Ask with these keys (chirp demo --keys-out), and make nobody.",
)
@click.option("--skew", type=click.FloatRange(0, 3), default=0.0, help="0: uniform; 1: Zipf's law.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--core", type=click.IntRange(0), help="The core of the server that --data starts.")
@click.option("--capacity", "bound_ms", type=click.FloatRange(0.1), metavar="MS",
              help="Find the greatest rate at which p99 stays within MS.")  # fmt: skip
@click.option("--steps", type=click.IntRange(1, 20), default=STEPS, show_default=True)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page, too.")
@json_option
def bench_command(
    url: str | None, data: Path | None, html: Path | None, as_json: bool, **options: Any
) -> None:
    """Put a server under load and measure it.

    The server is one that runs at URL, such as http://127.0.0.1:8080, whose rate limits should be
    off (CHIRP_RATE_LIMITS=0), or one that is started for it (--data). People are made by the
    seed, or found again.
    """
    if (url is None) == (data is None):
        raise click.UsageError("give either the URL of a server or --data")
    plan = Plan(
        url or "", options["mix"], options["rate"], options["seconds"], options["warmup"],
        options["connections"], options["processes"], options["skew"], options["seed"],
    )  # fmt: skip
    wish = Wish(
        data, options["core"], options["people"], options["followees"], options["tweets"],
        options["keys"], options["bound_ms"], options["steps"],
    )  # fmt: skip
    output = Output(as_json=as_json)
    result = run(_bench(plan, wish, output))
    if html is not None:
        html.write_text(page(result), encoding="utf-8")
    _tell(result, output)


async def _bench(plan: Plan, wish: Wish, output: Output) -> Result:
    async with _server(plan, wish) as url:
        plan = replace(plan, url=url)
        try:
            Target.of(url)
        except ValueError as error:
            raise BenchFailed(str(error)) from error
        before = await figures_of(url)
        people, tweets = await _people(plan, wish, output)

        async def measure(rate: float) -> Outcome:
            said = f"{rate:,.0f} requests a second" if rate else "closed loop"
            output.note(f"{plan.mix}, {said}, {plan.seconds:g} s …")
            return await run_plan(replace(plan, rate=rate), people, tweets)

        capacity: Capacity | None = None
        if wish.bound_ms is not None:
            capacity = await find_capacity(measure, wish.bound_ms, wish.steps)
            plan = replace(plan, rate=capacity.rate)
        before = await figures_of(url)
        outcome = await measure(plan.rate)
        after = await figures_of(url)
    return Result(
        plan,
        outcome,
        before,
        after,
        datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC),
        capacity,
    )


@asynccontextmanager
async def _server(plan: Plan, wish: Wish) -> AsyncIterator[str]:
    if wish.data is None:
        yield plan.url
        return
    async with started(wish.data, wish.core) as url:
        yield url


async def _people(plan: Plan, wish: Wish, output: Output) -> tuple[list[Person], list[str]]:
    with output.progress() as told:
        community = Community(plan.url, plan.seed, told)
        if wish.keys is not None:
            people = people_of(wish.keys)
        else:
            people = await community.make(wish.people, wish.followees, wish.tweets)
        return people, await community.known_tweets(people[0])


def _tell(result: Result, output: Output) -> None:
    if output.as_json:
        output.json(as_json(result))
        return
    plan, outcome = result.plan, result.outcome
    kind = f"{plan.rate:,.0f}/s, open loop" if plan.rate else "closed loop"
    spans = (
        f"{plan.connections} connections, {plan.seconds:g} s after {plan.warmup_s:g} s of warm-up"
    )
    columns = ("ms", "answers", "per s", *QUANTILES, "max", "errors")
    lines = [
        (name, count, round(per_s), *(round(ms, 2) for ms in times.values()), errors)
        for name, count, per_s, times, errors in rows(outcome)
    ]
    output.rows(f"{plan.mix}: {kind}, {spans}", columns, lines)
    if result.capacity is not None:
        output.report(
            f"Capacity within a p99 of {result.capacity.bound_ms:g} ms",
            {"requests a second": round(result.capacity.rate)},
        )
    output.report("The server, warm-up included", dict(server_lines(result)))
    _warn(result, output)


def _warn(result: Result, output: Output) -> None:
    """Say what a reader of the figures should know."""
    outcome = result.outcome
    for operation, kinds in outcome.errors.items():
        output.say(f"{operation.value}: errors: {json.dumps(dict(kinds))}")
    if outcome.unsent:
        output.say(f"{outcome.unsent:,} requests that were due had no answer in the end")
    if any("429" in kinds for kinds in outcome.errors.values()):
        output.say("the server's rate limits are on: start it with CHIRP_RATE_LIMITS=0")
    if outcome.late_us > 20_000:
        late = outcome.late_us / 1000
        output.say(f"the generator was up to {late:.0f} ms late: try --processes 2")
