"""How much a text weighs: the measure that a tweet may have 280 of.

Source: the configuration v3 of twitter-text. A character weighs one in the ranges below (Latin to
Georgian, and common punctuation) and two elsewhere, a link 23 whatever its length, an emoji two
whatever its code points. The text is counted in its NFC form: é weighs the same however typed.
"""

import re
import unicodedata
from typing import Final

from chirp.text.characters import NONCHARACTERS, SURROGATES
from chirp.text.emoji import HINT, SEQUENCE
from chirp.text.entities import Url
from chirp.text.letters import MARKS
from chirp.text.urls import extract_urls

MAX_WEIGHT: Final = 280
"""The weight that a tweet may have by the rules of v3."""

URL_WEIGHT: Final = 23
"""What a link weighs; emoji and heavy characters weigh two, light ones one."""

_LIGHT: Final = r"\x00-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037"
HEAVY: Final = re.compile(rf"[^{_LIGHT}]")
"""A character that weighs two by itself."""

_LIGHT_RUN: Final = re.compile(rf"[{_LIGHT}]++")
_REFUSED: Final = re.compile(rf"[{NONCHARACTERS}{SURROGATES}]")

# Python sorts the marks on one letter in quadratic time; Unicode's Stream-Safe Text Format (UAX 15)
# allows 30 of them, and so many are sorted here together. Marks that Unicode 15.0 added, which
# Python 3.11 does not know, bound a piece too: NFC is the same on 3.11, 3.12 and 3.13.
_NEW_MARKS: Final = r"\U00010efd-\U00010eff\U00011f41\U00011f42\U0001e08f\U0001e4ec-\U0001e4ef"
_PILE: Final = rf"(?:(?![{_NEW_MARKS}])[{MARKS}])"
_PIECE: Final = re.compile(rf"[{_NEW_MARKS}]|[^{MARKS}]++{_PILE}{{0,30}}+|{_PILE}{{1,30}}+")


def normalize(text: str) -> str:
    r"""Return `text` in the form that is counted: NFC, up to 30 combining marks at a time. O(n).

    Only for counting: store and show what was written. Nothing is refused or removed here, see
    `find_invalid`; NUL and lone surrogates pass.

    >>> normalize("e\u0301") == "\xe9"
    True
    """
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return "".join(unicodedata.normalize("NFC", piece) for piece in _PIECE.findall(text))


def find_invalid(text: str) -> int | None:
    r"""Return the offset of the first character that no tweet may hold, or None. O(n).

    Those are U+FEFF, U+FFFE, U+FFFF, by twitter-text, and lone surrogates, which UTF-8 cannot hold.

    >>> find_invalid("ab\ufeff"), find_invalid("ab\x00")
    (2, None)
    """
    found = None if text.isascii() else _REFUSED.search(text)
    return None if found is None else found.start()


def weighted_length(text: str) -> int:
    """Return the weight of `text` by v3. O(n).

    >>> weighted_length("Hi http://test.co"), weighted_length("日本"), weighted_length("👩‍🚀")
    (26, 4, 2)
    """
    return weigh(text, extract_urls(text))


def is_valid(text: str, max_weight: int = MAX_WEIGHT) -> bool:
    r"""Return whether `text` may be a tweet: something, not too heavy, all of it valid. O(n).

    >>> is_valid("a" * 280), is_valid("a" * 281), is_valid(""), is_valid("\ufffe")
    (True, False, False, False)
    """
    return find_invalid(text) is None and 0 < weighted_length(text) <= max_weight


def weigh(text: str, urls: tuple[Url, ...]) -> int:
    """Return the weight of `text`, whose links are `urls`. O(n); O(links) if all of it is ASCII."""
    if text.isascii():
        return len(text) + sum(URL_WEIGHT - (url.end - url.start) for url in urls)
    normal = normalize(text)
    if normal is not text:
        urls = extract_urls(normal)
    if urls:
        normal = _blank(normal, urls)
    return _weigh_wide(normal) + (URL_WEIGHT - 1) * len(urls)


def _blank(text: str, urls: tuple[Url, ...]) -> str:
    # Each link becomes one newline: what stood around it must not become one emoji.
    ends = [0, *(url.end for url in urls)]
    starts = [*(url.start for url in urls), len(text)]
    return "\n".join(text[end:start] for end, start in zip(ends, starts, strict=True))


def _weigh_wide(text: str) -> int:
    emoji = 0
    if HINT.search(text):
        text, emoji = SEQUENCE.subn("", text)
    if not HEAVY.search(text):
        return len(text) + 2 * emoji
    return len(text) + len(_LIGHT_RUN.sub("", text)) + 2 * emoji
