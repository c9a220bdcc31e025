"""Sockets: the server behind them, TLS and its renewal, the limit of open files."""

from __future__ import annotations

import logging
import resource
import ssl
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage

from chirp.clock import Clock
from chirp.config import ConfigError, Server
from chirp.errors import OpenError
from chirp.http.connections import Connection, Connections
from chirp.tasks import TaskRunner

log = logging.getLogger(__name__)

RENEW_S = 1.0
"""How often the certificate's files are looked at: two calls of stat."""

_OTHER_FILES = 512
"""What is open besides connections: shards, their locks, logs."""

_NEVER_S = 1e8
"""aiohttp's own idle timer is not needed beside ours."""


class _HttpServer(web.Server):
    """aiohttp's server, with our connections."""

    def __init__(self, made: web.Server, connections: Connections, **options: Any) -> None:
        super().__init__(made.request_handler, request_factory=self._request, **options)
        self._made = made.request_factory
        self._watched = connections

    def _request(self, message: RawRequestMessage, *given: Any) -> web.BaseRequest:
        """Make a request; of `CONNECT host:port` and `GET http://host` the path is `/`.

        aiohttp finds no route for an empty path, not even one that matches anything: it would
        answer in its own words, past the limits and the counters. (RFC 9112, 3.2.2.)
        """
        url = message.url
        if url.absolute and url.raw_path == "/":
            message = message._replace(url=url.with_path("/", encoded=True, keep_query=True))
        return self._made(message, *given)

    def __call__(self) -> Connection:
        return Connection(self, self._watched, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs the application behind connections that are held to their limits."""

    def __init__(
        self, app: web.Application, connections: Connections, tasks: TaskRunner, **options: Any
    ) -> None:
        limits = connections.limits
        line_bytes = min(8190, limits.max_head_bytes)
        # Every access is counted in the metrics, and logged by the pipeline if at all.
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=_NEVER_S,
            lingering_time=min(10.0, limits.body_timeout_s),
            max_line_size=line_bytes,
            max_field_size=line_bytes,
            **options,
        )
        self._connections = connections
        self._tasks = tasks

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        self._watch = self._tasks.start("connections", self._connections.watch())
        return _HttpServer(made, self._connections, **self._kwargs)

    async def _cleanup_server(self) -> None:
        self._watch.cancel()
        await super()._cleanup_server()


class Certificate:
    """A certificate with its key, in files that may be renewed while the server runs."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Read the files. Raises: OpenError: they cannot be used."""
        self._cert = cert
        self._key = key
        self._seen = self._signature()
        self.context = _empty_context()
        """What handshakes use; the same object ever after."""
        try:
            self._load(self.context)
        except (OSError, ssl.SSLError) as error:
            hint = "look at server.tls_cert and server.tls_key"
            raise OpenError(f"cannot be used for TLS ({error})", path=cert, hint=hint) from error

    def _load(self, context: ssl.SSLContext) -> None:
        # Without a password, OpenSSL would ask the terminal for that of an encrypted key.
        context.load_cert_chain(self._cert, self._key, password="")

    def _signature(self) -> tuple[object, ...]:
        """Return what changes when one of the files does; links are followed."""
        try:
            stats = [path.stat() for path in (self._cert, self._key)]
        except OSError as error:
            return (error.errno,)
        return tuple((s.st_ino, s.st_mtime_ns, s.st_size) for s in stats)

    def renew(self) -> bool:
        """Take over files that have changed and fit; say whether that was so.

        Files that do not fit, such as a new certificate with the old key, are logged once; what
        was there before stays in use.
        """
        signature = self._signature()
        if signature == self._seen:
            return False
        self._seen = signature
        try:
            # A context that fails half-way has the new certificate and the old key.
            self._load(_empty_context())
            self._load(self.context)
        except (OSError, ssl.SSLError) as error:
            log.warning("%s: the new certificate cannot be used (%s)", self._cert, error)
            return False
        log.info("%s: new connections get the new certificate", self._cert)
        return True

    async def watch(self, clock: Clock) -> None:
        """Look for renewed files, for ever."""
        while True:
            await clock.sleep(RENEW_S)
            self.renew()


def _empty_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def certificate_of(server: Server) -> Certificate | None:
    """Return the certificate of the settings. Raises: ConfigError, OpenError."""
    if not server.tls_cert and not server.tls_key:
        return None
    if not server.tls_cert or not server.tls_key:
        raise ConfigError("server.tls_cert and server.tls_key go together")
    return Certificate(Path(server.tls_cert), Path(server.tls_key))


def allow_files(connections: int) -> int:
    """Raise the limit of open files to what so many connections need; return what holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A connection over the limit is open for a moment too.
    wanted = 2 * connections + _OTHER_FILES
    best = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if best > soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
        soft = best
    if soft != resource.RLIM_INFINITY and soft < connections + _OTHER_FILES:
        log.warning("%d open files are too few for %d connections (ulimit -n)", soft, connections)
    return soft
