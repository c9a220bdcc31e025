"""Links in a text: with a protocol, or bare names under a known top-level domain."""

import re
from collections.abc import Iterator
from typing import Final

from chirp.text.characters import AT, CYRILLIC, HASH, LATIN_ACCENTS, NONCHARACTERS
from chirp.text.entities import Url
from chirp.text.hosts import (
    find_run,
    is_resolvable,
    may_hold_host,
    scan_bare_domains,
    scan_domains,
)

_URL_MAX: Final = 4096
_TCO_SLUG_MAX: Final = 40

_PROTOCOL: Final = re.compile(
    rf"(?<![A-Za-z0-9{AT}$#{HASH}{NONCHARACTERS}])[Hh][Tt][Tt][Pp][Ss]?://"
)
_PORT: Final = re.compile(r":[0-9]++")

# A path holds these and balanced brackets, two deep, as in /Primer_(film); it does not end with a
# sign that more often ends a sentence, so that one is stripped.
_PATH_CHARS: Final = rf"[A-Za-z{CYRILLIC}0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{LATIN_ACCENTS}]"
_BRACKETS: Final = rf"\((?:{_PATH_CHARS}++\)|{_PATH_CHARS}*+\({_PATH_CHARS}++\){_PATH_CHARS}*+\))"
_PATH: Final = re.compile(rf"/(?:{_PATH_CHARS}++|{_BRACKETS})*+")
_PATH_STRIP: Final = "!*';:,.$%[]\u2013~@|&"

_QUERY: Final = re.compile(r"\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]++")
_QUERY_STRIP: Final = "!?*'@();:+$%[].,~|"

_SLUG: Final = re.compile(r"/([A-Za-z0-9]++)")
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
        for begin, end in scan_domains(text, *run, floor):
            protocol = _find_protocol(text, begin, floor) if begin == run[0] else -1
            stop = _find_path_end(text, end)
            stop = _find_query_end(text, stop)
            # A domain that is refused below is used up all the same: nothing is found inside it.
            floor = stop + 1
            position = max(position, stop)
            if not _fits(text, begin, end, stop):
                continue
            if protocol >= 0:
                yield from _cut_tco(text, protocol, begin, end, stop)
            else:
                yield from _scan_bare(text, begin, end, stop)


def _find_protocol(text: str, begin: int, floor: int) -> int:
    if not text.startswith("://", begin - 3):
        return -1
    for start in (begin - 8, begin - 7):
        found = _PROTOCOL.match(text, max(start, floor))
        if found is not None and found.end() == begin:
            return found.start()
    return -1


def _find_path_end(text: str, end: int) -> int:
    port = _PORT.match(text, end)
    if port is not None:
        end = port.end()
    path = _PATH.match(text, end)
    return end if path is None else end + len(path[0].rstrip(_PATH_STRIP))


def _find_query_end(text: str, end: int) -> int:
    query = _QUERY.match(text, end)
    return end if query is None else end + len(query[0].rstrip(_QUERY_STRIP))


def _fits(text: str, begin: int, end: int, stop: int) -> bool:
    return stop - begin <= _URL_MAX and is_resolvable(text[begin:end])


def _cut_tco(text: str, start: int, begin: int, end: int, stop: int) -> Iterator[tuple[int, int]]:
    # Twitter's own short links are a slug and perhaps a query: what follows is the writer's.
    slug = _SLUG.match(text, end) if text[begin:end].lower() == "t.co" else None
    if slug is None:
        yield start, stop
    elif len(slug[1]) <= _TCO_SLUG_MAX:
        yield start, _find_query_end(text, slug.end())


def _scan_bare(text: str, begin: int, end: int, stop: int) -> Iterator[tuple[int, int]]:
    if begin and text[begin - 1] in _GLUE:
        return
    # A query alone is not taken, only a path and its query: twitter-text weighs it so.
    last = stop if _has_path(text, end) else end
    for start, bare_end in scan_bare_domains(text, begin, end):
        yield start, last if bare_end == end else bare_end


def _has_path(text: str, end: int) -> bool:
    port = _PORT.match(text, end)
    return text.startswith("/", port.end() if port is not None else end)
