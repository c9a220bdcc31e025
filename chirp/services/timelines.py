"""Timelines: home, public and one author's, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from chirp.cache.homes import HomeTimelines
from chirp.cache.lru import LruMap
from chirp.cache.revision import Revision
from chirp.clock import Clock
from chirp.idgen.watermark import Watermark
from chirp.metrics import Metrics
from chirp.model import UserId
from chirp.pages import NEWEST, ReadTweets
from chirp.policy import at_home, listed, profile_visible, unmuted
from chirp.readers.graph import GraphReader
from chirp.readers.home import HomeReader
from chirp.readers.marks import Book, MarkReader
from chirp.readers.pages import SPARE, Listing, TweetPages
from chirp.readers.sights import SightReader
from chirp.readers.tweets import TweetReader
from chirp.readers.users import UserReader
from chirp.storage.store import Store
from chirp.views import Basis, CachedTweet, KeptPage, Page, Sight, TweetView, Viewer

_LOOKED_AT = NEWEST.limit + SPARE + 1
"""How many of the newest ids a first page is made of; one that needs more is not kept."""

_PAGE_WEIGHT_BYTES = 20_000
"""A page of twenty tweets with its encoding."""


class Timelines:
    """Reads timelines for viewers."""

    def __init__(
        self,
        store: Store,
        pager: TweetPages,
        homes: HomeReader,
        windows: HomeTimelines,
        graph: GraphReader,
        tweets: TweetReader,
        users: UserReader,
        sights: SightReader,
        marks: MarkReader,
        watermark: Watermark,
        clock: Clock,
        metrics: Metrics,
        pages: LruMap[int, KeptPage],
        revision: Revision,
    ) -> None:
        self._store = store
        self._pager = pager
        self._homes = homes
        self._windows = windows
        self._graph = graph
        self._tweets = tweets
        self._users = users
        self._sights = sights
        self._marks = marks
        self._watermark = watermark
        self._clock = clock
        self._pages = pages
        self._revision = revision
        self._home_s = metrics.timeline_s["home"]
        self._user_s = metrics.timeline_s["user"]
        self._public_s = metrics.timeline_s["public"]

    # -- home ---------------------------------------------------------------------------

    async def home(self, viewer: Viewer, command: ReadTweets) -> Page[TweetView]:
        """Return a page of the tweets of the viewer and of whom they follow."""
        started_s = self._clock.monotonic_s()
        if command is NEWEST:
            page = await self._first_page(viewer.user_id)
        else:
            sight = await self._sights.get(viewer.user_id)
            page = await self._pager.page(await self._home_listing(viewer.user_id, sight), command)
        self._home_s.observe(self._clock.monotonic_s() - started_s)
        return page

    async def _home_listing(self, viewer: UserId, sight: Sight) -> Listing:
        followees = await self._graph.followees(viewer)

        async def newest(below: int, limit: int) -> Sequence[int]:
            return await self._homes.newest(viewer, below, limit)

        async def above(above: int, limit: int) -> Sequence[int]:
            return await self._homes.directly_above(viewer, above, limit)

        def wants(view: TweetView) -> bool:
            return at_home(sight, followees, view)

        return Listing(sight, newest, above, wants)

    async def _first_page(self, viewer: UserId) -> Page[TweetView]:
        """Return the viewer's first page: the one made before while what it shows stands.

        The newest ids are always read anew, so nothing that was posted or settled can be missed;
        what else a page depends on is compared: follows, deletions and profiles, blocks and mutes,
        the viewer's marks, and each tweet as the cache holds it.
        """
        settled = self._watermark.value
        ids = await self._homes.newest(viewer, settled + 1, _LOOKED_AT)
        # No await where memory has it: a coroutine that does not wait still takes half a µs.
        sight = self._sights.find(viewer) or await self._sights.get(viewer)
        book = self._marks.find(viewer) or await self._marks.book(viewer)
        made_of = self._made_of(viewer, sight, book)
        kept = self._pages.get(viewer)
        if kept is not None and self._unchanged(kept.basis, ids, made_of):
            return kept.page
        listing = await self._home_listing(viewer, sight)
        page = await self._pager.page_below(listing, NEWEST, settled)
        sight, book = await self._sights.get(viewer), await self._marks.book(viewer)
        within = not page.items or page.items[-1].cached.tweet.tweet_id >= ids[-1]
        if within and made_of == self._made_of(viewer, sight, book):
            cells = _cells(page.items)
            basis = Basis(ids, made_of, [cell.tweet.tweet_id for cell in cells], cells)
            page.stands = partial(self._stands, viewer, basis)
            self._pages.put(viewer, KeptPage(basis, page), _PAGE_WEIGHT_BYTES)
        return page

    def _stands(self, viewer: UserId, basis: Basis) -> bool:
        """Say whether a first page is what it would be if it were made now. Reads memory alone."""
        newest = self._homes.find_newest(viewer, self._watermark.value + 1, _LOOKED_AT)
        if newest is None:
            return False
        sight, book = self._sights.find(viewer), self._marks.find(viewer)
        if sight is None or book is None:
            return False
        return self._unchanged(basis, newest, self._made_of(viewer, sight, book))

    def _unchanged(self, basis: Basis, ids: Sequence[int], made_of: tuple[object, ...]) -> bool:
        return (
            basis.ids == ids
            and basis.made_of == made_of
            and self._tweets.cached(basis.shown) == basis.cells
        )

    def _made_of(self, viewer: UserId, sight: Sight, book: Book) -> tuple[object, ...]:
        """Return what the viewer's first page depends on, beside ids and tweets."""
        version = self._windows.graph_version(viewer)
        return (version, self._revision.value, sight, book, book.version)

    # -- others -------------------------------------------------------------------------

    async def of_user(
        self, viewer: Viewer | None, username: str, command: ReadTweets
    ) -> Page[TweetView]:
        """Return a page of one author's tweets. Raises: NotFound: no such user."""
        started_s = self._clock.monotonic_s()
        author = await self._users.get_named(username)
        sight = await self._sights.get(None if viewer is None else viewer.user_id)
        if not profile_visible(author) or author.user_id in sight.blocked:
            return Page([])

        async def newest(below: int, limit: int) -> Sequence[int]:
            # What is above the watermark is hidden below; the list itself is read from its head.
            start = below if below <= self._watermark.value else None
            found = await self._tweets.by_author(author.user_id, start, limit)
            return [cached.tweet.tweet_id for cached in found.items]

        async def above(above: int, limit: int) -> Sequence[int]:
            return await self._tweets.ids_above(author.user_id, above, limit)

        page = await self._pager.page(Listing(sight, newest, above), command)
        self._user_s.observe(self._clock.monotonic_s() - started_s)
        return page

    async def public(self, viewer: Viewer | None, command: ReadTweets) -> Page[TweetView]:
        """Return a page of everybody's public tweets, without retweets and replies."""
        started_s = self._clock.monotonic_s()
        sight = await self._sights.get(None if viewer is None else viewer.user_id)
        tweets = self._store.tweets

        def wants(view: TweetView) -> bool:
            tweet = view.cached.tweet
            own = tweet.retweet_of is None and tweet.in_reply_to_tweet_id is None
            return own and listed(tweet) and unmuted(sight, view)

        listing = Listing(sight, tweets.newest_ids, tweets.oldest_ids, wants)
        page = await self._pager.page(listing, command)
        self._public_s.observe(self._clock.monotonic_s() - started_s)
        return page


def _cells(views: Sequence[TweetView]) -> list[CachedTweet]:
    """Return all cached tweets that a page shows, those within others too."""
    cells = []
    for view in views:
        inner: TweetView | None = view
        while inner is not None:
            cells.append(inner.cached)
            inner = inner.nested
    return cells
