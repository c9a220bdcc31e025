"""Fixtures: whole servers, in memory, on LMDB files and behind HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest

from chirp.services import passwords
from chirp.storage.store import Options, create_store, open_store
from tests.support.clock import FixedClock
from tests.support.driver import Driver
from tests.support.web import Http


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: what a test needs is to be installed there."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


LONG = ("tests/simulation/", "tests/bench/", "tests/crash/", "tests/test_real_input.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash with 64 KiB and one pass: the hashes of a thousand servers are nobody's secret."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_MEMORY_KIB", 64)
        patch.setattr(passwords, "_PASSES", 1)
        yield


@pytest.fixture
def same_switch_interval() -> Iterator[None]:
    """Put the interpreter's switch interval back, which a starting server sets."""
    before_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before_s)


@pytest.fixture
async def chirp(same_switch_interval: None) -> AsyncIterator[Driver]:
    """A whole Chirp on two shards in memory, and a clock that stands still."""
    driver = await Driver.open()
    yield driver
    await driver.close()


@pytest.fixture
async def lmdb_chirp(tmp_path: Path, same_switch_interval: None) -> AsyncIterator[Driver]:
    """A whole Chirp on LMDB files."""
    clock = FixedClock()
    create_store(tmp_path / "data", clock, shards=2)
    store = await open_store(tmp_path / "data", Options(map_bytes=1 << 26))
    driver = await Driver.open(store, clock=clock)
    yield driver
    await driver.close()


@pytest.fixture(params=["memory", "lmdb"])
def any_chirp(request: pytest.FixtureRequest) -> Driver:
    """Each of them in turn."""
    name = {"memory": "chirp", "lmdb": "lmdb_chirp"}[request.param]
    driver: Driver = request.getfixturevalue(name)
    return driver


@pytest.fixture
async def http(chirp: Driver) -> AsyncIterator[Http]:
    """The same app behind a socket, with a client."""
    async with Http(chirp) as client:
        yield client


@pytest.fixture
async def lmdb_http(lmdb_chirp: Driver) -> AsyncIterator[Http]:
    """The app on LMDB files behind a socket."""
    async with Http(lmdb_chirp) as client:
        yield client
