"""Pages name only what is there, and requirements are all accounted for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, anchors_of, links_of, name_of, paths_of, text_of

STATES = ("yes", "part", "not yet", "else")
ROW = re.compile(r"^\| R(\d+) \| (.+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
ROWS = ROW.findall(text_of("docs/requirements.md"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_of(page):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    assert [path for path in paths_of(page) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_end_in_one_newline_and_have_a_title(page: Path) -> None:
    text = text_of(page)
    assert text.startswith("# ")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_every_requirement_has_one_row() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 128))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"R{row[0]}")
def test_requirements_say_where_they_stand(row: tuple[str, ...]) -> None:
    _, _, built, shown, state = row
    assert state.startswith(STATES)
    if state.startswith(("yes", "part")):
        assert "`" in built
    if state.startswith("yes"):
        assert "`" in built + shown


def test_requirements_name_paths_alone() -> None:
    for _, _, built, shown, _ in ROWS:
        for cell in (built, shown):
            named = re.sub(r"`(chirp|tests|bench|docs)/[\w./-]+`", "", cell)
            assert named.strip(" ,") in {"", "–"}, cell
