"""Benches run, answer without an error, and write what they print. Their figures are not judged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as everything
from bench.fanout import Measured, report
from bench.harness import Bench
from bench.soak.verdict import judge

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
        ("fanout", ["--seconds", "1", "--rate", "100", "--pages", "100", "--rounds", "2"]),
        ("convoy", ["--seconds", "1", "--rate", "50"]),
        ("mixed", ["--seconds", "0.3", "--warmup", "0.2", "--people", "4"]),
        ("celebrity", ["--followers", "11000", "--seconds", "1"]),
        ("streams", ["--streams", "60", "--hold", "1"]),
    ],
)
def test_a_bench_over_http_runs(tmp_path: Path, name: str, words: list[str]) -> None:
    runs(tmp_path, name, words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scale", ["--tweets", "10000", "--rounds", "1", "--reads", "1"]),
        ("sharding", ["--tweets", "5000", "--pages", "10"]),
        ("rendering", ["--rounds", "2"]),
        ("cache", ["--entries", "150000", "--reads", "2000"]),
        ("codec", ["--rounds", "2"]),
    ],
)
def test_a_bench_in_one_process_runs(tmp_path: Path, name: str, words: list[str]) -> None:
    runs(tmp_path, name, words)


def runs(tmp_path: Path, name: str, words: list[str]) -> None:
    """Run a bench and look at what it wrote."""
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


def test_fan_out_reports_medians_and_what_they_lie_between() -> None:
    bench = Bench("fanout")
    calm = Measured(1_157, 500, 231_400, 10, 50, 50, 40, 5, 0, 0.0, 3.0)
    rounds = [calm, calm._replace(seen_p99=900, errors=1), calm._replace(seen_p99=60, errors=2)]
    report(bench, rounds, 1_157, 500)
    told = {row.what.split(", beside")[0]: row for row in bench.rows}
    names = ("visible to followers, p99", "the least p99 of 3 rounds", "the greatest", "errors")
    assert [told[name].result for name in names] == [60, 50, 900, 3]
    assert [told[name].met for name in names] == [True, None, None, False]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("others", "runs_", "kept"),
    [([0.1], 1, False), ([0.2, 0.1], 2, False), ([0.2, 0.3], 2, True)],
    ids=["calm", "disturbed once", "disturbed twice"],
)
def test_a_disturbed_run_is_repeated_once_and_then_marked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    others: list[float],
    runs_: int,
    kept: bool,
) -> None:
    asked: list[list[str]] = []

    def ran(_name: str, words: list[str]) -> bool:
        Bench("ids").finish(others[len(asked)], Path(words[-1]))
        asked.append(words)
        return True

    monkeypatch.setattr(everything, "ran", ran)
    monkeypatch.setattr(everything, "RESULTS", tmp_path)
    assert everything.written("ids")
    assert len(asked) == runs_
    result = json.loads((tmp_path / "ids.json").read_text(encoding="utf-8"))
    assert result["disturbed"] is kept
    assert {"commit", "python", "packages", "processor"} <= set(result["machine"])


def test_a_short_life_leaves_nothing_behind(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bench.soak", "--minutes", "0.2", "--into", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "soak.json").read_text(encoding="utf-8"))["samples"]
    page = (tmp_path / "soak.html").read_text(encoding="utf-8")
    assert page.count("<svg") == page.count("</svg>") > 8
    assert "http" not in page


def sample(at: float, **changes: float) -> dict[str, float]:
    names = ["descriptors", "threads", "latency", "memory own", "shard files", "ids issued"]
    names += ["tasks running", "gateway connections", "gateway in_flight", "streams open"]
    calm = dict.fromkeys([*names, "rows users", "rows journal"], 1.0)
    return calm | {"at": at, "tasks failed": 0.0} | changes


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("descriptors", 9.0, "descriptors behind the load"),
        ("tasks running", 2.0, "tasks running"),
        ("rows users", 2.0, "rows users left"),
    ],
)
def test_a_soak_tells_of_what_stays(name: str, value: float, what: str) -> None:
    bench, calm = Bench("soak"), sample(0)
    grown = calm | {name: value}
    judge(bench, [calm] * 20, calm, grown, grown)
    assert [row.what.startswith(what) for row in bench.rows if row.met is False] == [True]


@pytest.mark.parametrize(("rows", "met"), [(0.0, False), (50_000.0, True)])
def test_a_soak_takes_memory_that_rows_explain(rows: float, met: bool) -> None:
    bench, calm = Bench("soak"), sample(0)
    life = [
        sample(number, **{"memory own": 100.0 + number, "rows tweets": rows * number / 100})
        for number in range(100)
    ]
    judge(bench, life, calm, calm, calm)
    assert {row.met for row in bench.rows if row.what.startswith("own memory grown")} == {met}
