"""The tables of letters agree with the interpreter, but for what its Unicode lacks."""

import re
import sys
import unicodedata

import pytest

from chirp.text.letters import ASTRAL_DIGITS, ASTRAL_LETTERS, DIGITS, LETTERS, MARKS
from chirp.text.tlds import find_tld_end

TABLES = [
    (LETTERS + ASTRAL_LETTERS, ("L", "M")),
    (MARKS, ("M",)),
    (DIGITS + ASTRAL_DIGITS, ("Nd",)),
]


@pytest.mark.parametrize(("table", "categories"), TABLES)
def test_table_agrees_with_the_interpreter(table: str, categories: tuple[str, ...]) -> None:
    listed = set(re.findall(f"[{table}]", "".join(map(chr, range(sys.maxunicode + 1)))))
    for char in map(chr, range(sys.maxunicode + 1)):
        category = unicodedata.category(char)
        if (char in listed) is not category.startswith(categories):
            # A letter of Unicode 15, which the table knows and Python 3.11 does not.
            assert category == "Cn", hex(ord(char))
            assert unicodedata.unidata_version < "15.1", hex(ord(char))


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("com", 3),
        ("CoM ", 3),
        ("com@", 0),
        ("com1", 0),
        ("com-", 0),
        ("com_", 3),
        ("рф", 2),
        ("РФ", 2),
        ("みんなの", 3),
        ("みんなa", 0),
        ("vermögensberatung", 17),
        ("xn--p1ai", 8),
        ("", 0),
        ("日", 0),
    ],
)
def test_tld_ends_at_a_border(text: str, end: int) -> None:
    assert find_tld_end(text, 0) == end
