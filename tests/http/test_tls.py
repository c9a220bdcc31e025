"""TLS: its own certificate, renewed while the server runs."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from chirp.config import Config, ConfigError, Server
from chirp.errors import OpenError
from chirp.http.listening import Certificate, Runner, allow_files, certificate_of
from tests.support.clock import FixedClock
from tests.support.driver import Driver
from tests.support.raw import settle

AUTHORITY = trustme.CA()


class Files:
    """A certificate and its key, where a renewing program would write them."""

    def __init__(self, folder: Path) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.issue("one.example")

    def issue(self, name: str, *, cert: bool = True, key: bool = True) -> None:
        issued = AUTHORITY.issue_cert(name)
        for wanted, path, blob in (
            (cert, self.cert, issued.cert_chain_pems[0]),
            (key, self.key, issued.private_key_pem),
        ):
            if wanted:
                fresh = path.with_suffix(".new")
                fresh.write_bytes(blob.bytes())
                fresh.replace(path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def names(port: int) -> set[str]:
    """Return the names in the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname = False
    AUTHORITY.configure_trust(context)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("peercert")
    writer.close()
    await writer.wait_closed()
    return {value for _, value in shown["subjectAltName"]}


async def test_new_connections_get_the_new_certificate(chirp: Driver, files: Files) -> None:
    certificate = Certificate(files.cert, files.key)
    server = chirp.server
    runner = Runner(server.app, server.connections, server.tasks)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.context).start()
    port = runner.addresses[0][1]
    assert await names(port) == {"one.example"}
    files.issue("two.example")
    assert certificate.renew()
    assert await names(port) == {"two.example"}
    files.issue("three.example", key=False)
    assert not certificate.renew()
    assert await names(port) == {"two.example"}
    await runner.cleanup()


async def test_files_are_watched(files: Files) -> None:
    certificate, clock = Certificate(files.cert, files.key), FixedClock()
    watch = asyncio.create_task(certificate.watch(clock))
    await settle()
    files.issue("two.example")
    clock.advance_ms(1_000)
    await settle()
    assert not certificate.renew()  # the watch was there before
    watch.cancel()


@pytest.mark.parametrize("broken", ["other key", "empty", "garbage", "gone"])
def test_files_that_do_not_fit_are_logged_once(
    files: Files, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = Certificate(files.cert, files.key)
    if broken == "other key":
        files.issue("two.example", cert=False)
    elif broken == "gone":
        files.cert.unlink()
    else:
        files.cert.write_text({"empty": "", "garbage": "garbage"}[broken])
    with caplog.at_level(logging.WARNING):
        assert [certificate.renew() for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1
    files.issue("three.example")
    assert certificate.renew()


def test_nothing_is_read_again_that_has_not_changed(files: Files) -> None:
    certificate = Certificate(files.cert, files.key)
    assert not certificate.renew()
    os.utime(files.cert, ns=(1, 1))
    assert certificate.renew()


@pytest.mark.parametrize(("cert", "key"), [("cert", ""), ("", "key")])
def test_half_a_setting_is_refused(cert: str, key: str) -> None:
    with pytest.raises(ConfigError, match="go together"):
        certificate_of(Server(tls_cert=cert, tls_key=key))


def test_without_a_setting_there_is_no_tls() -> None:
    assert certificate_of(Server()) is None


def test_files_that_cannot_be_used_are_named_at_the_start(files: Files) -> None:
    files.cert.write_text("garbage")
    server = Server(tls_cert=str(files.cert), tls_key=str(files.key))
    with pytest.raises(OpenError, match=r"cert\.pem: cannot be used for TLS"):
        certificate_of(server)


def test_links_say_https_when_it_is_spoken() -> None:
    assert Config(server=Server(tls_cert="x", tls_key="y")).public_url == "https://127.0.0.1:8080"


def test_the_limit_of_open_files_is_raised_and_never_lowered() -> None:
    before = allow_files(0)
    assert allow_files(10) >= before
