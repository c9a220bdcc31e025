"""Hashtags: a sign, then letters, marks, digits and a few joiners, with a letter among them."""

import re
from typing import Final

from chirp.text.characters import HASH
from chirp.text.entities import Hashtag, drop_overlaps
from chirp.text.letters import ASTRAL_DIGITS, ASTRAL_LETTERS, DIGITS, LETTERS
from chirp.text.urls import extract_urls

# The underscore, and what the scripts join words with: ZWNJ, ZWJ, maqaf, tsheg, middle dot, …
_JOINERS: Final = (
    r"_\xb7\u05be\u05f3\u05f4\u0f0b\u0f0c\u200c\u200d"
    r"\u3003\u301c\u309b\u309c\u30a0\u30fb\ua67e\uff5e"
)
_DULL: Final = DIGITS + ASTRAL_DIGITS + _JOINERS
_BMP: Final = LETTERS + DIGITS + _JOINERS
# The look-ahead spares BMP characters and emoji the walk through the list of the other planes.
_ASTRAL: Final = rf"(?=[^\0-\uffff\U0001f000-\U0001fbef])[{ASTRAL_LETTERS}{ASTRAL_DIGITS}]"
_AFTER_WORD: Final = rf"(?:(?<=[{_BMP}&][{HASH}])|(?<={_ASTRAL}[{HASH}]))"
_AFTER_EMOJI: Final = rf"(?<=[\ufe0e\ufe0f][{HASH}])"

_HASHTAG: Final = re.compile(
    rf"[{HASH}](?:{_AFTER_EMOJI}|(?!{_AFTER_WORD}))"
    r"(?![\ufe0f\u20e3])"  # the keycap #️⃣
    rf"(?=[{_DULL}]*+(?:[{_BMP}]|{_ASTRAL}))"
    rf"((?:[{_BMP}]++|(?:{_ASTRAL})++)++)"
    rf"(?![{HASH}]|://)"
)


def scan_hashtags(text: str) -> tuple[Hashtag, ...]:
    """Return the hashtags of `text` without a look at its links. O(n).

    >>> scan_hashtags("a.com/#x #1 #2nd")
    (Hashtag(tag='x', start=6, end=8), Hashtag(tag='2nd', start=12, end=16))
    """
    return tuple(Hashtag(found[1], found.start(), found.end()) for found in _HASHTAG.finditer(text))


def extract_hashtags(text: str) -> tuple[Hashtag, ...]:
    """Return the hashtags of `text` that are not part of a link, in order of position. O(n).

    >>> extract_hashtags("a.com/#x #1 #2nd")
    (Hashtag(tag='2nd', start=12, end=16),)
    """
    tags = scan_hashtags(text)
    urls = extract_urls(text) if tags else ()
    if not urls:
        return tags
    kept = set(drop_overlaps([*tags, *urls]))
    return tuple(tag for tag in tags if tag in kept)
