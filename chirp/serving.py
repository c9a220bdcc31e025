"""Runs a server until it is told to stop: open, listen, drain, close."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import signal
import socket
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web

from chirp.app import Chirp
from chirp.clock import SystemClock
from chirp.config import Config, Server
from chirp.errors import OpenError
from chirp.http import access_log
from chirp.http.listening import Runner, allow_files, certificate_of
from chirp.storage.store import Options, open_store

log = logging.getLogger(__name__)

DRAIN_S = 3.5
"""How long requests under way may take after SIGTERM; the whole stop stays below 5 s."""

OnReady = Callable[[Chirp], Awaitable[None]]


def refuse_taken(folder: Path, server: Server) -> None:
    """Raise OpenError where nobody could listen: to be asked before a store is made for nothing."""
    try:
        known = socket.getaddrinfo(
            server.host or None, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, address in known:
            _bind(family, address)
    except OSError as error:
        raise _cannot_listen(server, folder, error) from error


def _bind(family: int, address: tuple[Any, ...]) -> None:
    """Take an address and let go of it. Raises: OSError."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(address)


def _cannot_listen(server: Server, folder: Path, error: OSError) -> OpenError:
    problem = f"cannot listen on {server.host}:{server.port} ({error.strerror})"
    taken = error.errno in {errno.EADDRINUSE, errno.EACCES}
    hint = "choose another --port" if taken else "choose an address of this machine as --host"
    return OpenError(problem, path=folder, hint=hint)


async def serve(folder: Path, config: Config, on_ready: OnReady) -> None:
    """Serve the store in `folder` until SIGTERM or SIGINT. Raises: OpenError."""
    options = Options(map_bytes=config.storage.map_gb << 30, sync=config.storage.sync)
    store = await open_store(folder, options)
    try:
        chirp = await Chirp.open(store, config, SystemClock())
        try:
            await _listen(chirp, folder, on_ready)
        finally:
            await chirp.close()
    finally:
        await store.close()


async def _listen(chirp: Chirp, folder: Path, on_ready: OnReady) -> None:
    server = chirp.config.server
    # The pipeline logs our own failures; a stranger's garbage is not worth a traceback each.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    for kind in (BadContentDispositionHeader, BadContentDispositionParam):
        # They are printed with what was sent, as often and as long as anybody likes.
        warnings.simplefilter("ignore", kind)
    _prepare(chirp)
    certificate = certificate_of(server)
    runner = Runner(chirp.app, chirp.connections, chirp.tasks, shutdown_timeout=DRAIN_S)
    await runner.setup()
    try:
        context = None if certificate is None else certificate.context
        site = web.TCPSite(runner, server.host, server.port, backlog=1024, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            raise _cannot_listen(server, folder, error) from error
        if certificate is not None:
            chirp.tasks.start("certificate", certificate.watch(chirp.clock))
        # What the start made lives as long as the process: the collector need not look at it.
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        await on_ready(chirp)
        # Whoever comes first must not wait for what comes later.
        chirp.start_warming()
        await _stop_asked()
        chirp.closing = True
        log.info("stopping: requests under way have %.1f s", DRAIN_S)
    finally:
        await runner.cleanup()


YOUNG_OBJECTS = 2_000
"""So many containers more than were freed let the collector look at the young ones. Under posts and
pages it took 2.8 % of the loop at Python's 700, 1.0 % at this, 0.5 % at 5,000, at which one pause
takes 14 ms instead of 8: what lives until the next look is longer."""


def _prepare(chirp: Chirp) -> None:
    """Set what belongs to the process, and say what is unusual."""
    server = chirp.config.server
    allow_files(server.max_connections)
    if chirp.fronts.access_log is not None:
        access_log.to_stderr()
    words = chirp.fronts.limiter.words()
    if words is not None:
        log.warning("%s", words)


async def _stop_asked() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
