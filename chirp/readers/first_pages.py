"""First pages of home timelines: handed out again while they stand, renewed when a tweet came.

What a page depends on is looked at anew each time: the newest ids, who follows whom, deletions
and profiles, blocks and mutes, the viewer's marks, and each tweet as the cache holds it.

Invariants:
- A page that is handed out is the page that would be read now (a property test over random
  histories holds that against a page read anew).
- A renewed page differs from the one before by what stands above it. What is further down is the
  very same views, so that front ends need not render them again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from chirp.cache.lru import LruMap
from chirp.cache.revision import Revision
from chirp.model import UserId
from chirp.pages import DEFAULT_PAGE, ReadTweets
from chirp.readers.home import HomeReader
from chirp.readers.marks import Book, MarkReader
from chirp.readers.pages import SPARE, Listing, TweetPages
from chirp.readers.sights import SightReader
from chirp.readers.tweets import TweetReader
from chirp.views import Basis, CachedTweet, KeptPage, Page, Place, Position, Sight, Slot, TweetView

_PAGE_BYTES, _ITEM_BYTES = 1_000, 250
"""A page, and each of its views with its id; the bytes of most tweets are the tweet cache's."""

_OWN_BYTES = 1_000
"""What a tweet looks like to this viewer alone, rendered."""

_MOST_ANSWERS = 4
"""So many answers that were made of a page are kept: a person has a phone and a browser or two."""


