"""Mentions of users and of their lists, and the user that a text replies to."""

import re
from collections.abc import Iterator
from typing import Final

from chirp.text.characters import AT, DIRECTIONAL, LATIN_ACCENTS, SPACES
from chirp.text.entities import Mention, MentionOrList

_NAME: Final = r"([A-Za-z0-9_]{1,20}+)"
_LIST: Final = r"(/[A-Za-z][A-Za-z0-9_\-]{0,24}+)?+"
# What ends it wrongly: a second sign (an address), an accent (a longer word), :// (a link).
_WRONG_END: Final = rf"(?:[{AT}{LATIN_ACCENTS}]|://)"
# A word or one of these signs before it makes it no mention, but RT may stand there: "RT@ada".
_BEFORE: Final = (
    rf"(?:(?<![A-Za-z0-9_!#$%&*{AT}][{AT}])"
    rf"|(?<=[Rr][Tt][{AT}])(?<![A-Za-z0-9_+~.\-][Rr][Tt][{AT}]))"
)
_MENTION: Final = re.compile(rf"[{AT}]{_BEFORE}{_NAME}{_LIST}(?:(?=({_WRONG_END}))|)")
_REPLY: Final = re.compile(rf"[{SPACES}{DIRECTIONAL}]*+[{AT}]{_NAME}(?!{_WRONG_END})")


def extract_mentions_or_lists(text: str) -> tuple[MentionOrList, ...]:
    """Return the users and lists named in `text`, in order of position. O(n).

    >>> extract_mentions_or_lists("@ada see @bob/friends")[1]
    MentionOrList(username='bob', list_slug='/friends', start=9, end=21)
    """
    return tuple(
        MentionOrList(found[1], found[2] or "", found.start(), found.end()) for found in _scan(text)
    )


def extract_mentions(text: str) -> tuple[Mention, ...]:
    """Return the users mentioned in `text`, in order of position; the name of a list is none. O(n).

    >>> extract_mentions("mail a@b.com, ask @ada")
    (Mention(username='ada', start=18, end=22),)
    """
    return tuple(
        Mention(found[1], found.start(), found.end()) for found in _scan(text) if found[2] is None
    )


def _scan(text: str) -> Iterator[re.Match[str]]:
    used = -1
    for found in _MENTION.finditer(text):
        # Right behind another one it would be an address, also when that one was refused.
        if found[3] is None and found.start() != used:
            yield found
        used = found.end()


def extract_reply(text: str) -> str | None:
    """Return the user whose name opens `text` after spaces at most, or None. O(n).

    >>> extract_reply("@ada hi"), extract_reply("hi @ada")
    ('ada', None)
    """
    found = _REPLY.match(text)
    return None if found is None else found[1]
