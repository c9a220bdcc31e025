"""Tweets as HTML cards, by splicing parts that are rendered once.

A card is: how it came here (a retweet says by whom) | the tweet's body, equal for all viewers | a
quoted tweet, where the viewer may see it | the tail: counts, and what the viewer did. The body is
rendered by a template, once, and kept under a budget of its own, as HTML is several times as large
as the tweet. The tail holds nothing but numbers, the author's name and the catalogue's words.

Invariant: a kept card is used only while the cache's very tweet and profile are those that it was
made of, so it cannot be stale.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape
from msgspec import Struct

from chirp.cache.lru import LruMap
from chirp.model import Tweet, User
from chirp.views import NO_FLAGS, CachedTweet, TweetView
from chirp.web.pages import Pages
from chirp.web.words import Words


class Card(Struct, eq=False):
    """A tweet's card: `body` is the same for all, `whole` is for viewers who did nothing to it."""

    cached: CachedTweet
    user: User
    body: bytes
    whole: bytes


class Cards:
    """Renders cards, with the templates and words of the pages."""

    def __init__(self, pages: Pages, kept: LruMap[int, Card]) -> None:
        parts = pages.macros("card.html", "body", "why", "quoted", "gone")
        self._body, self._why, self._quote = parts["body"], parts["why"], parts["quoted"]
        self._gone = parts["gone"]().encode()
        self._kept = kept
        self._tail = _Tail(pages.words)

    def page(self, views: Sequence[TweetView]) -> bytes:
        """Return the cards of a page, in order. About 1 µs for a card that is known."""
        return b"\n".join([self.card(view) for view in views])

    def markup(self, views: Sequence[TweetView]) -> Markup:
        """Return the cards for a template."""
        return Markup(self.page(views).decode())  # noqa: S704  (rendered by templates)

    def card(self, view: TweetView) -> bytes:
        """Return the card of one tweet, as its viewer sees it."""
        nested = view.nested
        if view.cached.tweet.retweet_of is not None:
            if nested is None:
                return b""
            why = self._kept_card(view.cached).body
            return self._article(view.cached.tweet.tweet_id, why + self._inside(nested))
        if nested is None and not view.own and view.flags is NO_FLAGS:
            return self._kept_card(view.cached).whole
        return self._article(view.cached.tweet.tweet_id, self._inside(view))

    def tail(self, view: TweetView) -> bytes:
        """Return what a favorite or a retweet changes of a card."""
        tweet = view.cached.tweet
        return self._tail.render(view, tweet, view.cached.author.user)

    def _inside(self, view: TweetView) -> bytes:
        quote = self._quoted(view.cached.tweet, view.nested)
        return self._kept_card(view.cached).body + quote + self.tail(view) + b"</div>"

    def _quoted(self, tweet: Tweet, view: TweetView | None) -> bytes:
        """Return what a tweet quotes, as its viewer sees it; nothing where it quotes nothing."""
        if tweet.quote_of is None:
            return b""
        if view is None:
            return self._gone
        cached = view.cached
        return self._quote(cached.tweet, cached.author.user, cached.media).encode()

    def _kept_card(self, cached: CachedTweet) -> Card:
        tweet, user = cached.tweet, cached.author.user
        card = self._kept.get(tweet.tweet_id)
        if card is not None and card.user is user:
            if card.cached is cached:
                return card
            if card.cached.tweet == tweet and card.cached.media == cached.media:
                # Only counts have changed: the body stands.
                return self._keep(cached, user, card.body)
        if tweet.retweet_of is not None:
            return self._keep(cached, user, self._why(user).encode())
        return self._keep(cached, user, self._body(tweet, user, cached.media).encode())

    def _keep(self, cached: CachedTweet, user: User, body: bytes) -> Card:
        tail = self._tail.render(TweetView(cached), cached.tweet, user)
        tweet_id = cached.tweet.tweet_id
        inside = body + self._quoted(cached.tweet, None) + tail + b"</div>"
        card = Card(cached, user, body, self._article(tweet_id, inside))
        self._kept.put(tweet_id, card, 300 + len(card.body) + len(card.whole))
        return card

    @staticmethod
    def _article(tweet_id: int, inside: bytes) -> bytes:
        return b'<article class="card" id="t%d" data-id="%d">%b</article>' % (
            tweet_id,
            tweet_id,
            inside,
        )


class _Tail:
    """The row of what one can do with a tweet: links and buttons that need no script."""

    def __init__(self, words: Words) -> None:
        self._short = words.short
        self._reply, self._quote = (escape(words(f"acts.{n}")) for n in ("reply", "quote"))
        self._names = {name: escape(words(f"acts.{name}")) for name in _BUTTONS}
        names = {name: escape(words(f"acts.{name}")) for name in ("edit", "delete", "sure")}
        self._own = _OWN.format(**names)

    def render(self, view: TweetView, tweet: Tweet, user: User) -> bytes:
        """Return the row. Usernames and ids need no escaping: letters, digits and _."""
        counts, flags, tweet_id = view.cached.counts, view.flags, tweet.tweet_id
        done = (flags.retweeted, flags.favorited, flags.bookmarked)
        numbers = (counts.retweets, counts.favorites, 0)
        reply = self._link("reply", f"/{user.username}/status/{tweet_id}#reply", counts.replies)
        quote = self._link("quote", f"/compose?quote={tweet_id}", counts.quotes)
        buttons = [
            self._button(name, tweet_id, number, pressed=pressed)
            for name, number, pressed in zip(_BUTTONS, numbers, done, strict=True)
        ]
        retweet, favorite, bookmark = buttons
        own = self._own.format(tweet_id=tweet_id) if view.own else ""
        row = f"{reply}{retweet}{quote}{favorite}{bookmark}{own}"
        return (
            f'<footer class="acts" data-tweet="{tweet_id}" hx-target="this" hx-swap="outerHTML">'
            f"{row}</footer>"
        ).encode()

    def _link(self, name: str, where: str, count: int) -> str:
        word = self._reply if name == "reply" else self._quote
        return f'<a class="act act-{name}" href="{where}">{self._inner(name, word, count)}</a>'

    def _button(self, name: str, tweet_id: int, count: int, *, pressed: bool) -> str:
        where = f"/tweets/{tweet_id}/{'un' if pressed else ''}{name}"
        state = "true" if pressed else "false"
        return (
            f'<button class="act act-{name}" form="act" formaction="{where}" hx-post="{where}" '
            f'aria-pressed="{state}">{self._inner(name, self._names[name], count)}</button>'
        )

    def _inner(self, icon: str, word: str, count: int) -> str:
        number = self._short(count) if count else ""
        return (
            f'<svg class="i" aria-hidden="true"><use href="#i-{icon}"/></svg>'
            f'<span class="vh">{word}</span><span class="n">{number}</span>'
        )


_OWN = (
    '<a class="act act-edit" href="/tweets/{{tweet_id}}/edit">'
    '<svg class="i" aria-hidden="true"><use href="#i-edit"/></svg>'
    '<span class="vh">{edit}</span></a>'
    '<a class="act act-delete" href="/tweets/{{tweet_id}}/delete" '
    'hx-post="/tweets/{{tweet_id}}/delete" hx-confirm="{sure}" hx-target="closest .card" '
    'hx-swap="delete"><svg class="i" aria-hidden="true"><use href="#i-delete"/></svg>'
    '<span class="vh">{delete}</span></a>'
)
_BUTTONS = ("retweet", "favorite", "bookmark")
