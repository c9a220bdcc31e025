"""The pages of the documentation, and what tests look for in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADRS = ROOT / "docs" / "adr"

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:chirp|tests|bench|docs)(?:/[\w.-]+)+/?")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def text_of(path: str | Path) -> str:
    """Return a page by its place in the checkout."""
    return (ROOT / path).read_text(encoding="utf-8")


def prose_of(path: str | Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text_of(path))


def links_of(path: Path) -> list[str]:
    """Return the targets of a page's links, those to elsewhere on the web left out."""
    return [link for link in _LINK.findall(prose_of(path)) if "://" not in link]


def paths_of(path: str | Path) -> Iterator[str]:
    """Yield whatever a page names in backquotes that is a path of this checkout."""
    for code in _CODE.findall(prose_of(path)):
        if _PATH.fullmatch(code):
            yield code


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made for the web."""
    titles = _HEADING.findall(prose_of(path))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def name_of(page: Path) -> str:
    """Return a page's place in the checkout, for the name of a test."""
    return page.relative_to(ROOT).as_posix()