class FirstPages:
    """First pages of viewers who read them lately."""

    def __init__(
        self,
        pages: LruMap[Slot, KeptPage],
        pager: TweetPages,
        homes: HomeReader,
        tweets: TweetReader,
        sights: SightReader,
        marks: MarkReader,
        revision: Revision,
    ) -> None:
        self._pages = pages
        self._pager = pager
        self._homes = homes
        self._tweets = tweets
        self._sights = sights
        self._marks = marks
        self._revision = revision
        self._unchanged = self._renewals = self._made = 0

    async def get(
        self,
        viewer: UserId,
        command: ReadTweets,
        listing: Callable[[], Awaitable[Listing]],
    ) -> Page[TweetView]:
        """Return the page made before, or one renewed from it, or one made now.

        `command` is one that `is_first`; `listing` gives the viewer's home timeline, of which the
        page is to be made.
        """
        place, looked_at = (viewer, command.limit), _looked_at(command.limit)
        settled, changes = self._pager.settled, self._tweets.changes
        # No await where memory has it: a coroutine that does not wait still takes half a µs.
        ids = self._homes.find_newest(viewer, settled + 1, looked_at)
        if ids is None:
            ids = await self._homes.newest(viewer, settled + 1, looked_at)
        made_of = self._find_made_of(viewer) or await self._made_of(viewer)
        found = self._find(place, ids, made_of)
        if found is not None:
            return found
        self._made += 1
        page = await self._pager.page_below(await listing(), command, settled, ids)
        if made_of == (self._find_made_of(viewer) or await self._made_of(viewer)):
            self._keep(place, page, Basis(ids, made_of, changes, page.items))
        return page

    def _find(
        self, place: Place, ids: Sequence[int], made_of: tuple[object, ...]
    ) -> Page[TweetView] | None:
        kept = self._pages.get(_slot(place))
        if kept is None or kept.place != place or not self._holds(kept.basis, made_of):
            return None
        if kept.basis.ids == ids:
            self._unchanged += 1
            return kept.page
        return self._renewed(place, kept, ids, made_of)

    def _keep(self, place: Place, page: Page[TweetView], basis: Basis) -> None:
        """Keep a page, unless it reaches further down than the ids that are looked at."""
        items = page.items
        if not items or items[-1].cached.tweet.tweet_id >= basis.ids[-1]:
            page.stands = partial(self._stands, place, basis)
            page.keep = partial(self._hold, place, basis)
            own = [view.as_all for view in items].count(False)
            weight_bytes = _PAGE_BYTES + len(items) * _ITEM_BYTES + own * _OWN_BYTES
            self._pages.put(_slot(place), KeptPage(place, basis, page, []), weight_bytes)

    def _hold(self, place: Place, basis: Basis, size: int, answer: object = None) -> None:
        """Note what a kept page has come to weigh, and keep an answer that was made of it."""
        # By its basis: a page that held itself, through this, would never be let go of.
        kept = self._pages.get(_slot(place))
        if kept is None or kept.basis is not basis:
            return
        if answer is not None:
            kept.answers.append((answer, size))
            surplus = kept.answers[:-_MOST_ANSWERS]
            del kept.answers[: len(surplus)]
            size -= sum([those for _, those in surplus])
        self._pages.grow(_slot(place), size)

    def _stands(self, place: Place, basis: Basis) -> bool:
        """Say whether a page is what it would be if it were made now. Reads memory alone.

        Who asks hands it out if it does.
        """
        viewer, limit = place
        ids = self._homes.find_newest(viewer, self._pager.settled + 1, _looked_at(limit))
        if basis.ids != ids:
            return False
        made_of = self._find_made_of(viewer)
        stands = made_of is not None and self._holds(basis, made_of)
        self._unchanged += stands
        return stands

    def _holds(self, basis: Basis, made_of: tuple[object, ...]) -> bool:
        """Say whether all that a page shows is as it was, whatever came on top of it."""
        if basis.made_of != made_of:
            return False
        changes = self._tweets.changes
        if basis.changes != changes:
            # Some tweet has other counts or another text now. Is it one of these?
            cells = basis.cells = basis.cells or cells_of(basis.items)
            if self._tweets.cached([cell.tweet.tweet_id for cell in cells]) != cells:
                return False
            basis.changes = changes
        return True

    def _renewed(
        self, place: Place, kept: KeptPage, ids: Sequence[int], made_of: tuple[object, ...]
    ) -> Page[TweetView] | None:
        """Return the page before with what came on top of it; None: it has to be made."""
        before, page, (viewer, limit) = kept.basis.ids, kept.page, place
        # One of which half is new is made from the ground.
        if len(page.items) < limit or before[0] not in ids[: limit // 2]:
            return None
        new = ids.index(before[0])
        if ids[new:] != before[: len(ids) - new]:
            return None
        views = self._find_new(viewer, ids[:new])
        if views is None:
            return None
        items = (views + page.items)[:limit]
        next_ = Position(items[-1].cached.tweet.tweet_id) if views else page.next
        renewed = Page(items, next_, Position(items[0].cached.tweet.tweet_id))
        renewed.before, page.before = page, None
        self._renewals += 1
        self._keep(place, renewed, Basis(ids, made_of, kept.basis.changes, items))
        return renewed

    def _find_new(self, viewer: UserId, ids: Sequence[int]) -> list[TweetView] | None:
        """Return views of what came; None: not all is in memory, or it changes what is below.

        A retweet does: another one of the same original may stand there.
        """
        sight = self._sights.find(viewer)
        wants = None if sight is None else self._homes.find_wants(viewer, sight)
        if sight is None or wants is None:
            return None
        views = self._pager.find_some(sight, ids, wants)
        if views is None or any([v.cached.tweet.retweet_of is not None for v in views]):  # noqa: C419
            return None
        return views

    def _find_made_of(self, viewer: UserId) -> tuple[object, ...] | None:
        sight, book = self._sights.find(viewer), self._marks.find(viewer)
        if sight is None or book is None:
            return None
        return self._versions(viewer, sight, book)

    async def _made_of(self, viewer: UserId) -> tuple[object, ...]:
        sight, book = await self._sights.get(viewer), await self._marks.book(viewer)
        return self._versions(viewer, sight, book)

    def _versions(self, viewer: UserId, sight: Sight, book: Book) -> tuple[object, ...]:
        """Return what a viewer's first page depends on, beside ids and tweets."""
        version = self._homes.graph_version(viewer)
        return (version, self._revision.value, sight, book, book.version)

    def stats(self) -> dict[str, int]:
        """Return how many pages were handed out unchanged, were renewed, and were made."""
        return {"unchanged": self._unchanged, "renewed": self._renewals, "made": self._made}


def _slot(place: Place) -> Slot:
    """Return where a page is kept: beside one of the usual length, the last of all others.

    A page for each length would let one viewer fill the budget of everybody.
    """
    viewer, limit = place
    return viewer, limit == DEFAULT_PAGE


def _looked_at(limit: int) -> int:
    """Return of how many of the newest ids a page is made; one that needs more is not kept."""
    return limit + SPARE + 1


def cells_of(views: Sequence[TweetView]) -> list[CachedTweet]:
    """Return all cached tweets that a page shows, those within others too."""
    cells = []
    for view in views:
        inner: TweetView | None = view
        while inner is not None:
            cells.append(inner.cached)
            inner = inner.nested
    return cells
