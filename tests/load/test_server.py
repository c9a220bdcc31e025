"""The server that a load starts: it is gone in the end, also where it does not obey."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chirp.load import server
from chirp.load.errors import BenchFailed
from chirp.load.server import started

STUBBORN = """#!{python}
import http.server, os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({pid!r}).write_text(str(os.getpid()))
if {answers}:
    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
    address = ("127.0.0.1", int(sys.argv[-1]))
    http.server.HTTPServer(address, Ready).serve_forever()
time.sleep(60)
"""

Stubborn = Callable[[bool], Callable[[], bool]]


@pytest.fixture
def stubborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stubborn:
    """Let something be started that ignores SIGTERM; give what says whether it lives."""
    pid, script = tmp_path / "pid", tmp_path / "python"

    def use(answers: bool) -> Callable[[], bool]:
        words = STUBBORN.format(python=sys.executable, pid=str(pid), answers=answers)
        script.write_text(words, encoding="utf-8")
        script.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(script))
        return lambda: is_there(int(pid.read_text()))

    return use


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_server_that_does_not_come_up_is_killed(
    stubborn: Stubborn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = stubborn(False)
    monkeypatch.setattr(server, "_START_S", 1.0)
    with pytest.raises(BenchFailed, match=r"^the server did not start within 1 s$"):
        async with started(tmp_path / "data"):
            pass
    assert not lives()


async def test_a_server_that_does_not_stop_is_killed(
    stubborn: Stubborn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = stubborn(True)
    monkeypatch.setattr(server, "_STOP_S", 0.3)
    with pytest.raises(BenchFailed, match=r"^the server did not stop within 0.3 s: it was killed$"):
        async with started(tmp_path / "data"):
            assert lives()
    assert not lives()


async def test_what_went_wrong_first_is_what_is_told(
    stubborn: Stubborn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = stubborn(True)
    monkeypatch.setattr(server, "_STOP_S", 0.3)
    with pytest.raises(BenchFailed, match="nobody came"):
        async with started(tmp_path / "data"):
            raise BenchFailed("nobody came")
    assert not lives()
