"""Workers: how many there are, what they may use, and that none outlives its work."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chirp.errors import Unavailable, Unprocessable
from chirp.media import workshop
from chirp.media.limits import MediaLimits
from chirp.media.results import pack_refusal, unpack_told
from tests.media.conftest import SMALL, Bench, children
from tests.media.samples import animation, drawing, saved, video


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file that takes a worker some seconds."""
    path = tmp_path_factory.mktemp("long") / "a.mp4"
    return video(path, codec="mpeg4", audio=None, size=(1920, 1080), frames=280)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")


async def started(bench: Bench, least: int = 1) -> None:
    await until(lambda: bench.shop.stats()["running"] >= least)


def pids(before: set[int]) -> set[int]:
    return children() - before


async def test_no_more_than_so_many_at_once(bench: Bench) -> None:
    bench.source.write_bytes(saved(drawing(), "JPEG"))
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, bench.shop.stats()["running"])
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    works = [bench.shop.process(bench.source, bench.folder) for _ in range(6)]
    made = await asyncio.gather(*works)
    watching.cancel()
    assert most == SMALL.workers
    assert len({one.original.path for one in made}) == 6


async def test_a_cancelled_worker_is_gone_with_its_files(bench: Bench, long_video: bytes) -> None:
    before = children()
    work = asyncio.create_task(bench.process(long_video))
    await started(bench)
    await asyncio.sleep(0.5)  # it is writing by now
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert pids(before) == set()
    assert bench.left() == []


async def test_a_killed_worker_is_a_refusal(bench: Bench, long_video: bytes) -> None:
    before = children()
    work = asyncio.create_task(bench.process(long_video))
    await started(bench)
    for pid in pids(before):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unprocessable):
        await work
    assert bench.left() == []


async def test_a_worker_that_talks_too_much_is_a_refusal(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop, "_PROGRAM", "print('x' * 1_000_000)")
    with pytest.raises(Unprocessable):
        await bench.process(saved(drawing(), "PNG"))
    assert bench.left() == []


def test_a_long_traceback_is_told_in_one_short_line() -> None:
    line = pack_refusal(Unprocessable("broken"), cause="é" * 1_000_000)
    assert len(line) < 64 << 10
    with pytest.raises(Unprocessable, match="broken"):
        unpack_told(line.encode())


async def test_closing_ends_those_who_work_and_those_who_wait(
    bench: Bench, long_video: bytes
) -> None:
    before = children()
    bench.source.write_bytes(long_video)
    works = [asyncio.create_task(bench.shop.process(bench.source, bench.folder)) for _ in range(4)]
    await started(bench, SMALL.workers)
    await bench.shop.close()
    ends = await asyncio.gather(*works, return_exceptions=True)
    assert [type(end) for end in ends] == [Unavailable] * 4
    assert pids(before) == set()
    assert bench.left() == []


@pytest.mark.parametrize(
    "limits",
    [
        dataclasses.replace(SMALL, wall_s=0.5),
        dataclasses.replace(SMALL, cpu_s=1),
        dataclasses.replace(SMALL, memory_mb=200),
        dataclasses.replace(SMALL, output_mb=0),
        dataclasses.replace(SMALL, max_frames=20),
    ],
    ids=["wall", "cpu", "memory", "output", "frames"],
)
async def test_each_limit_ends_a_worker(
    tmp_path: Path, limits: MediaLimits, long_video: bytes
) -> None:
    bench = Bench(tmp_path, limits)
    before = children()
    with pytest.raises(Unprocessable):
        await bench.process(long_video)
    assert bench.left() == []
    assert pids(before) == set()


async def test_a_worker_knows_no_secret_and_dies_with_the_server(
    tmp_path: Path, long_video: bytes
) -> None:
    (tmp_path / "a.mp4").write_bytes(long_video)
    program = (
        "import asyncio, sys; from pathlib import Path;"
        "from chirp.media.workshop import Workshop; from chirp.media.limits import MediaLimits;"
        "asyncio.run(Workshop(MediaLimits()).process(Path(sys.argv[1]), Path(sys.argv[2])))"
    )
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path / "a.mp4"), str(tmp_path),
        env={**os.environ, "CHIRP_SECRET": "swordfish"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    await until(lambda: bool(children_of(server.pid)))
    await asyncio.sleep(0.5)  # it is at work by now
    (worker,) = children_of(server.pid)
    assert b"swordfish" not in environment_of(worker)
    server.kill()
    await server.wait()
    await until(lambda: not is_running(worker))


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def is_running(pid: int) -> bool:
    """Tell whether there is such a process that is more than a name nobody has read yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_missing_source_is_the_callers_mistake(bench: Bench) -> None:
    with pytest.raises(FileNotFoundError):
        await bench.shop.process(bench.source, bench.folder)


async def test_a_failure_leaves_the_place_to_the_next(bench: Bench) -> None:
    for _ in range(SMALL.workers + 1):
        with pytest.raises(Unprocessable):
            await bench.process(saved(drawing(), "JPEG")[:200])
    assert (await bench.process(animation("GIF"))).kind == "gif"
