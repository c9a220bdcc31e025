"""Commands are right once they are built; what is wrong names its field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp.commands import (
    CreateKey,
    Register,
    SignIn,
    check_born,
    coordinates,
    entities_of,
    parse_content,
    post_tweet,
)
from chirp.errors import Invalid
from chirp.model import MAX_ID, UnixMs, UserId
from chirp.pages import ReadActions, ReadTweets
from chirp.text import TweetText, parse

T = TypeVar("T")

GOOD = {"username": "ada", "name": "Ada", "email": "a@b", "password": "12345678"}


def refused(build: Callable[[], Any], field: str) -> str:
    with pytest.raises(Invalid) as caught:
        build()
    assert caught.value.field == field
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_names_lose_the_space_around_them() -> None:
    assert Register(**{**GOOD, "name": "  Ada  "}).name == "Ada"
    assert CreateKey(" my bot\t").name == "my bot"


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "a" * 15), ("username", "_"), ("name", "n" * 50), ("email", "a" * 250 + "@b.c"),
     ("email", "ä@ö.org"), ("password", "p" * 1_024), ("password", "        "),
     ("date_of_birth", "1600-02-29")],
)  # fmt: skip
def test_what_is_just_right_is_taken(field: str, value: str) -> None:
    assert getattr(Register(**{**GOOD, field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "a" * 16), ("username", "Ⅷ"), ("username", "ada\n"), ("name", "\u2028"),
     ("name", "a\x85b"), ("name", "\ud800"), ("email", "é" * 130 + "@b"), ("email", "\ud800@b"),
     ("password", "1234567"), ("password", "1234567\ud800"), ("date_of_birth", "")],
)  # fmt: skip
def test_what_is_not_names_its_field(field: str, value: str) -> None:
    refused(lambda: Register(**{**GOOD, field: value}), field)


def built(build: Callable[[], T]) -> T | str | None:
    """Return what was built, or the field that was refused; nothing else may be raised."""
    try:
        return build()
    except Invalid as error:
        return error.field


@given(st.text(alphabet=st.characters(), max_size=300), st.sampled_from(sorted(GOOD)))
def test_no_text_does_anything_but_build_or_be_refused(text: str, field: str) -> None:
    made = built(lambda: Register(**{**GOOD, field: text}))
    assert made == field or getattr(made, field).encode()
    signed = built(lambda: SignIn(text, text))
    assert signed == "username" or isinstance(signed, SignIn)


@given(st.text(max_size=300))
def test_no_tweet_does_anything_but_parse_or_be_refused(text: str) -> None:
    parsed = built(lambda: parse_content(text, 280))
    assert parsed == "tweet_data" or (isinstance(parsed, TweetText) and parsed.weight <= 280)


@pytest.mark.parametrize("max_weight", [140, 280])
def test_the_limit_of_a_tweet_is_a_setting(max_weight: int) -> None:
    parse_content("x" * max_weight, max_weight)
    words = refused(lambda: parse_content("x" * (max_weight + 1), max_weight), "tweet_data")
    assert words == f"tweet_data must hold 1 to {max_weight} characters, got {max_weight + 1}"


def test_an_empty_place_is_no_place() -> None:
    command = post_tweet("hi", 280, tweet_location="  ", user_location="")
    assert (command.tweet_location, command.user_location) == (None, None)


@pytest.mark.parametrize(
    ("place", "found"),
    [("48.2082,16.3738", (48.2082, 16.3738)), ("-90,180", (-90.0, 180.0)), ("0,0", (0.0, 0.0)),
     (" 1 , 2 ", (1.0, 2.0)), ("91,0", (None, None)), ("0,181", (None, None)),
     ("1,2,3", (None, None)), ("Vienna, Austria", (None, None)), (None, (None, None)),
     ("1e3,2", (None, None)), ("nan,nan", (None, None)), ("٣,٣", (3.0, 3.0))],
)  # fmt: skip
def test_a_place_of_two_numbers_has_coordinates(place: str | None, found: object) -> None:
    assert coordinates(place) == found


def test_entities_stand_in_the_order_of_the_text() -> None:
    text = parse("@bob #x @eve https://a.co")
    spans = entities_of(text, [UserId(7), None])
    assert [span.start for span in spans] == [0, 5, 8, 13]
    assert [span.user_id for span in spans] == [7, 0, 0, 0]


@pytest.mark.parametrize("limit", [0, -1, 101, 10**6])
@pytest.mark.parametrize("command", [ReadTweets, ReadActions])
def test_a_page_has_1_to_100_items(command: type[ReadTweets | ReadActions], limit: int) -> None:
    refused(lambda: command(limit), "maximum_results_to_return")
    for right in (1, 100):
        assert command(right).limit == right


def test_bounds_without_a_value_are_the_widest() -> None:
    assert (ReadTweets().below, ReadTweets().above) == (MAX_ID + 1, 0)
    assert ReadTweets(since_id=5, min_id=9).above == 9


@pytest.mark.parametrize(
    ("day", "is_born"), [("2026-11-23", True), ("2026-11-24", True), ("2026-11-25", False)]
)
def test_a_birthday_has_come_where_days_begin_first(day: str, is_born: bool) -> None:
    noon = UnixMs(int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000))
    if is_born:
        check_born(day, noon)
    else:
        refused(lambda: check_born(day, noon), "date_of_birth")
