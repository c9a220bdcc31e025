"""Single flight: one load a key, whoever comes, leaves or fails."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chirp.cache import SingleFlight
from chirp.tasks import TaskRunner


class Loader:
    """A load that waits until it is let go, and counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.calls += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.calls


def flights() -> tuple[SingleFlight[str, int], TaskRunner, Loader]:
    runner = TaskRunner()
    return SingleFlight("test", runner), runner, Loader()


async def ask(
    flight: SingleFlight[str, int], load: Loader, callers: int
) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flight.get("key", load)) for _ in range(callers)]
    await asyncio.sleep(0.001)
    flight.check()
    return tasks


async def test_callers_share_one_load() -> None:
    flight, _, load = flights()
    tasks = await ask(flight, load, 5)
    load.gate.set()
    assert await asyncio.gather(*tasks) == [1] * 5
    assert flight.stats() == {"flights": 0, "started": 1, "joined": 4, "failed": 0}


async def test_the_next_caller_loads_anew() -> None:
    flight, _, load = flights()
    load.gate.set()
    assert [await flight.get("key", load), await flight.get("key", load)] == [1, 2]


async def test_other_keys_load_by_themselves() -> None:
    flight, _, load = flights()
    load.gate.set()
    assert sorted(await asyncio.gather(flight.get("a", load), flight.get("b", load))) == [1, 2]


async def test_an_error_goes_to_all_and_is_not_kept() -> None:
    flight, runner, load = flights()
    load.error = OSError("disk")
    tasks = await ask(flight, load, 3)
    load.gate.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [load.error] * 3
    assert runner.failures == []
    load.error = None
    assert await flight.get("key", load) == 2


async def test_a_cancelled_caller_does_not_cancel_the_others() -> None:
    flight, _, load = flights()
    first, second = await ask(flight, load, 2)
    first.cancel()
    await asyncio.sleep(0.001)
    load.gate.set()
    assert await second == 1
    assert first.cancelled()


async def test_a_load_goes_on_without_callers() -> None:
    flight, runner, load = flights()
    (only,) = await ask(flight, load, 1)
    only.cancel()
    load.gate.set()
    await asyncio.sleep(0.001)
    assert runner.stats()["running"] == 0
    assert flight.stats()["flights"] == 0


async def test_an_error_that_nobody_waits_for_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flight, runner, load = flights()
    load.error = OSError("disk")
    (only,) = await ask(flight, load, 1)
    only.cancel()
    await asyncio.sleep(0.001)
    with caplog.at_level(logging.ERROR):
        load.gate.set()
        await asyncio.sleep(0.001)
    assert runner.failures == [load.error]


@pytest.mark.parametrize("rounds", [0, 1])
async def test_closing_the_runner_ends_all_waits(rounds: int) -> None:
    flight, runner, load = flights()
    task = asyncio.create_task(flight.get("key", load))
    for _ in range(1 + rounds):
        await asyncio.sleep(0)
    await runner.close()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert flight.stats()["flights"] == 0
