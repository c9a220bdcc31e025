"""Reads pages of tweets that are ordered by id, whatever list they stand in.

Invariants:
- Nothing above the watermark is shown: a since_id poller misses nothing.
- A page with a `next` holds at least one tweet: the reader goes on past hidden ones, up to
  MOST_CANDIDATES.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from chirp.idgen.watermark import Watermark
from chirp.pages import ReadTweets
from chirp.readers.showing import Showing, Wants
from chirp.views import Page, Position, Sight, TweetView

MOST_CANDIDATES = 2_000
"""How many candidates one page looks at, when most of them are hidden from the viewer."""

SPARE = 3
"""So many candidates more than fit are looked at where some are hidden: of a home timeline, one
page in two would else be asked for twice."""

Candidates = Callable[[int, int], Awaitable[Sequence[int]]]
"""Given a bound and a limit: ids beyond it, nearest first; fewer only when there are no more."""


Find = Callable[[int, int], Sequence[int] | None]
"""The same from memory alone; None: not all of it is there."""


def _any(_view: TweetView) -> bool:
    return True


class Listing(NamedTuple):
    """A list of tweets as one viewer reads it.

    `newest` gives ids below a bound, newest first; `above` ids above one, oldest first. `wants`
    says of what the viewer may see whether it belongs in the list. `find`, where there is one,
    gives what `newest` does; then a tweet that looks to the viewer as to anybody is always wanted.
    """

    sight: Sight
    newest: Candidates
    above: Candidates
    wants: Wants = _any
    find: Find | None = None

    def find_candidates(self, below: int, limit: int) -> Sequence[int] | None:
        """Return what `newest` does, from memory alone; None: it has to be asked."""
        return None if self.find is None else self.find(below, limit)


class TweetPages:
    """Pages of lists."""

    def __init__(self, watermark: Watermark, showing: Showing) -> None:
        self._watermark = watermark
        self._showing = showing

    @property
    def settled(self) -> int:
        """The id up to which everything may be shown."""
        return self._watermark.value

    def find_some(self, sight: Sight, ids: Sequence[int], wants: Wants) -> list[TweetView] | None:
        """Return what belongs in a list of some ids that fall, from memory alone; else None."""
        return self._showing.find_by_ids(sight, ids, wants)

    async def page(self, listing: Listing, command: ReadTweets) -> Page[TweetView]:
        """Return the page that a command asks for."""
        settled = self.settled
        if command.min_id is not None:
            return await self._page_above(listing, command, settled)
        return await self.page_below(listing, command, settled)

    async def page_below(
        self,
        listing: Listing,
        command: ReadTweets,
        settled: int,
        ids: Sequence[int] | None = None,
    ) -> Page[TweetView]:
        """Return the newest page below `command.below` and above `since_id`.

        `settled` is the watermark that the page shows. `ids`: what is looked at first, where that
        is known: as many as fit, SPARE more where some are not wanted, and one.
        """
        floor = command.since_id or 0
        spare = 0 if listing.wants is _any else SPARE
        below, looked = min(command.below, settled + 1), 0
        views: list[TweetView] = []
        more = True
        while more and len(views) < command.limit and looked < MOST_CANDIDATES:
            room = command.limit - len(views)
            # A few more than there is room for stand in for what is hidden; one more still tells
            # whether a next page would hold anything.
            room += spare
            if ids is None:
                ids = listing.find_candidates(below, room + 1)
            if ids is None:
                ids = await listing.newest(below, room + 1)
            more = len(ids) > room and ids[room] > floor
            shown, ids = ids[:room], None
            below, looked = (shown[-1] if shown else below), looked + len(shown)
            shown = _within(shown, floor, settled)
            found = self._find_views(listing, command, shown)
            views += await self._views(listing, command, shown) if found is None else found
            views = without_repeats(views)
        if len(views) >= command.limit:
            # The next page begins below the last one shown: what is hidden here as a repeat is not
            # hidden there.
            views = views[: command.limit]
            last = views[-1].cached.tweet.tweet_id
            below, more = last, more or below < last
        next_ = Position(below) if more and views else None
        return Page(views, next_, _newest(views))

    async def _page_above(
        self, listing: Listing, command: ReadTweets, settled: int
    ) -> Page[TweetView]:
        """Return the page directly above `min_id`, newest first like every page."""
        ceiling = min(command.below, settled + 1)
        bound, looked = command.above, 0
        views: list[TweetView] = []
        more = True
        while more and len(views) < command.limit and looked < MOST_CANDIDATES:
            ask = command.limit - len(views)
            ids = await listing.above(bound, ask)
            more = len(ids) == ask and ids[-1] < ceiling
            bound, looked = (ids[-1] if ids else bound), looked + len(ids)
            views += await self._views(listing, command, [i for i in ids if i < ceiling])
        views.reverse()
        if not views:
            return Page(views)
        oldest = views[-1].cached.tweet.tweet_id
        older = await listing.newest(oldest, 1)
        more = bool(older) and older[0] > (command.since_id or 0)
        newest = _newest(views)
        return Page(without_repeats(views), Position(oldest) if more else None, newest)

    def _find_views(
        self, listing: Listing, command: ReadTweets, ids: Sequence[int]
    ) -> list[TweetView] | None:
        """Return what `_views` does, from memory alone; None: it has to be asked."""
        if command.exclude_replies or command.only_media:
            return None
        if listing.find is None and listing.wants is not _any:
            return None
        return self.find_some(listing.sight, ids, listing.wants)

    async def _views(
        self, listing: Listing, command: ReadTweets, ids: Sequence[int]
    ) -> list[TweetView]:
        """Return views of those tweets that are asked for and visible, in order."""
        views = await self._showing.by_ids(listing.sight, ids)
        if command.exclude_replies or command.only_media:
            views = [view for view in views if command.wants(view.cached.tweet)]
        if listing.wants is _any:
            return views
        return [view for view in views if listing.wants(view)]


def without_repeats(views: list[TweetView]) -> list[TweetView]:
    """Leave out retweets whose original already stands further up. O(len(views))."""
    nesting = [view.cached.tweet for view in views if view.nested is not None]
    originals = [tweet.retweet_of for tweet in nesting if tweet.retweet_of is not None]
    if not originals:
        return views
    shown = [view.cached.tweet.tweet_id for view in views]
    if len(set(originals)) == len(originals) and set(originals).isdisjoint(shown):
        return views
    seen: set[int] = set()
    kept = []
    for view in views:
        tweet = view.cached.tweet
        if tweet.retweet_of is None or tweet.retweet_of not in seen:
            kept.append(view)
        seen.add(tweet.retweet_of or tweet.tweet_id)
    return kept


def _within(ids: Sequence[int], floor: int, settled: int) -> Sequence[int]:
    """Return the ids above `floor` and not above `settled`; `ids` are newest first."""
    if not ids or (ids[0] <= settled and ids[-1] > floor):
        return ids
    return [i for i in ids if floor < i <= settled]


def _newest(views: list[TweetView]) -> Position | None:
    return Position(views[0].cached.tweet.tweet_id) if views else None
