"""How many people fit: what follows from measured figures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chirp.load.sizing import Measured, sizing_of
from tests.support.process import chirp


def report(path: Path, mix: str = "requirements", rate: float = 2_000.0) -> Path:
    path.write_text(json.dumps({"plan": {"mix": mix}, "capacity": {"rate": rate}}))
    return path


def test_twice_the_rate_bears_twice_the_people() -> None:
    one, two = (sizing_of(Measured(rate, 250, 60, 10**12)) for rate in (1_000, 2_000))
    assert two.people_by_load == 2 * one.people_by_load
    assert one.machines_by_load is not None
    assert two.machines_by_load is not None
    assert abs(one.machines_by_load - 2 * two.machines_by_load) <= 1
    assert one.tweets_by_disk == two.tweets_by_disk


def test_the_smaller_of_load_and_disk_decides() -> None:
    little_disk = sizing_of(Measured(2_000, 250, 60, 10**9))
    assert little_disk.people == little_disk.people_by_disk < little_disk.people_by_load
    assert little_disk.machines == little_disk.machines_by_disk


def test_a_machine_that_bears_nothing_needs_no_division() -> None:
    nothing = sizing_of(Measured(0, 250, 60, 0))
    assert (nothing.people, nothing.machines) == (0, None)
    assert (nothing.machines_by_load, nothing.machines_by_disk) == (None, None)


def test_where_no_load_is_borne_it_says_that_none_fits(tmp_path: Path) -> None:
    data, file = tmp_path / "data", report(tmp_path / "r.json", rate=0)
    chirp("demo", data, "--users", "20", "--days", "1")
    shown = chirp("capacity", data, "--report", file, "--disk-gb", "100")
    assert re.search(r"machines by load .*none fits", shown.stdout)
    assert re.search(r"machines by disk .*\d", shown.stdout)
    found = json.loads(chirp("capacity", data, "--report", file, "--json").stdout)
    assert (found["machines"], found["machines_by_load"]) == (None, None)


def test_where_there_is_no_store_it_says_so_in_one_line(tmp_path: Path) -> None:
    done = chirp("capacity", tmp_path / "nope", "--report", report(tmp_path / "r.json"))
    assert done.returncode
    assert "there is no store here" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_reads_a_report_and_a_store(tmp_path: Path) -> None:
    data = tmp_path / "data"
    chirp("demo", data, "--users", "20", "--days", "1")
    done = chirp("capacity", data, "--report", report(tmp_path / "r.json"), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["per_s"] == 2_000
    assert 100 < found["tweet_bytes"] < 10_000
    assert found["people"] > 0
    shown = chirp("capacity", data, "--report", tmp_path / "r.json", "--disk-gb", "100")
    assert "machines by load" in shown.stdout


@pytest.mark.parametrize("text", ["", "[]", '{"plan": {"mix": "home"}, "capacity": {"rate": 1}}'])
def test_other_files_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    data, file = tmp_path / "data", tmp_path / "r.json"
    chirp("demo", data, "--users", "3", "--days", "1")
    file.write_text(text)
    done = chirp("capacity", data, "--report", file)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    chirp("init", tmp_path / "data")
    done = chirp("capacity", tmp_path / "data", "--report", report(tmp_path / "r.json"))
    assert done.returncode == 1
    assert "no tweets" in done.stderr
