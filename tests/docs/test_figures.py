"""The figures that the README shows are those of bench/results."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import pytest

from tests.docs.pages import ROOT, text_of

RESULTS = ROOT / "bench" / "results"
TABLE = text_of("README.md").split("<!-- FIGURES")[1].split("<!-- END FIGURES -->")[0]
ROWS = re.findall(
    r"^\| (?!what|---)(.*?) \| `bench/(\w+)\.py` \|(.*?)\| (.*) \|$", TABLE, re.MULTILINE
)


class Figure(NamedTuple):
    """Where a figure stands: file and row; and how it is written."""

    file: str
    what: str
    form: str = "{:,.0f}"


def cold(followees: str, tweets: str) -> Figure:
    return Figure("scale", f"cold page, p99, files dropped, {followees} followees, {tweets} tweets")


def seen(pages: str) -> list[Figure]:
    """Return how soon posts are visible beside pages: the median, the least, the greatest."""
    rows = ("visible to followers, p99", "the least p99 of 5 rounds", "the greatest")
    return [Figure("fanout", f"{row}, beside {pages} pages/s") for row in rows]


BESIDE = "beside 500 pages/s"
SHOWN = {
    "home timeline of 20 tweets": [Figure("page", "ratio, median of rounds, hit", "{:.2f}")],
    "the same, where something new": [Figure("page", "ratio, median of rounds, renewed", "{:.2f}")],
    "the same, made from the ground": [
        Figure("page", "ratio, median of rounds, forced miss", "{:.2f}")
    ],
    "tweet views a second": [
        Figure("page", f"tweet views, {kind}") for kind in ("hit", "renewed", "forced miss")
    ],
    "home as HTML": [Figure("web", "ratio to the same page as JSON, median of rounds", "{:.2f}")],
    "durable posts a second": [Figure("posts", "posts, pinned, alone")],
    "the same posts beside 500 pages": [Figure("posts", f"posts, pinned, {BESIDE}")],
    "the same on all cores": [
        Figure("posts", "posts, unpinned, alone"),
        Figure("posts", f"posts, unpinned, {BESIDE}"),
    ],
    "posts a second with 200 followers": [
        Figure("fanout", f"posts, beside {pages} pages/s") for pages in ("2,000", "500")
    ],
    "post to visible": seen("2,000"),
    "visible beside 500 pages": seen("500"),
    "the last of the 200 deliveries": [
        Figure("fanout", f"last delivery, p99 (bucket), beside {pages} pages/s")
        for pages in ("2,000", "500")
    ],
    "others' pages while an author": [
        Figure("celebrity", "page p99 of others against 10, 1,000,000 followers", "{:.2f}")
    ],
    "home timeline under the mix": [
        Figure("mixed", "home timeline p99 at 70 % of capacity", "{:.1f}")
    ],
    "a warm page": [
        Figure("scale", f"warm page {kind}, slowest against fastest of these", "{:.2f}")
        for kind in ("kept", "made anew")
    ],
    "a cold page of 500": [cold("500", "1,000,000"), cold("5,000", "1,000,000")],
    "the same among 10⁷ tweets": [cold("500", "10,000,000"), cold("5,000", "10,000,000")],
    "disk a tweet": [
        Figure("scale", "disk a tweet of 90 characters, 10,000,000 tweets, with all indexes")
    ],
    "idle memory": [
        Figure("scale", f"resident memory idle, {how}, 10,000,000 tweets")
        for how in ("without warming", "tweets of 72 hours warmed")
    ],
    "start to first answer": [
        Figure("scale", "start to first answer, files dropped, 10,000,000 tweets", "{:.1f}")
    ],
    "post beside a loop": [Figure("convoy", "post p99, slices of 250 µs", "{:.1f}")],
    "the same in slices of 1 ms": [Figure("convoy", "post p99, slices of 1000 µs")],
    "memory of one of 8,000": [
        Figure("streams", f"memory of one of 4000 {kind}")
        for kind in ("Server-Sent Events", "WebSockets")
    ],
    "a tweet at the last of 8,000": [
        Figure("streams", "later tweet at its last reader"),
        Figure("streams", "first tweet at its last reader"),
    ],
    "a page of others meanwhile": [
        Figure("streams", "page of others during the later tweet, p99"),
        Figure("streams", "page of others during the first tweet, p99"),
    ],
    "parsing a tweet": [Figure("text", "median", "{:.1f}")],
}
"""By how its row begins, what a cell shows."""


def row_of(figure: Figure) -> dict[str, Any]:
    """Return the row of a result that a figure stands in."""
    result = json.loads((RESULTS / f"{figure.file}.json").read_text(encoding="utf-8"))
    (found,) = [row for row in result["rows"] if row["what"] == figure.what]
    assert isinstance(found, dict)
    return found


def misses(target: str, result: float) -> bool:
    """Say whether a result misses what the table wants of it."""
    wanted = re.match(r"([≥≤]) ([\d,.]+)", target)
    if wanted is None:
        return False
    bound = float(wanted[2].replace(",", ""))
    return result < bound if wanted[1] == "≥" else result > bound


@pytest.mark.parametrize(("what", "script", "target", "said"), ROWS, ids=[r[0][:40] for r in ROWS])
def test_the_readme_shows_what_was_measured(what: str, script: str, target: str, said: str) -> None:
    target = target.strip()
    (figures,) = [shown for begins, shown in SHOWN.items() if what.startswith(begins)]
    assert {figure.file for figure in figures} == {script}
    rows = [row_of(figure) for figure in figures]
    numbers = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", said)
    shown = [figure.form.format(row["result"]) for figure, row in zip(figures, rows, strict=True)]
    assert numbers[: len(figures)] == shown
    assert ("**missed**" in said) == any(misses(target, row["result"]) for row in rows)
    for row in rows:
        unit = row["unit"].split("/")[0]
        assert not row["target"] or target.replace(",", "").startswith(row["target"])
        assert unit not in {"ms", "µs", "s", "B", "MiB", "KiB"} or f" {unit}" in said


def test_the_readme_hides_no_missed_target() -> None:
    shown = [figure for figures in SHOWN.values() for figure in figures]
    below = TABLE[TABLE.rindex("|\n") :]
    for path in RESULTS.glob("*.json"):
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
            told = (path.stem, row["what"]) in [(one.file, one.what) for one in shown]
            assert row["met"] is not False or told or f"`bench/{path.stem}.py`" in below, row


def test_every_figure_has_its_row() -> None:
    assert len(ROWS) == len(SHOWN)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_results_say_what_they_were_measured_with(path: object) -> None:
    assert isinstance(path, type(RESULTS))
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["bench"] == path.stem
    assert result["machine"]["commit"]
    disturbed = result["disturbed"]
    assert disturbed == (result["foreign_cores"] > 0.12)
    assert not disturbed or f"`{path.stem}`" in TABLE, "the README says which runs were disturbed"
