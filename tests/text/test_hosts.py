"""The linear scan for host names answers as the rule does when it is tried at every place."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirp.text import extract_urls
from chirp.text.hosts import find_domains, find_run, is_resolvable

# The rule, word by word, as a regular expression that may backtrack as it likes.
CHAR = r"[a-zéみんな]"
SUBDOMAIN = rf"{CHAR}(?:[a-zéみんな_-]*{CHAR})?\."
DOMAIN = rf"{CHAR}(?:[a-zéみんな-]*{CHAR})?\."
RULE = re.compile(rf"(?<![a-z])((?:{SUBDOMAIN})*{DOMAIN}(?:com|co|みんな)(?![a-z-]))")
# Of q alone no top-level domain is made.
PIECES = st.sampled_from(["q", "é", "-", "_", ".", ".com", ".co", ".みんな"])


def tried_everywhere(text: str) -> list[tuple[int, int]]:
    found = []
    floor = 0
    while (match := RULE.search(text, floor)) is not None:
        found.append(match.span())
        floor = match.end() + 1
    return found


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_scan_agrees_with_the_rule(text: str) -> None:
    run = find_run(text, 0)
    found = find_domains(text, *run, 0) if run else []
    assert found == tried_everywhere(text)


def test_run_may_be_cut() -> None:
    assert find_run("see a.com/b.co", 0) == (4, 9)
    assert find_run("see a.com/b.co", 6) == (10, 14)
    assert find_run("no dot", 0) is None


@pytest.mark.parametrize(
    ("domain", "answer"),
    [
        ("a" * 63 + ".com", True),
        ("a" * 64 + ".com", False),
        ("あ" * 50 + ".com", True),
        ("あ" * 62 + ".com", False),
        ("xn--あ.com", False),
        ("www." * 30 + "com", True),
    ],
)
def test_label_must_fit_into_dns(domain: str, answer: bool) -> None:
    assert is_resolvable(domain) is answer


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ('"a.com" `b.com` “c.com”', ["a.com", "b.com", "c.com"]),
        ("http://a\x00b.com http://a\ud83d.com", ["b.com"]),
        ("＠a.com ＃a.com a＠b.com", []),
        ("日本-a.com", ["a.com"]),
        ("a.com.", ["a.com"]),
        ("HTTP://EXAMPLE.COM/A", ["HTTP://EXAMPLE.COM/A"]),
        ("http://a.com/(b(c)d)e)", ["http://a.com/(b(c)d)e"]),
        ("a.com:80/b?c=1. a.com?c=1", ["a.com:80/b?c=1", "a.com"]),
        ("http://a.com/" + "b" * 4090, []),
        ("foo.http://b.com", ["http://b.com"]),
    ],
)
def test_links_where_the_suite_is_silent(text: str, urls: list[str]) -> None:
    assert [url.url for url in extract_urls(text)] == urls
