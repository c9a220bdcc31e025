"""Cashtags: a dollar sign and a stock symbol of one to six letters."""

import re
from typing import Final

from chirp.text.characters import DIRECTIONAL, PUNCTUATION, SPACES
from chirp.text.entities import Cashtag

_CASHTAG: Final = re.compile(
    rf"\$(?<![^{SPACES}{DIRECTIONAL}]\$)([A-Za-z]{{1,6}}(?:[._][A-Za-z]{{1,2}})?)"
    rf"(?![^{SPACES}{PUNCTUATION}])"
)


def extract_cashtags(text: str) -> tuple[Cashtag, ...]:
    """Return the cashtags of `text`, in order of position; each follows a space. O(n).

    >>> extract_cashtags("buy $TWTR, not $5")
    (Cashtag(symbol='TWTR', start=4, end=9),)
    """
    return tuple(Cashtag(found[1], found.start(), found.end()) for found in _CASHTAG.finditer(text))
