"""What a tweet's text holds: hashtags, mentions, links, cashtags, and where each of them stands.

Offsets count Unicode code points of the text as it was given; `end` is exclusive, so
`text[start:end]` is the entity with its sign. All are immutable and hold no cycles, hence
`gc=False`: hundreds of thousands of them cost the collector nothing.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

import msgspec


class Hashtag(msgspec.Struct, frozen=True, gc=False):
    """A hashtag; `tag` is as written, without the sign (compare tags after `casefold`)."""

    tag: str
    start: int
    end: int


class Mention(msgspec.Struct, frozen=True, gc=False):
    """A mention; `username` is as written, without the sign: 1 to 20 of `A-Za-z0-9_`."""

    username: str
    start: int
    end: int


class MentionOrList(msgspec.Struct, frozen=True, gc=False):
    """A mention, or the name of a user's list; `list_slug` is "" or starts with a slash."""

    username: str
    list_slug: str
    start: int
    end: int


class Url(msgspec.Struct, frozen=True, gc=False):
    """A link; `url` is as written, and may lack its `http://` or `https://`."""

    url: str
    start: int
    end: int


class Cashtag(msgspec.Struct, frozen=True, gc=False):
    """A stock symbol; `symbol` is as written, without the sign."""

    symbol: str
    start: int
    end: int


Entity = Hashtag | Mention | Url | Cashtag
"""Any of them: all have `start` and `end`."""


def drop_overlaps(found: Iterable[Entity]) -> list[Entity]:
    """Return the entities in order of position, without those that begin inside an earlier one.

    So a link keeps what stands in it: `a.com/#x` holds no hashtag. O(n log n).
    """
    kept: list[Entity] = []
    end = 0
    for entity in sorted(found, key=attrgetter("start")):
        if entity.start >= end:
            kept.append(entity)
            end = entity.end
    return kept


class Entities(msgspec.Struct, frozen=True, gc=False):
    """The entities of one text, each tuple in order of position; none overlaps another."""

    hashtags: tuple[Hashtag, ...] = ()
    mentions: tuple[Mention, ...] = ()
    urls: tuple[Url, ...] = ()
    cashtags: tuple[Cashtag, ...] = ()


NO_ENTITIES: Final = Entities()
"""Shared by the texts without entities: two tweets of three, in English."""


class TweetText(msgspec.Struct, frozen=True, gc=False):
    """A text with its weight (in characters of 280) and its entities."""

    text: str
    weight: int
    entities: Entities = NO_ENTITIES
