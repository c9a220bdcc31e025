"""Shows tweets to viewers: what is visible, with originals and quotes within, and their flags.

The one place where a CachedTweet becomes a TweetView: every list of tweets comes through here.

Most of every page are plain tweets by people from whom nothing separates the viewer, without
flags: they are shown as anybody sees them, and `find_by_ids` decides that with a few comparisons
each. What it gives is what `by_ids` does (a property test): that is the plain way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import cast

from chirp.errors import NotFound
from chirp.model import TweetId
from chirp.policy import has_account, only_visible
from chirp.readers.marks import MarkReader
from chirp.readers.tweets import TweetReader
from chirp.views import NO_FLAGS, CachedTweet, Sight, TweetView, ViewerFlags, bare_view

Wants = Callable[[TweetView], bool]
_ANYBODYS: dict[int, ViewerFlags] = {}


class Showing:
    """Views of tweets for viewers."""

    def __init__(self, tweets: TweetReader, marks: MarkReader) -> None:
        self._tweets = tweets
        self._marks = marks

    async def get(self, sight: Sight, tweet_id: TweetId) -> TweetView:
        """Return one tweet. Raises: NotFound: none, deleted, or not visible."""
        return await self.view(sight, (await self._tweets.find_many([tweet_id]))[0])

    async def view(self, sight: Sight, found: CachedTweet | None) -> TweetView:
        """Return the view of one tweet. Raises: NotFound: none, or not visible."""
        flags = None if found is None else self._find_flags(sight, found.tweet.tweet_id)
        views = None
        if found is not None and flags is not None:
            views = self._find_others(sight, [found], flags)
        if views is None:
            views = await self.views(sight, [found])
        if not views:
            raise NotFound("no such tweet")
        return views[0]

    async def is_by(self, authors: frozenset[int], tweet_id: TweetId) -> bool:
        """Say whether a tweet, visible or not, is by one of `authors` whose account still is."""
        found = (await self._tweets.find_many([tweet_id]))[0]
        return (
            found is not None
            and has_account(found.author.user)
            and found.tweet.author_id in authors
        )

    async def by_ids(self, sight: Sight, ids: Sequence[int]) -> list[TweetView]:
        """Return those of the tweets that the viewer may see, in order. O(len(ids))."""
        return await self.views(sight, await self._tweets.find_many(ids))

    def find_by_ids(self, sight: Sight, ids: Sequence[int], wants: Wants) -> list[TweetView] | None:
        """Return what `by_ids` does of ids that fall, from memory alone; else None. O(len(ids)).

        Plain tweets that look to the viewer as to anybody are taken without asking `wants`.
        """
        if not ids:
            return []
        cells = self._tweets.cached(ids)
        flags = self._find_flags(sight, ids[-1])
        if flags is None or None in cells:
            return None
        found = cast("list[CachedTweet]", cells)
        views, others = _as_all(found, ids, sight.apart, flags)
        if others:
            made = self._find_others(sight, [found[place] for place in others], flags)
            if made is None:
                return None
            by_id: dict[int, TweetView] = {v.cached.tweet.tweet_id: v for v in made if wants(v)}
            for place in others:
                views[place] = by_id.get(ids[place])
            return [view for view in views if view is not None]
        return cast("list[TweetView]", views)

    def _find_flags(self, sight: Sight, oldest: int) -> dict[int, ViewerFlags] | None:
        if sight.user_id is None:
            return _ANYBODYS
        return self._marks.find_flags(sight.user_id, oldest)

    def _find_others(
        self, sight: Sight, found: Sequence[CachedTweet], flags: dict[int, ViewerFlags]
    ) -> list[TweetView] | None:
        """Return views of the visible ones of some tweets; None: not all is in memory."""
        seen = only_visible(sight, found)
        inner: dict[int, CachedTweet] = {}
        wanted = _nested_ids(seen)
        for _ in range(_LEVELS):
            if not wanted:
                break
            cells = self._tweets.cached(wanted)
            if None in cells or self._find_flags(sight, min(wanted)) is None:
                return None
            within = only_visible(sight, cells)
            inner |= {cell.tweet.tweet_id: cell for cell in within}
            wanted = _nested_ids(within)
        views = [_view(sight, cell, inner, flags) for cell in seen]
        return [view for view in views if _is_whole(view)]

    async def views(self, sight: Sight, found: Iterable[CachedTweet | None]) -> list[TweetView]:
        """Return views of those that exist and that the viewer may see, in order.

        A retweet is visible as long as its original is. Of tweets within tweets there are two
        levels at the most: the original of a retweet, and what that quotes.
        """
        seen = only_visible(sight, found)
        inner = await self._inner(sight, seen)
        flags = await self._flags(sight, seen, inner)
        views = [_view(sight, cached, inner, flags) for cached in seen]
        return [view for view in views if _is_whole(view)]

    async def _inner(self, sight: Sight, seen: Sequence[CachedTweet]) -> dict[int, CachedTweet]:
        """Return the visible tweets within those given, and within the originals of retweets."""
        wanted = _nested_ids(seen)
        if not wanted:
            return {}
        first = only_visible(sight, await self._tweets.find_many(wanted))
        second_ids = _nested_ids(first)
        second: list[CachedTweet] = []
        if second_ids:
            second = only_visible(sight, await self._tweets.find_many(second_ids))
        return {cached.tweet.tweet_id: cached for cached in (*first, *second)}

    async def _flags(
        self, sight: Sight, seen: Sequence[CachedTweet], inner: dict[int, CachedTweet]
    ) -> dict[int, ViewerFlags]:
        """Return the viewer's flags by tweet; those without any are left out."""
        if sight.user_id is None:
            return {}
        ids: list[int] = [cached.tweet.tweet_id for cached in seen]
        ids += inner
        flags = await self._marks.flags_many(sight.user_id, ids)
        return {i: one for i, one in zip(ids, flags, strict=True) if one is not NO_FLAGS}


