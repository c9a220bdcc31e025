"""Where a top-level domain ends: the test that tells `example.com` from `end.Then`.

The list is tlds.txt beside this file, read once at import; its head names the source.
"""

import re
from importlib import resources
from typing import Final

_LISTED: Final = frozenset(
    line
    for line in (resources.files("chirp.text") / "tlds.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)
_LONGEST_ASCII: Final = max(len(tld) for tld in _LISTED if tld.isascii())


def _by_first_letter() -> dict[str, tuple[str, ...]]:
    # Each in the three ways that people write: re.IGNORECASE would follow the Unicode version.
    spellings = {
        spelling
        for tld in _LISTED
        if not tld.isascii()
        for spelling in (tld, tld.upper(), tld.title())
    }
    table: dict[str, tuple[str, ...]] = {}
    for tld in sorted(spellings, key=lambda tld: (-len(tld), tld)):
        table[tld[0]] = (*table.get(tld[0], ()), tld)
    return table


_WIDE: Final = _by_first_letter()

# An ASCII letter, digit, @, + or - behind it makes it something else: a longer word, an address.
_ASCII: Final = re.compile(
    rf"(?:([A-Za-z]{{2,{_LONGEST_ASCII}}}+)(?![0-9A-Za-z@+\-])|[Xx][Nn]--[\-0-9A-Za-z]++)"
)
_CONTINUES: Final = re.compile(r"[0-9A-Za-z@+\-]")

FIRST_LETTERS: Final = "A-Za-z" + "".join(sorted(_WIDE))
"""What a top-level domain can begin with, as the inside of an `re` class."""


def find_tld_end(text: str, start: int) -> int:
    """Return where the top-level domain at `start` ends, or 0 if none stands there. O(1).

    Of two that fit, the longer. An `xn--` name is always one, and has no bound but its characters.

    >>> find_tld_end("example.com", 8), find_tld_end("example.comet", 8)
    (11, 0)
    """
    found = _ASCII.match(text, start)
    if found is not None and (found[1] is None or found[1].lower() in _LISTED):
        return found.end()
    for tld in _WIDE.get(text[start : start + 1], ()):
        end = start + len(tld)
        if text.startswith(tld, start) and not _CONTINUES.match(text, end):
            return end
    return 0
