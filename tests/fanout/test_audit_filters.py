"""The first filters: what they flag, what they leave alone, and how little they remember."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp.commands import entities_of
from chirp.config import Audit
from chirp.fanout.audit_filters import (
    Filter,
    Links,
    Mentions,
    SameText,
    first_filters,
    host_of,
    normalised,
)
from chirp.fanout.audit_windows import Tripwire
from chirp.model import Tweet, TweetId, UnixMs, UserId
from chirp.text import parse
from tests.support.admission import SMALL

WINDOW_MS = SMALL.window_s * 1000
SPAM = "Buy these marvellous pills today"
HOUR_MS = 3_600_000


def tweet_of(text: str, author: int = 1, at: int = 0, number: int = 7) -> Tweet:
    parsed = parse(text)
    entities = entities_of(parsed, [None] * len(parsed.entities.mentions))
    i, when = TweetId(number), UnixMs(at)
    return Tweet(i, UserId(author), parsed.text, when, i, entities=entities)


def tripped(filter_: Filter, *tweets: Tweet) -> list[int]:
    """Return the places of the tweets that a filter flags."""
    return [place for place, tweet in enumerate(tweets) if filter_.reasons(tweet)]


def links(created_at: int = 0, **changes: int) -> Links:
    return Links(replace(SMALL, **changes), lambda _: UnixMs(created_at))


# -- one text -------------------------------------------------------------------------------


def test_one_text_from_many_accounts_is_flagged_once_a_window() -> None:
    tweets = [tweet_of(SPAM, author, author) for author in range(10)]
    assert tripped(SameText(SMALL), *tweets) == [2]


def test_one_account_may_repeat_itself() -> None:
    assert tripped(SameText(SMALL), *[tweet_of(SPAM, 1, at) for at in range(20)]) == []


def test_a_window_later_the_same_text_is_flagged_again() -> None:
    tweets = [tweet_of(SPAM, n, n * WINDOW_MS // 5) for n in range(20)]
    assert tripped(SameText(SMALL), *tweets) == [2, 7, 12, 17]


def test_what_is_a_window_old_counts_no_more() -> None:
    at = [0, 1, WINDOW_MS, WINDOW_MS + 1]
    tweets = [tweet_of(SPAM, author, when) for author, when in enumerate(at)]
    assert tripped(SameText(SMALL), *tweets) == []


@pytest.mark.parametrize(
    "text",
    ["BUY these   marvellous pills, today!", "@bob buy these marvellous pills today",
     "Buy these ｍａｒｖｅｌｌｏｕｓ pills today", "Buy these marvellous #pills today"],
)  # fmt: skip
def test_spelling_and_addressees_make_no_other_text(text: str) -> None:
    assert normalised(tweet_of(text)) == normalised(tweet_of(SPAM))


def test_links_differ_by_host_alone() -> None:
    one, two = [normalised(tweet_of(f"{SPAM} https://pills.example.com/?{n}")) for n in range(2)]
    assert one == two != normalised(tweet_of(SPAM))


def test_short_texts_are_anybodys() -> None:
    tweets = [tweet_of("Good morning!", author) for author in range(9)]
    assert tripped(SameText(SMALL), *tweets) == []


# -- links and mentions ---------------------------------------------------------------------


def test_many_links_from_one_account_are_flagged() -> None:
    tweets = [tweet_of("see example.org and example.com", 1, at, at + 1) for at in range(3)]
    assert tripped(links(), *tweets) == [1]
    assert tripped(links(), *[tweet_of("see example.org", n, n) for n in range(2)]) == []


def test_one_host_from_many_new_accounts_is_flagged() -> None:
    tweets = [tweet_of("https://www.example.org/x", author) for author in range(4)]
    assert tripped(links(), *tweets) == [2]


def test_old_accounts_may_link_to_what_they_like() -> None:
    at = SMALL.new_account_h * HOUR_MS
    tweets = [tweet_of("https://example.org/x", author, at) for author in range(9)]
    assert tripped(links(), *tweets) == []
    assert tripped(links(created_at=1), *tweets) == [2]


def test_one_account_that_addresses_many_is_flagged() -> None:
    tweets = [tweet_of(f"hi @user{n} @USER{n}", 1, n) for n in range(5)]
    assert tripped(Mentions(SMALL), *tweets) == [2]
    assert tripped(Mentions(SMALL), *[tweet_of("hi @bob", 1, n) for n in range(9)]) == []


def test_a_limit_of_zero_switches_a_filter_off() -> None:
    off = {"same_text_accounts": 0, "links_per_account": 0, "mentions_per_account": 0}
    names = [f.name for f in first_filters(replace(SMALL, **off), UnixMs)]
    assert names == ["links"]
    assert first_filters(replace(SMALL, **off, new_accounts_per_host=0), UnixMs) == []
    no_hosts = links(new_accounts_per_host=0)
    assert tripped(no_hosts, *[tweet_of("example.org", n) for n in range(9)]) == []
    no_links = links(links_per_account=0)
    assert tripped(no_links, *[tweet_of("example.org", 1, n, n + 1) for n in range(9)]) == []


@given(st.text(max_size=300))
def test_no_text_breaks_a_filter(text: str) -> None:
    for filter_ in first_filters(Audit(), lambda _: UnixMs(0)):
        filter_.reasons(tweet_of(text))
    host_of(text)


# -- bounds ---------------------------------------------------------------------------------

EVENTS = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 100))


@given(st.lists(EVENTS, max_size=200), st.integers(1, 5), st.integers(1, 10))
def test_memory_is_bounded(events: list[tuple[int, int, int]], limit: int, most_keys: int) -> None:
    wire = Tripwire(limit=limit, window_ms=50, most_keys=most_keys)
    for key, member, at in events:
        wire.trips(key, [member, member + 1, member + 2], UnixMs(at))
        wire.check()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 20)), max_size=80))
def test_a_wire_trips_as_its_slow_twin_does(steps: list[tuple[int, int, int]]) -> None:
    wire = Tripwire(limit=3, window_ms=50, most_keys=10)
    seen: dict[int, list[tuple[int, int]]] = {}
    tripped_at: dict[int, int] = {}
    now = 0
    for key, member, later in steps:
        now += later
        seen.setdefault(key, []).append((member, now))
        recent = {other for other, at in seen[key] if at > now - 50}
        silent = key in tripped_at and now - tripped_at[key] < 50
        expected = len(recent) >= 3 and not silent
        if expected:
            tripped_at[key] = now
        assert wire.trips(key, [member], UnixMs(now)) == expected


def test_what_comes_late_from_another_journal_counts_where_it_belongs() -> None:
    wire = Tripwire(limit=3, window_ms=100, most_keys=10)
    assert not wire.trips("x", ["ada"], UnixMs(1_000))
    assert not wire.trips("x", ["bob"], UnixMs(900))  # a window old
    assert not wire.trips("x", ["eve"], UnixMs(950))
    assert wire.trips("x", ["joe"], UnixMs(940))
