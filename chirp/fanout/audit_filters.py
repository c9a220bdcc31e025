"""The first filters: one text from many accounts, floods of links, floods of mentions.

Invariants:
- A filter decides on tweets and their times alone: it reads no table and asks no clock.
- It gives reasons, and hides nothing: what becomes of a flagged tweet is for people to say.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from xxhash import xxh3_64_intdigest

from chirp.config import Audit
from chirp.fanout.audit_windows import Tripwire
from chirp.model import EntityKind, Tweet, UnixMs, UserId

LEAST_LETTERS = 20
"""Shorter texts ("good morning", "first!") are said by many people without any harm."""

CreatedAt = Callable[[UserId], UnixMs]
"""Gives when an account was made: its id says so."""


class Filter(Protocol):
    """Looks at every posted tweet. `name` is in flags and metrics, and never changes."""

    name: str

    def reasons(self, tweet: Tweet) -> Sequence[str]:
        """Return why moderators should look at a tweet; empty: no reason.

        Called once a tweet, in the order of its journal; `tweet.created_at` is the clock. It may
        raise: the tweet then goes on to the other filters.
        """
        ...


def first_filters(settings: Audit, created_at: CreatedAt) -> list[Filter]:
    """Return the filters that come with Chirp, without those that a limit of 0 switches off."""
    filters: list[Filter] = []
    if settings.same_text_accounts:
        filters.append(SameText(settings))
    if settings.links_per_account or settings.new_accounts_per_host:
        filters.append(Links(settings, created_at))
    if settings.mentions_per_account:
        filters.append(Mentions(settings))
    return filters


class SameText:
    """One text from many accounts, however it is spaced, spelled large or small, or addressed."""

    name = "same_text"

    def __init__(self, settings: Audit) -> None:
        self._limit = settings.same_text_accounts
        self._window_s = settings.window_s
        self._wire = _wire(settings, self._limit)

    def reasons(self, tweet: Tweet) -> Sequence[str]:
        """Return a reason when so many accounts have posted this text within the window."""
        text = normalised(tweet)
        if len(text) < LEAST_LETTERS:
            return ()
        # The hash, not the text: 20,000 keys must not hold 20,000 tweets.
        key = xxh3_64_intdigest(text.encode())
        if not self._wire.trips(key, [tweet.author_id], tweet.created_at):
            return ()
        return (f"the same text from {self._limit} accounts within {self._window_s} s",)


class Links:
    """Many links from one account; one host from many new accounts."""

    name = "links"

    def __init__(self, settings: Audit, created_at: CreatedAt) -> None:
        self._settings = settings
        self._created_at = created_at
        self._by_account = _wire(settings, settings.links_per_account)
        self._by_host = _wire(settings, settings.new_accounts_per_host)

    def reasons(self, tweet: Tweet) -> Sequence[str]:
        """Return a reason for each limit that this tweet's links reach."""
        hosts = [host_of(text) for text in _spans(tweet, EntityKind.URL)]
        if not hosts:
            return ()
        return [*self._of_account(tweet, len(hosts)), *self._of_hosts(tweet, hosts)]

    def _of_account(self, tweet: Tweet, count: int) -> Iterator[str]:
        limit, window_s = self._settings.links_per_account, self._settings.window_s
        members = [(tweet.tweet_id, number) for number in range(count)]
        if limit and self._by_account.trips(tweet.author_id, members, tweet.created_at):
            yield f"{limit} links from one account within {window_s} s"

    def _of_hosts(self, tweet: Tweet, hosts: Sequence[str]) -> Iterator[str]:
        limit, window_s = self._settings.new_accounts_per_host, self._settings.window_s
        age_ms = tweet.created_at - self._created_at(tweet.author_id)
        if not limit or age_ms >= self._settings.new_account_h * 3_600_000:
            return
        for host in dict.fromkeys(hosts):
            if self._by_host.trips(host, [tweet.author_id], tweet.created_at):
                yield f"links to {host} from {limit} new accounts within {window_s} s"


class Mentions:
    """One account that addresses many different people."""

    name = "mentions"

    def __init__(self, settings: Audit) -> None:
        self._limit = settings.mentions_per_account
        self._window_s = settings.window_s
        self._wire = _wire(settings, self._limit)

    def reasons(self, tweet: Tweet) -> Sequence[str]:
        """Return a reason when one account has mentioned so many within the window."""
        names = [text[1:].lower() for text in _spans(tweet, EntityKind.MENTION)]
        if not names or not self._wire.trips(tweet.author_id, names, tweet.created_at):
            return ()
        return (f"{self._limit} people mentioned by one account within {self._window_s} s",)


def _wire(settings: Audit, limit: int) -> Tripwire:
    window_ms = settings.window_s * 1000
    return Tripwire(limit=max(limit, 1), window_ms=window_ms, most_keys=settings.most_keys)


def _spans(tweet: Tweet, kind: EntityKind) -> Iterator[str]:
    for entity in tweet.entities:
        if entity.kind is kind:
            yield tweet.content[entity.start : entity.end]


def normalised(tweet: Tweet) -> str:
    """Return a tweet's letters and digits, folded; no mentions, of links the host. O(len).

    >>> normalised(Tweet(1, 2, "BUY  now!! ①", 0, 1))
    'buynow1'
    """
    text, end = "", 0
    for entity in tweet.entities:
        if entity.kind is EntityKind.HASHTAG:
            continue
        text, span = (
            text + tweet.content[end : entity.start],
            tweet.content[entity.start : entity.end],
        )
        text, end = text + (host_of(span) if entity.kind is EntityKind.URL else ""), entity.end
    folded = unicodedata.normalize("NFKC", text + tweet.content[end:]).casefold()
    return "".join(filter(str.isalnum, folded))


def host_of(url: str) -> str:
    """Return the host of a link that the parser found, in lower case, without "www.".

    >>> host_of("https://www.Example.org:8080/path?q=1"), host_of("example.org/")
    ('example.org', 'example.org')
    """
    rest = url.split("://", 1)[-1]
    for mark in "/?#":
        rest = rest.split(mark, 1)[0]
    return rest.rsplit("@", 1)[-1].split(":", 1)[0].lower().removeprefix("www.")
