"""Links in a text: with a protocol, or bare names under a known top-level domain."""

import re
from collections.abc import Iterator
from typing import Final

from chirp.text.characters import AT, CYRILLIC, HASH, LATIN_ACCENTS, NONCHARACTERS
from chirp.text.entities import Url
from chirp.text.hosts import (
    find_bare_domains,
    find_domains,
    find_run,
    is_resolvable,
    may_hold_host,
)

_URL_MAX: Final = 4096
_TCO_SLUG_MAX: Final = 40

_PROTOCOL: Final = re.compile(
    rf"(?<![A-Za-z0-9{AT}$#{HASH}{NONCHARACTERS}])[Hh][Tt][Tt][Pp][Ss]?://"
)
# A path holds these and balanced brackets, two deep, as in /Primer_(film); it does not end with a
# sign that more often ends a sentence, so that one is stripped; likewise a query.
_PATH_CHARS: Final = rf"[A-Za-z{CYRILLIC}0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{LATIN_ACCENTS}]"
_BRACKETS: Final = rf"\((?!\)){_PATH_CHARS}*+(?:\({_PATH_CHARS}++\){_PATH_CHARS}*+)?+\)"
_PATH: Final = rf"/(?:{_PATH_CHARS}++|{_BRACKETS})*+"
_PATH_STRIP: Final = "!*';:,.$%[]\u2013~@|&"
_QUERY: Final = r"\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]++"
_QUERY_STRIP: Final = "!?*'@();:+$%[].,~|"
_TAIL: Final = re.compile(rf"(?::[0-9]++)?+({_PATH})?+({_QUERY})?+")

_TCO_TAIL: Final = re.compile(rf"/([A-Za-z0-9]++)({_QUERY})?+")
# A bare name right behind one of these is the end of something longer: a path, a file, an address.
_GLUE: Final = "-_./"


def extract_urls(text: str) -> tuple[Url, ...]:
    """Return the links of `text` in order of position; they do not overlap. O(n).

    A name without a protocol counts where its letters are Latin and its top-level domain is known.

    >>> extract_urls("see example.com/a, or http://みんな.jp.")
    (Url(url='example.com/a', start=4, end=17), Url(url='http://みんな.jp', start=22, end=35))
    """
    if not may_hold_host(text):
        return ()
    return tuple(Url(text[start:end], start, end) for start, end in _scan(text))


def _scan(text: str) -> Iterator[tuple[int, int]]:
    floor = position = 0
    while (run := find_run(text, position)) is not None:
        position = run[1]
        for begin, end in find_domains(text, *run, floor):
            protocol = _find_protocol(text, begin, floor)
            stop, has_path = _find_stop(text, end)
            # A domain that is refused below is used up all the same: nothing is found inside it.
            floor = stop + 1
            position = max(position, stop)
            start = begin if protocol is None else protocol
            if stop - start > _URL_MAX or not is_resolvable(text[begin:end]):
                continue
            if protocol is not None:
                yield from _cut_tco(text, start, begin, end, stop)
            elif not begin or text[begin - 1] not in _GLUE:
                # A query alone is not taken, only a path and its query: twitter-text weighs it so.
                yield from _cut_bare(text, begin, end, stop if has_path else end)


def _find_protocol(text: str, begin: int, floor: int) -> int | None:
    if text[max(begin - 3, 0) : begin] != "://":
        return None
    for start in (begin - 8, begin - 7):
        found = _PROTOCOL.match(text, max(start, floor))
        if found is not None and found.end() == begin:
            return found.start()
    return None


def _find_stop(text: str, end: int) -> tuple[int, bool]:
    """Return where the link stops whose domain stops at `end`, and whether it has a path."""
    if text[end : end + 1] not in ":/?":
        return end, False
    tail = _TAIL.match(text, end)
    assert tail is not None  # each of its parts may be absent
    path, query = tail.groups(default="")
    loose = len(path) - len(path.rstrip(_PATH_STRIP))
    if loose:
        return tail.end(1) - loose, True
    return tail.end() - len(query) + len(query.rstrip(_QUERY_STRIP)), path != ""


def _cut_tco(text: str, start: int, begin: int, end: int, stop: int) -> Iterator[tuple[int, int]]:
    # Twitter's own short links are a slug and perhaps a query: what follows is the writer's.
    tail = _TCO_TAIL.match(text, end) if text[begin:end].lower() == "t.co" else None
    if tail is None:
        yield start, stop
    elif len(tail[1]) <= _TCO_SLUG_MAX:
        yield start, tail.end(1) + len((tail[2] or "").rstrip(_QUERY_STRIP))


def _cut_bare(text: str, begin: int, end: int, stop: int) -> list[tuple[int, int]]:
    bare = find_bare_domains(text, begin, end)
    if bare and bare[-1][1] == end:
        bare[-1] = (bare[-1][0], stop)
    return bare
