"""Runs a plan in processes of its own: one client process may be slower than the server."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import uvloop

from chirp.load.errors import BenchFailed
from chirp.load.generator import Generator
from chirp.load.mixes import MIXES
from chirp.load.plan import Outcome, Plan, joined
from chirp.load.script import Choice, Person, Script


async def run_plan(plan: Plan, people: Sequence[Person], tweets: Sequence[str]) -> Outcome:
    """Run a plan and return what was measured. Raises: BenchFailed."""
    loop = asyncio.get_running_loop()
    context = multiprocessing.get_context("spawn")
    parts = range(plan.processes)
    try:
        with ProcessPoolExecutor(plan.processes, mp_context=context) as pool:
            works = [
                loop.run_in_executor(pool, _run_part, plan, number, list(people), list(tweets))
                for number in parts
            ]
            told = await asyncio.gather(*works)
    except OSError as error:
        raise BenchFailed(f"no server answers at {plan.url} ({error.strerror})") from error
    except BrokenProcessPool as error:
        raise BenchFailed("a load process was killed") from error
    return joined(Outcome.from_json(json.loads(one)) for one in told)


def _run_part(plan: Plan, number: int, people: list[Person], tweets: list[str]) -> str:
    """Run one process's part, in that process."""
    script = Script(MIXES[plan.mix], people, Choice(plan.skew), f"{plan.seed}/{number}")
    script.tweets.extend(tweet.encode() for tweet in tweets)
    outcome = uvloop.run(Generator(plan.share(number), script).run())
    return json.dumps(outcome.as_json())
