"""What a text box wants to know while one types: how full a tweet is, and where it overflows.

The fields and the three sets of rules are those of twitter-text and its conformance suite.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from chirp.text.emoji import SEQUENCE
from chirp.text.urls import extract_urls
from chirp.text.weights import HEAVY, MAX_WEIGHT, URL_WEIGHT, find_invalid, normalize


class Rules(msgspec.Struct, frozen=True, gc=False):
    """One version of the way to count: the weights, and whether a joined emoji is one unit."""

    max_weight: int = MAX_WEIGHT
    heavy_weight: int = 2
    joins_emoji: bool = True


V1: Final = Rules(max_weight=140, heavy_weight=1, joins_emoji=False)
"""The original: 140, every code point one."""

V2: Final = Rules(joins_emoji=False)
"""280, emoji counted by the code point."""

V3: Final = Rules()
"""280, each emoji two: what `parse` and `weighted_length` go by."""


class ParseResult(msgspec.Struct, frozen=True, gc=False):
    """How full a tweet is; the offsets count UTF-16 units, as JavaScript does, ends inclusive."""

    weighted_length: int
    valid: bool
    permillage: int  # of the greatest weight
    display_range_start: int
    display_range_end: int
    valid_range_start: int
    valid_range_end: int


def parse_result(text: str, rules: Rules = V3) -> ParseResult:
    """Return how full a tweet with `text` is. O(n), but slow: `parse` is for posts.

    >>> parse_result("Hi http://test.co").permillage
    92
    """
    normal = normalize(text)
    weight = end = valid_end = 0
    valid = True
    for unit, unit_weight in _weigh_units(normal, rules):
        weight += unit_weight
        end += _count_utf16(unit)
        valid = valid and find_invalid(unit) is None
        if valid and weight <= rules.max_weight:
            valid_end = end - 1
    size = _count_utf16(text)
    return ParseResult(
        weighted_length=weight,
        valid=valid and 0 < weight <= rules.max_weight,
        permillage=weight * 1000 // rules.max_weight,
        display_range_start=0,
        display_range_end=max(size - 1, 0),
        valid_range_start=0,
        valid_range_end=valid_end + size - _count_utf16(normal),
    )


def _weigh_units(text: str, rules: Rules) -> Iterator[tuple[str, int]]:
    position = 0
    for url in extract_urls(text):
        yield from _weigh_signs(text[position : url.start], rules)
        yield url.url, URL_WEIGHT
        position = url.end
    yield from _weigh_signs(text[position:], rules)


_ANY: Final = re.compile(r"(?s:.)")
_SIGN: Final = re.compile(rf"{SEQUENCE.pattern}|(?s:.)")


def _weigh_signs(text: str, rules: Rules) -> Iterator[tuple[str, int]]:
    signs = _SIGN if rules.joins_emoji else _ANY
    for found in signs.finditer(text):
        heavy = len(found[0]) > 1 or HEAVY.match(found[0])
        yield found[0], rules.heavy_weight if heavy else 1


def _count_utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
