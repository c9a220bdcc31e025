"""All cases of twitter-text's autolink.yml: the same parts of the same texts are marked.

Its HTML leads to twitter.com, also from tags, and leaves the sign of a mention outside the link;
ours does neither, so what is compared is the text, cut where links and tags begin and end.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chirp.text import extract_cashtags, extract_mentions_or_lists
from chirp.web.autolink import Kind, Span, autolink, spans_of_text
from tests.support.surfing import Document

SUITE = Path(__file__).parents[1] / "data" / "twitter-text" / "autolink.yml"
CASES: dict[str, list[dict[str, Any]]] = yaml.load(SUITE.read_text("utf-8"), yaml.CSafeLoader)[
    "tests"
]
LINK = re.compile(r"<a [^>]*?(?:class=\"([^\"]*)\")?[^>]*>(.*?)</a>", re.DOTALL)
MARKED = re.compile(r"<a [^>]*>.*?</a>|<span class=\"hash\">.*?</span>", re.DOTALL)
SIGNS = "@＠"


def wanted(expected: str) -> list[tuple[str, bool]]:
    """Return the parts of a case's HTML: text, and whether it is a link."""
    parts: list[tuple[str, bool]] = []
    place = 0
    for found in LINK.finditer(expected):
        before, kind = html.unescape(expected[place : found.start()]), found[0].split(">")[0]
        text = html.unescape(re.sub(r"<[^>]*>", "", found[2]))
        if "username" in kind or "list-slug" in kind:
            before, text = before[:-1], before[-1] + text
        parts += [(before, False), (text, True)]
        place = found.end()
    parts.append((html.unescape(expected[place:]), False))
    return [part for part in parts if part[0]]


def made(markup: str) -> list[tuple[str, bool]]:
    """Return the same of our HTML."""
    parts: list[tuple[str, bool]] = []
    place = 0
    for found in MARKED.finditer(markup):
        parts.append((html.unescape(markup[place : found.start()]), False))
        parts.append((html.unescape(re.sub(r"<[^>]*>", "", found[0])), True))
        place = found.end()
    parts.append((html.unescape(markup[place:]), False))
    return [part for part in parts if part[0]]


OF_GROUP = {
    "usernames": {Kind.LIST},
    "lists": {Kind.LIST},
    "hashtags": {Kind.HASHTAG},
    "urls": {Kind.URL},
    "cashtags": {Kind.CASHTAG},
    "all": set(Kind),
}
"""Each group of cases is about one kind of link; mentions come with lists."""


def spans(text: str, group: str) -> list[Span]:
    """Return what these cases link: lists and cashtags too, and no address without its scheme."""
    found = [
        span
        for span in spans_of_text(text)
        if span.kind is Kind.HASHTAG or "://" in text[span.start : span.end]
    ]
    found += [Span(one.start, one.end, Kind.LIST) for one in extract_mentions_or_lists(text)]
    found += [Span(one.start, one.end, Kind.CASHTAG) for one in extract_cashtags(text)]
    return sorted(span for span in found if span.kind in OF_GROUP[group])


PLAIN = [(name, case) for name in CASES if name != "json" for case in CASES[name]]


@pytest.mark.parametrize(("kind", "case"), PLAIN, ids=lambda one: str(one)[:60])
def test_the_same_parts_are_marked(kind: str, case: dict[str, Any]) -> None:
    expected = case["expected"]
    text = html.unescape(case["text"])
    markup = str(autolink(text, spans(text, kind)))
    assert made(markup) == wanted(expected), kind
    document = Document()
    document.feed(f"<p>{markup}</p>")
    assert document.elements[0].text == text
