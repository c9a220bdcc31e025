"""The server under load: started where that is wished, and what it says of itself."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from chirp.load.errors import BenchFailed

_START_S = 60.0
_STOP_S = 20.0


@asynccontextmanager
async def started(data: Path, core: int | None = None) -> AsyncIterator[str]:
    """Run `chirp serve` on a store and give its address; limits refuse nobody.

    `core`: the only one that it may use. No process is left behind, whatever happens. Raises:
    BenchFailed: it did not start, or had to be killed in the end.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    words = [*pinned, sys.executable, "-m", "chirp", "serve", "--data", str(data)]
    environment = {**os.environ, "CHIRP_RATE_LIMITS": "1000000"}
    environment["CHIRP_MAX_CONNECTIONS_PER_ADDRESS"] = "4096"
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            *words, "--port", str(port), stdout=log, stderr=log, env=environment
        )
        try:
            await _wait_until_up(process, url, log.fileno())
            yield url
        finally:
            stopped = await _stopped(process)
        if not stopped:
            raise BenchFailed(f"the server did not stop within {_STOP_S:g} s: it was killed")


async def _stopped(process: Process) -> bool:
    """Stop a server and wait for its end; say whether it obeyed, or had to be killed."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            await _kill(process)
    return True


async def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _wait_until_up(process: Process, url: str, log: int) -> None:
    try:
        if await asyncio.wait_for(_until_up(process, url), _START_S):
            return
    except TimeoutError as error:
        await _kill(process)
        raise BenchFailed(f"the server did not start within {_START_S:g} s") from error
    said = (
        os.pread(log, 4096, max(0, os.fstat(log).st_size - 4096))
        .decode(errors="replace")
        .strip()
        .rpartition("\n")[2]
    )
    raise BenchFailed(f"the server did not start: {said}")


async def _until_up(process: Process, url: str) -> bool:
    """Wait until a server answers, or has ended; say whether it answers."""
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            if await _is_ready(session, url):
                return True
            await asyncio.sleep(0.05)
    return False


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


Figures = Mapping[str, float]


async def figures_of(url: str) -> Figures:
    """Return the server's metrics by name and labels; empty where it does not show them."""
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url.rstrip('/')}/metrics") as answer,
        ):
            text = await answer.text() if answer.status == 200 else ""
    except (aiohttp.ClientError, TimeoutError) as error:
        raise BenchFailed(f"no server answers at {url} ({error})") from error
    found: dict[str, float] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if not line.startswith("#") and name:
            found[name] = float(value)
    return found
