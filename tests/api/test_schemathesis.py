"""A running server is asked whatever its own document allows, and much that it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.support.process import ServerProcess, chirp

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "ignored_auth",
)  # fmt: skip
# Whether data is accepted is not asked: "1 to 280 weighted characters" is beyond a schema.
# Nor are unknown methods: those come with a second key, which is refused first (tests/http has
# them without). One path ends the key of the run; the other one never ends its answer.
WITHOUT = ("/api/v1/sessions/current", "/api/v1/stream")


@pytest.mark.timeout(170)
def test_nothing_that_may_be_asked_breaks_the_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    chirp("demo", data, "--users", "20", "--days", "1", "--keys-out", tmp_path / "keys.json")
    key = next(iter(orjson.loads((tmp_path / "keys.json").read_bytes()).values()))
    with ServerProcess(data, env={"CHIRP_RATE_LIMITS": "0"}) as server:
        words = [str(SCHEMATHESIS), "run", f"{server.url}/openapi.json"]
        words += ["-H", f"X-API-Key: {key}", "--checks", ",".join(CHECKS), "--seed", "1"]
        words += ["--phases", "examples,coverage,fuzzing", "-n", "15", "--no-color"]
        words += [word for path in WITHOUT for word in ("--exclude-path", path)]
        done = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False
        )
        assert done.returncode == 0, done.stdout
        assert "Traceback" not in server.log()
    assert "every invariant holds" in chirp("check", data, "--deep").stdout
