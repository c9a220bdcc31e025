"""Where in a text a host name may stand, found in linear time whatever the text.

The rule, of twitter-text: a domain is labels, each ended by a dot, and a top-level domain; a label
neither begins nor ends with `-` or `_`, and the last one holds no `_`. The leftmost start wins,
then the rightmost top-level domain. One regular expression for it tries every pair of start and
end. Here a *run* (a maximal stretch of host characters) is cut at its dots once, and from the last
label to the first each one learns how far a domain that begins in it reaches.
"""

import re
from typing import Final

from chirp.text.characters import (
    AT,
    BREAKS,
    DIRECTIONAL,
    HASH,
    LATIN_ACCENTS,
    NONCHARACTERS,
    SPACES,
    SURROGATES,
)
from chirp.text.tlds import FIRST_LETTERS, find_tld_end

# Stricter than twitter-text by the controls, lone surrogates, quotes, ＠ and ＃: a link that holds
# them helps nobody but an attacker, and `＠b.com` reads as people mean it.
_OUTSIDE: Final = (
    BREAKS + SPACES + DIRECTIONAL + NONCHARACTERS + SURROGATES + r"\x00-\x1f\x7f-\x9f" + '"`＠＃'
)
# Dots are counted out of the first part, so that each start of a run is tried once.
_RUN_HERE: Final = re.compile(rf"[^{_OUTSIDE}.]*+\.[^{_OUTSIDE}]*+")
_RUN: Final = re.compile(rf"(?<![^{_OUTSIDE}]){_RUN_HERE.pattern}")
_START: Final = re.compile(rf"(?<![A-Za-z0-9{AT}$#{HASH}{NONCHARACTERS}])[^\-_.]")
_BARE_RUN: Final = re.compile(rf"[A-Za-z0-9{LATIN_ACCENTS}][\-.A-Za-z0-9{LATIN_ACCENTS}]*+")
_DOTTED: Final = re.compile(rf"\.(?<=[^{_OUTSIDE}\-_.]\.)(?=[{FIRST_LETTERS}])")

_LABEL_MAX: Final = 63
_PUNYCODE_PREFIX: Final = "xn--"


# A label that some domain can begin in: its start, its dot, where the longest domain ends that goes
# on to the next label (0: none), where the top-level domain behind the dot ends (0: none). A bare
# tuple: a named one takes as long to build as all the rest.
_Label = tuple[int, int, int, int]


def may_hold_host(text: str) -> bool:
    """Return whether some dot stands between what may be a label and a top-level domain. O(n)."""
    return _DOTTED.search(text) is not None


def find_run(text: str, start: int) -> tuple[int, int] | None:
    """Return the bounds of the first dotted run at or after `start`; `start` may cut one. O(n)."""
    found = _RUN_HERE.match(text, start) or _RUN.search(text, start)
    return found.span() if found else None


def find_domains(text: str, start: int, stop: int, floor: int) -> list[tuple[int, int]]:
    """Return the bounds of each domain in the run `start` to `stop`, in order. O(stop - start).

    None begins before `floor`; each needs a character before it that is not of the one before.
    """
    found = []
    for left, dot, chain, direct in _read_labels(text, start, stop):
        low = max(left, floor)
        if not chain:
            low = max(low, text.rfind("_", low, dot) + 1)
        begin = _START.search(text, low, dot)
        if begin is not None:
            end = chain or direct
            found.append((begin.start(), end))
            floor = end + 1
    return found


def _read_labels(text: str, start: int, stop: int) -> list[_Label]:
    labels: list[_Label] = []
    reach = 0
    dot = text.rfind(".", start, stop)
    while dot >= start:
        left = text.rfind(".", start, dot) + 1 or start
        if dot == left or text[dot - 1] in "-_":
            reach = 0
        else:
            direct = find_tld_end(text, dot + 1)
            if reach or direct:
                labels.append((left, dot, reach, direct))
            reach = reach or (direct if text.find("_", left, dot) < 0 else 0)
            reach = 0 if text[left] in "-_" else reach
        dot = left - 1
    labels.reverse()
    return labels


def find_bare_domains(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    """Return the bounds of the Latin domains in the domain `start` to `stop`. O(stop - start).

    Without `http://` only these are links: in `日本語example.com中国` the writer means example.com.
    """
    if text[start:stop].isascii() and text.find("_", start, stop) < 0:
        return [(start, stop)]
    found = []
    for run in _BARE_RUN.finditer(text, start, stop):
        dot = text.rfind(".", run.start(), run.end())
        while dot > 0:
            end = find_tld_end(text, dot + 1)
            if end:
                found.append((run.start(), end))
                break
            dot = text.rfind(".", run.start(), dot)
    return found


def is_resolvable(domain: str) -> bool:
    """Return whether each label, none of them empty, fits into DNS: 63 bytes. O(len(domain)).

    >>> is_resolvable("a" * 63 + ".com"), is_resolvable("a" * 64 + ".com")
    (True, False)
    """
    if len(domain) <= _LABEL_MAX and domain.isascii():
        return True
    return all(_is_dns_label(label) for label in domain.split("."))


def _is_dns_label(label: str) -> bool:
    if label.isascii():
        return len(label) <= _LABEL_MAX
    # Each character takes a byte or more: the check before bounds the codec, which is quadratic.
    if len(label) > _LABEL_MAX or label[:4].lower() == _PUNYCODE_PREFIX:
        return False
    return len(_PUNYCODE_PREFIX) + len(label.encode("punycode")) <= _LABEL_MAX