def _as_all(
    cells: Sequence[CachedTweet],
    ids: Sequence[int],
    apart: frozenset[int],
    flags: dict[int, ViewerFlags],
) -> tuple[list[TweetView | None], list[int]]:
    """Return views of those that look as they do to anybody, and the places of the others."""
    views: list[TweetView | None] = []
    others: list[int] = []
    add = views.append
    for cell, tweet_id in zip(cells, ids, strict=True):
        if (
            cell.plain
            and tweet_id not in flags
            and cell.tweet.author_id not in apart
            and not cell.author.user.suspended
        ):
            add(TweetView(cell, NO_FLAGS, False, None, True))
        else:
            others.append(len(views))
            add(None)
    return views, others


_LEVELS = 2
"""The original of a retweet, and what that quotes."""


def _is_whole(view: TweetView) -> bool:
    """Say whether a view is not a retweet of what is not there."""
    return view.nested is not None or view.cached.tweet.retweet_of is None


def _nested_ids(cells: Iterable[CachedTweet]) -> list[int]:
    """Return the ids of the tweets within, each once, in order."""
    nested = {
        cell.tweet.retweet_of or cell.tweet.quote_of: None
        for cell in cells
        if cell.tweet.retweet_of is not None or cell.tweet.quote_of is not None
    }
    return [tweet_id for tweet_id in nested if tweet_id is not None]


def _view(
    sight: Sight,
    cached: CachedTweet,
    inner: dict[int, CachedTweet],
    flags: dict[int, ViewerFlags],
) -> TweetView:
    """Return one view; a retweet whose original is not among `inner` has nothing nested."""
    tweet = cached.tweet
    own = sight.user_id == tweet.author_id
    if tweet.retweet_of is not None:
        original = inner.get(tweet.retweet_of)
        if original is None:
            return bare_view(cached, NO_FLAGS, own)
        nested = _view(sight, original, inner, flags)
        return TweetView(cached, nested.flags, own, nested)
    quoted = None if tweet.quote_of is None else inner.get(tweet.quote_of)
    if quoted is None:
        return bare_view(cached, flags.get(tweet.tweet_id, NO_FLAGS), own)
    # What a quoted tweet quotes is left out: a chain of quotes may be of any length.
    own_nested = sight.user_id == quoted.tweet.author_id
    nested = bare_view(quoted, flags.get(quoted.tweet.tweet_id, NO_FLAGS), own_nested)
    return TweetView(cached, flags.get(tweet.tweet_id, NO_FLAGS), own, nested)
