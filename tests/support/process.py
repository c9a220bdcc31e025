"""The real server as a process of its own, to be used, stopped and killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

LOOSE = {"CHIRP_RATE_LIMITS": "1000000"}
"""The limiter works and never refuses: a test sends more than a person."""

CHIRP = (sys.executable, "-m", "chirp")


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chirp(*words: str | Path, stdin: str = "", env: dict[str, str] | None = None,
          timeout_s: float = 120) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run the command line to its end and return what it said."""
    return subprocess.run(
        [*CHIRP, *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "COLUMNS": "120", **(env or {})},
    )


class ServerProcess:
    """`chirp serve` on a folder; as a context it is stopped with SIGTERM."""

    def __init__(self, data: Path, *, env: dict[str, str] | None = None, port: int | None = None,
                 wrapper: Sequence[str] = ()) -> None:  # fmt: skip
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        handle, name = tempfile.mkstemp(prefix="chirp-", suffix=".log", dir=data.parent)
        self._log = Path(name)
        words = [*wrapper, *CHIRP, "serve", "--data", str(data), "--port", str(self.port)]
        self.process = subprocess.Popen(
            words, stdout=handle, stderr=handle, env={**os.environ, **LOOSE, **(env or {})}
        )
        os.close(handle)
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        for _ in range(400):
            try:
                with urlopen(f"{self.url}/readyz", timeout=2):
                    return
            except (URLError, OSError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log()}")

    def log(self) -> str:
        """Return what the server has logged so far."""
        return self._log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it with SIGKILL: it has no say in that."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop with SIGTERM; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
