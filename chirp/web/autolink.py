"""A tweet's text as HTML: mentions and links, hashtags and cashtags, with everything else escaped.

The rules are those of twitter-text's autolink cases, but that tags are marked and lead nowhere:
tweets cannot be searched yet, and a link would always end at an empty page. The text of the HTML is
the tweet's own: of a link, the scheme is only hidden from sight.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from markupsafe import Markup, escape

from chirp.model import EntityKind, Tweet
from chirp.text import extract_cashtags, parse


class Kind(Enum):
    """What a span of a text is."""

    MENTION = "mention"
    LIST = "list"
    HASHTAG = "hashtag"
    CASHTAG = "cashtag"
    URL = "url"


class Span(NamedTuple):
    """A part of a text, in code points, `end` exclusive; signs belong to it."""

    start: int
    end: int
    kind: Kind


_KINDS = {
    EntityKind.HASHTAG: Kind.HASHTAG,
    EntityKind.MENTION: Kind.MENTION,
    EntityKind.URL: Kind.URL,
}


def spans_of(tweet: Tweet) -> list[Span]:
    """Return what is marked in a tweet's text, in order."""
    spans = [Span(e.start, e.end, _KINDS[e.kind]) for e in tweet.entities]
    if "$" in tweet.content:
        spans += [Span(c.start, c.end, Kind.CASHTAG) for c in extract_cashtags(tweet.content)]
    return sorted(spans)


def spans_of_text(text: str) -> list[Span]:
    """Return what is marked in any text, by the rules of tweets."""
    found = parse(text).entities
    spans = [Span(m.start, m.end, Kind.MENTION) for m in found.mentions]
    spans += [Span(h.start, h.end, Kind.HASHTAG) for h in found.hashtags]
    return sorted(spans + [Span(u.start, u.end, Kind.URL) for u in found.urls])


def autolink(text: str, spans: Iterable[Span]) -> Markup:
    """Return `text` with links and tags where `spans` say, which are in order. O(len(text)).

    >>> autolink("hi @ada <b>", [Span(3, 7, Kind.MENTION)])
    Markup('hi <a href="/ada">@ada</a> &lt;b&gt;')
    """
    parts, done = [], 0
    for span in spans:
        if span.start >= done:
            parts += [escape(text[done : span.start]), _link(text[span.start : span.end], span)]
            done = span.end
    return Markup("").join([*parts, escape(text[done:])])


def _link(text: str, span: Span) -> Markup:
    if span.kind is Kind.URL:
        return _url(text)
    if span.kind in {Kind.MENTION, Kind.LIST}:
        return Markup('<a href="/{}">{}</a>').format(text[1:], text)
    return Markup('<span class="hash">{}</span>').format(text)


def _url(text: str) -> Markup:
    scheme, sign, rest = text.partition("://")
    if not sign:
        return _ANCHOR.format("http://" + text, text, "", text)
    hidden = Markup('<span class="vh">{}</span>').format(scheme + sign)
    return _ANCHOR.format(text, text, hidden, rest)


_ANCHOR = Markup('<a class="url" href="{}" title="{}" rel="nofollow noopener ugc">{}{}</a>')
