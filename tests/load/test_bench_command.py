"""`chirp bench` as somebody runs it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from chirp.load.mixes import MIXES
from tests.support.process import ServerProcess, chirp

FEW = ("--users", "4", "--followees", "2", "--tweets", "2", "--warmup", "0", "--duration", "0.6")


def bench(*words: str | Path) -> dict[str, Any]:
    done = chirp("bench", *words, *FEW, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_starts_a_server_of_its_own_and_finds_its_people_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    found = bench("--data", data, "--rate", "100")
    assert found["operations"]["all"]["count"] == 60
    assert found["errors"] == {}
    assert found["plan"]["rate"] == 100
    assert found["server"]["tweets_posted"] >= 1
    assert found["server"]["cpu_s"] > 0
    again = bench("--data", data, "--rate", "100", "--processes", "2")
    assert again["operations"]["all"]["count"] == 60
    assert chirp("check", data).returncode == 0


@pytest.mark.parametrize("mix", MIXES)
def test_every_mix_runs_without_an_error(tmp_path: Path, mix: str) -> None:
    with ServerProcess(tmp_path / "data", env={"CHIRP_RATE_LIMITS": "0"}) as server:
        found = bench(server.url, "--mix", mix, "--connections", "4")
    assert found["errors"] == {}
    assert found["operations"]["all"]["count"] > 10


class Balanced(HTMLParser):
    """Asserts that tags are closed, and that nothing is loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {"src", "href"} & {name for name, _ in attrs}
        if tag != "meta":
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


def test_capacity_with_a_page(tmp_path: Path) -> None:
    html = tmp_path / "bench.html"
    words = ("--data", tmp_path / "data", "--mix", "home", "--capacity", "200", "--steps", "2")
    found = bench(*words, "--html", html)
    assert len(found["capacity"]["tries"]) == 3
    assert found["plan"]["rate"] == found["capacity"]["rate"] > 0
    page = html.read_text(encoding="utf-8")
    parser = Balanced()
    parser.feed(page)
    assert parser.opened in ([], ["html"])
    assert page.count("<svg") >= 2
    assert "Capacity" in page


def test_a_table_for_people(tmp_path: Path) -> None:
    done = chirp("bench", "--data", tmp_path / "data", *FEW, "--mix", "home")
    assert done.returncode == 0
    assert "p99.9" in done.stdout
    assert "batches per commit" not in done.stdout or "tweets posted" in done.stdout


def one_line(text: str) -> bool:
    return len(text.strip().splitlines()) == 1 and "Traceback" not in text


def test_what_cannot_be_run_is_told_in_one_line(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text("[]", encoding="utf-8")
    occupied = tmp_path / "file"
    occupied.write_text("", encoding="utf-8")
    for words in (
        ("http://127.0.0.1:1",),
        ("nonsense",),
        ("--data", tmp_path / "data", "--keys", keys),
        ("--data", occupied),
    ):
        done = chirp("bench", *words, *FEW)
        assert done.returncode in {1, 2}, words
        assert "Traceback" not in done.stderr
    assert one_line(chirp("bench", "http://127.0.0.1:1", *FEW).stderr)


def test_rate_limits_that_are_on_are_named(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", env={"CHIRP_RATE_LIMITS": "1"}) as server:
        done = chirp(
            "bench", server.url, "--users", "2", "--followees", "1", "--tweets", "1",
            "--warmup", "0", "--duration", "1.5", "--mix", "home",
        )  # fmt: skip
    assert "CHIRP_RATE_LIMITS=0" in done.stdout


def test_a_limit_ends_it_at_once_and_the_next_run_goes_on_from_there(tmp_path: Path) -> None:
    data, words = tmp_path / "data", ("--users", "8", "--followees", "2", "--tweets", "1")
    with ServerProcess(data, env={"CHIRP_RATE_LIMITS": "1"}) as server:
        done = chirp("bench", server.url, *words, timeout_s=15)
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "CHIRP_RATE_LIMITS=0 (more than 5 registrations in 3600 s)" in done.stderr
    with ServerProcess(data, env={"CHIRP_RATE_LIMITS": "0"}) as server:
        done = chirp("bench", server.url, *words, "--duration", "0.5", "--mix", "home")
        assert (done.returncode, done.stderr) == (0, "")
        for number in range(8):
            with urlopen(f"{server.url}/api/v1/users/bench1x{number}") as answer:
                user = json.load(answer)
            assert (user["num_tweets"], user["num_following"]) == (1, 2)
