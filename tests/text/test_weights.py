"""Weights, normal form and validity at their edges."""

import unicodedata

import pytest

from chirp.text import find_invalid, is_valid, normalize, weighted_length

FAMILY = "👩\u200d👩\u200d👧\u200d👧"


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("a\n", 2),
        ("\u10ff\u1100", 3),
        ("\u1fff\u2000\u200d\u200e\u200f\u2010\u201f\u2020", 12),
        ("\u2031\u2032\u2037\u2038", 6),
        ("e\u0301", 1),
        ("日本", 4),
        ("a.com", 23),
        ("a.com b.com/" + "c" * 100, 47),
        ("é http://a.com/é é", 27),
    ],
)
def test_weight(text: str, weight: int) -> None:
    assert weighted_length(text) == weight


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("😀", 2),
        ("👍🏽", 2),
        ("😀🏽", 4),  # a face takes no skin tone
        ("❤️", 2),
        ("❤️\u200d🔥", 2),
        (FAMILY, 2),
        (f"{FAMILY}\u200d👧", 5),  # a join of five: four, ZWJ, one
        ("👩🏻\u200d❤️\u200d💋\u200d👨🏿", 2),
        ("🇫🇷", 2),
        ("🇫🇷🇩🇪🇫", 6),
        ("1️⃣2⃣#️⃣", 6),
        ("1\ufe0f", 3),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", 2),
        ("©®", 2),
        ("©️", 2),
        ("क्\u200dष", 4),  # ZWJ between letters joins no emoji
    ],
)
def test_emoji_is_one_unit(text: str, weight: int) -> None:
    assert weighted_length(text) == weight


def test_marks_are_counted_in_normal_form() -> None:
    text = "cafe\u0301 Å 가 \u0958"
    assert normalize(text) == unicodedata.normalize("NFC", text)


def test_a_pile_of_marks_is_normalized_in_pieces() -> None:
    assert len(normalize("e" + "\u0316\u0301" * 50)) == 100


def test_normal_form_is_the_same_on_every_python() -> None:
    # Python 3.12 knows U+10EFD as a mark below, which lets the accent pass to the letter; 3.11 not.
    assert normalize("e\U00010efd\u0301") == "e\U00010efd\u0301"


@pytest.mark.parametrize("text", ["\ufeff", "\ufffe", "\uffff", "\ud800"])
def test_some_characters_are_refused(text: str) -> None:
    assert (find_invalid(f"ab{text}"), is_valid(f"ab{text}")) == (2, False)


@pytest.mark.parametrize("text", ["a\x00", "\u202a", "\U0001f600", "\ufffd"])
def test_others_pass(text: str) -> None:
    assert (find_invalid(text), is_valid(text)) == (None, True)


def test_greatest_weight_is_an_argument() -> None:
    assert (is_valid("abc", 3), is_valid("abc", 2)) == (True, False)
