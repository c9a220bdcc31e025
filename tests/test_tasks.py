"""Work that runs without a task: at once, behind signals, in one turn; errors; the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from chirp.errors import WritesStopped
from chirp.tasks import Signal, TaskRunner


@pytest.fixture
async def tasks() -> AsyncIterator[TaskRunner]:
    tasks = TaskRunner()
    yield tasks
    await tasks.close()


async def test_what_waits_for_nothing_is_done_at_once(tasks: TaskRunner) -> None:
    seen: list[int] = []

    async def work() -> None:
        seen.append(1)

    await without_a_task(tasks, "work", work())
    assert seen == [1]
    assert tasks.stats() == {"running": 0, "failed": 0}


async def without_a_task(tasks: TaskRunner, name: str, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` from a callback of the loop, as writers do."""
    asyncio.get_running_loop().call_soon(tasks.run, name, work)
    await asyncio.sleep(0)


async def resolve(signal: Signal[int], number: int) -> None:
    """Resolve a signal from a callback of the loop."""

    def done() -> None:
        signal.set_result(number)
        signal.wake()

    asyncio.get_running_loop().call_soon(done)
    await asyncio.sleep(0)


async def test_signals_wake_in_the_turn_in_which_they_are_resolved(tasks: TaskRunner) -> None:
    first, second = Signal[int](), Signal[int]()
    seen: list[int] = []

    async def work() -> None:
        seen.append(await first)
        seen.append(await second)

    await without_a_task(tasks, "work", work())
    assert seen == []
    await resolve(first, 1)
    assert seen == [1]
    await resolve(second, 2)
    assert seen == [1, 2]
    assert tasks.stats()["running"] == 0


async def test_a_signal_is_a_future_to_all_others(tasks: TaskRunner) -> None:
    signal, seen = Signal[int](), list[str]()

    async def work(name: str) -> None:
        seen.append(f"{name} {await signal}")

    await without_a_task(tasks, "first", work("first"))
    await without_a_task(tasks, "second", work("second"))
    task = tasks.start("task", work("task"))
    await asyncio.sleep(0)
    await resolve(signal, 5)
    assert seen == ["first 5"]
    await task
    assert sorted(seen) == ["first 5", "second 5", "task 5"]


async def test_what_waits_for_a_plain_future_goes_on_as_a_task(tasks: TaskRunner) -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    signal, seen = Signal[int](), list[int]()

    async def work() -> None:
        await asyncio.sleep(0)
        seen.append(await future)
        seen.append(await signal)

    await without_a_task(tasks, "work", work())
    assert tasks.stats()["running"] == 1
    future.set_result(3)
    await asyncio.sleep(0.01)
    await resolve(signal, 4)
    await asyncio.sleep(0.01)
    assert seen == [3, 4]
    assert tasks.stats()["running"] == 0


async def test_the_failure_of_a_signal_is_raised_where_it_is_awaited(tasks: TaskRunner) -> None:
    signal, seen = Signal[int](), list[str]()

    async def work() -> None:
        try:
            await signal
        except WritesStopped as error:
            seen.append(str(error))

    await without_a_task(tasks, "work", work())
    signal.set_exception(WritesStopped("the disk is full"))
    await asyncio.sleep(0)
    assert seen == ["the disk is full"]


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "behind a signal"])
async def test_a_failure_is_logged_once_and_reaches_nobody_else(
    tasks: TaskRunner, caplog: pytest.LogCaptureFixture, waits: bool
) -> None:
    signal = Signal[int]()

    async def work() -> None:
        if waits:
            await signal
        raise ValueError("the cause")

    with caplog.at_level(logging.ERROR):
        await without_a_task(tasks, "work", work())
        await resolve(signal, 1)
    assert tasks.stats() == {"running": 0, "failed": 1}
    assert [str(error) for error in tasks.failures] == ["the cause"]
    assert [record.message for record in caplog.records] == ["task work failed"]


async def test_a_cancellation_stays_with_whom_it_meets(tasks: TaskRunner) -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    await without_a_task(tasks, "work", work())
    assert tasks.stats() == {"running": 0, "failed": 0}


async def test_nothing_goes_on_once_the_runner_is_closed() -> None:
    tasks, signal, seen = TaskRunner(), Signal[int](), list[int]()

    async def work() -> None:
        seen.append(await signal)

    async def later() -> None:
        seen.append(2)

    await without_a_task(tasks, "work", work())
    await tasks.close()
    await resolve(signal, 1)
    await without_a_task(tasks, "later", later())
    assert seen == []


async def test_what_waits_is_counted_and_closed_at_the_end() -> None:
    tasks, signal, seen = TaskRunner(), Signal[int](), list[str]()

    async def work() -> None:
        try:
            await signal
        finally:
            seen.append("closed")

    await without_a_task(tasks, "work", work())
    assert tasks.stats()["running"] == 1
    await tasks.close()
    assert seen == ["closed"]
    assert tasks.stats() == {"running": 0, "failed": 0}
    signal.set_result(1)
    await asyncio.sleep(0)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_nobody_who_forgets_to_wake_makes_others_wait_for_ever(
    tasks: TaskRunner, cancelled: bool
) -> None:
    signal, seen = Signal[int](), list[str]()

    async def work() -> None:
        try:
            seen.append(str(await signal))
        except asyncio.CancelledError:
            seen.append("cancelled")

    await without_a_task(tasks, "work", work())
    if cancelled:
        signal.cancel()
    else:
        signal.set_result(1)
    await asyncio.sleep(0.01)
    assert seen == ["cancelled" if cancelled else "1"]


async def test_nothing_goes_on_within_somebody_else_s_task(tasks: TaskRunner) -> None:
    signal, seen = Signal[int](), list[str]()

    async def work() -> None:
        await signal
        seen.append(name_of_task())

    await without_a_task(tasks, "work", work())
    signal.set_result(1)
    signal.wake()  # in the test's task
    assert seen == []
    tasks.run("other", work())
    await asyncio.sleep(0.01)
    assert sorted(seen) == ["other", "work"]


def name_of_task() -> str:
    task = asyncio.current_task()
    return "" if task is None else task.get_name()
