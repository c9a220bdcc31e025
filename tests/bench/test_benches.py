"""Benches run, answer without an error, and write what they print. Their figures are not judged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

needs_two_cores_and_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None or shutil.which("taskset") is None or (os.cpu_count() or 1) < 2,
    reason="needs two cores, wrk and taskset (Debian: apt install wrk util-linux)",
)


@needs_two_cores_and_wrk
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("page", ["--rounds", "1", "--seconds", "1", "--users", "200"]),
        ("posts", ["--seconds", "1"]),
        ("fanout", ["--seconds", "1", "--rate", "100", "--pages", "100"]),
        ("convoy", ["--seconds", "1", "--rate", "50"]),
    ],
)
def test_a_bench_over_http_runs(tmp_path: Path, name: str, words: list[str]) -> None:
    path = tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *words, "--json", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(path.read_text(encoding="utf-8"))
    assert [
        row for row in result["rows"] if row["what"].startswith("errors") and row["result"]
    ] == []
    assert all(row["result"] >= 0 for row in result["rows"])
    assert result["machine"]["cores"]
