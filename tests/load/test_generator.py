"""How latencies are measured: on servers that stall, fail and hang up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from chirp.load.capacity import find_capacity
from chirp.load.generator import Generator
from chirp.load.histogram import Histogram
from chirp.load.mixes import MIXES, Operation
from chirp.load.plan import Outcome, Plan, joined
from chirp.load.script import Choice, Person, Script

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Server = Callable[[int], Awaitable[bytes | None]]
"""Given a request's number, its answer; None hangs up."""


@asynccontextmanager
async def serving(answer: Server) -> AsyncIterator[str]:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                asked += 1
                said = await answer(asked)
                if said is None:
                    break
                writer.write(said)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def run(url: str, **options: float) -> Outcome:
    plan = Plan(url, "home", seconds=1.0, warmup_s=0.0)
    plan = replace(plan, **options)  # type: ignore[arg-type]
    script = Script(MIXES["home"], [Person("ada", "key")], Choice(), "1/0")
    return await Generator(plan, script).run()


async def always_ok(_number: int) -> bytes:
    return OK


def above(outcome: Outcome, ms: int) -> int:
    return sum(count for us, count in outcome.whole.buckets() if us > ms * 1000)


async def stall_once(number: int) -> bytes:
    if number == 20:
        time.sleep(0.5)  # noqa: ASYNC251  (all of the server stands still)
    return OK


async def test_an_open_loop_shows_a_stall_to_all_who_were_due() -> None:
    async with serving(stall_once) as url:
        outcome = await run(url, rate=100, connections=4)
    assert outcome.whole.count == 100
    # 50 were due while it stood still; half of them waited more than 200 ms.
    assert above(outcome, 200) >= 25


async def test_a_closed_loop_hides_it() -> None:
    async with serving(stall_once) as url:
        outcome = await run(url, connections=1)
    assert above(outcome, 200) == 1


async def test_each_request_that_was_due_is_counted_once() -> None:
    async def mixed(number: int) -> bytes | None:
        if number % 10 == 3:
            return b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
        return None if number % 10 == 7 else OK

    async with serving(mixed) as url:
        outcome = await run(url, rate=200, connections=3)
    errors = outcome.errors[Operation.HOME]
    assert set(errors) == {"503", "connection lost"}
    assert outcome.whole.count + outcome.error_count == 200
    assert sum(outcome.answered) == outcome.whole.count
    assert outcome.whole.count >= 120


async def test_warming_up_is_not_counted() -> None:
    async with serving(always_ok) as url:
        outcome = await run(url, rate=100, seconds=0.5, warmup_s=0.5)
    assert outcome.whole.count == 50


async def test_answers_in_pieces_are_put_together() -> None:
    async def piecemeal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError):
            while await reader.readuntil(b"\r\n\r\n"):
                for byte in OK:
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(piecemeal, "127.0.0.1", 0)
    outcome = await run(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", rate=50)
    assert (outcome.whole.count, outcome.error_count) == (50, 0)
    server.close()


def outcome_of(rate: float, most: float) -> Outcome:
    """What a server gives that answers at once up to a rate, and late beyond."""
    times = Histogram()
    for _ in range(100):
        times.record(2_000 if rate and rate <= most else 900_000)
    # A hundredth of the answers, in a hundredth of the time.
    seconds = 100 / (min(rate, most) or most)
    return Outcome(seconds, {Operation.HOME: times})


@pytest.mark.parametrize("most", [40.0, 730.0, 9_000.0])
async def test_capacity_is_the_greatest_rate_that_is_borne(most: float) -> None:
    async def measure(rate: float) -> Outcome:
        return outcome_of(rate, most)

    found = await find_capacity(measure, 20.0, steps=8)
    assert most * 0.97 < found.rate <= most
    assert len(found.tries) == 9
    assert (await find_capacity(measure, 1.0)).rate == 0


def test_outcomes_of_several_processes_are_added() -> None:
    one, other = outcome_of(10, 20), outcome_of(10, 20)
    one.answered, other.answered, other.slowest_us = [1, 2], [5], [9]
    whole = joined([one, Outcome.from_json(other.as_json())])
    assert (whole.whole.count, whole.answered, whole.slowest_us) == (200, [6, 2], [9, 0])
