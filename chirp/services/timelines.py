"""Timelines: home and one author's, page by page, filtered by policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from chirp.cache.lru import LruMap
from chirp.cache.revision import Revision
from chirp.clock import Clock
from chirp.commands import NEWEST, ReadTweets
from chirp.idgen.watermark import Watermark
from chirp.metrics import Metrics
from chirp.model import UserId
from chirp.policy import only_visible, profile_visible
from chirp.readers.home import HomeReader
from chirp.readers.tweets import TweetReader
from chirp.readers.users import UserReader
from chirp.views import NO_FLAGS, KeptPage, Page, Position, TweetView, Viewer

_PAGE_WEIGHT_BYTES = 20_000
"""A page of twenty tweets with its encoding."""

MOST_CANDIDATES = 2_000
"""How many candidates one page looks at, when most of them are hidden from the viewer."""

Candidates = Callable[[int, int], Awaitable[Sequence[int]]]
"""Given a bound and a limit: ids beyond it, nearest first; fewer only when there are no more."""


class Timelines:
    """Reads timelines for viewers."""

    def __init__(
        self,
        homes: HomeReader,
        tweets: TweetReader,
        users: UserReader,
        watermark: Watermark,
        clock: Clock,
        metrics: Metrics,
        pages: LruMap[int, KeptPage],
        revision: Revision,
    ) -> None:
        self._pages = pages
        self._revision = revision
        self._homes = homes
        self._tweets = tweets
        self._users = users
        self._watermark = watermark
        self._clock = clock
        self._home_s = metrics.timeline_s["home"]
        self._user_s = metrics.timeline_s["user"]

    async def home(self, viewer: Viewer, command: ReadTweets) -> Page[TweetView]:
        """Return a page of the tweets of the viewer and of whom they follow."""
        started_s = self._clock.monotonic_s()
        if command is NEWEST:
            page = await self._first_page(viewer.user_id)
        else:
            page = await self._home_page(viewer.user_id, command)
        self._home_s.observe(self._clock.monotonic_s() - started_s)
        return page

    async def _home_page(self, viewer: UserId, command: ReadTweets) -> Page[TweetView]:
        async def newest(below: int, limit: int) -> Sequence[int]:
            return await self._homes.newest(viewer, below, limit)

        async def above(above: int, limit: int) -> Sequence[int]:
            return await self._homes.directly_above(viewer, above, limit)

        return await self._page(viewer, command, newest, above)

    async def _first_page(self, viewer: UserId) -> Page[TweetView]:
        """Return the viewer's first page: the one made before while its ids and contents stand.

        The ids are always read anew, so nothing that was posted, followed or settled can be
        missed; the revision tells of what changed behind the same ids.
        """
        revision = self._revision.value
        ids = await self._homes.newest(viewer, self._watermark.value + 1, NEWEST.limit + 1)
        kept = self._pages.get(viewer)
        if kept is not None and kept.ids == ids and kept.revision == revision:
            return kept.page
        page = await self._home_page(viewer, NEWEST)
        if _decided_by(ids, page) and revision == self._revision.value:
            self._pages.put(viewer, KeptPage(ids, revision, page), _PAGE_WEIGHT_BYTES)
        return page

    async def of_user(
        self, viewer: Viewer | None, username: str, command: ReadTweets
    ) -> Page[TweetView]:
        """Return a page of one author's tweets. Raises: NotFound: no such user."""
        started_s = self._clock.monotonic_s()
        author = await self._users.get_named(username)
        if not profile_visible(author):
            return Page([])

        async def newest(below: int, limit: int) -> Sequence[int]:
            # What is above the watermark is hidden below; the list itself is read from its head.
            start = below if below <= self._watermark.value else None
            found = await self._tweets.by_author(author.user_id, start, limit)
            return [cached.tweet.tweet_id for cached in found.items]

        async def above(above: int, limit: int) -> Sequence[int]:
            return await self._tweets.ids_above(author.user_id, above, limit)

        viewer_id = None if viewer is None else viewer.user_id
        page = await self._page(viewer_id, command, newest, above)
        self._user_s.observe(self._clock.monotonic_s() - started_s)
        return page

    async def _page(
        self, viewer: UserId | None, command: ReadTweets, newest: Candidates, above: Candidates
    ) -> Page[TweetView]:
        if command.min_id is not None:
            return await self._page_above(viewer, command, newest, above)
        return await self._page_below(viewer, command, newest)

    async def _page_below(
        self, viewer: UserId | None, command: ReadTweets, newest: Candidates
    ) -> Page[TweetView]:
        """Return the newest page below `command.below` and above `since_id`."""
        settled, floor = self._watermark.value, command.since_id or 0
        below, looked = min(command.below, settled + 1), 0
        views: list[TweetView] = []
        more = True
        while more and len(views) < command.limit and looked < MOST_CANDIDATES:
            room = command.limit - len(views)
            # One id more than there is room for tells whether a next page would hold anything.
            ids = await newest(below, room + 1)
            more = len(ids) > room and ids[room] > floor
            ids = ids[:room]
            below, looked = (ids[-1] if ids else below), looked + len(ids)
            views += await self._views(viewer, command, _within(ids, floor, settled))
        next_ = Position(below) if more and views else None
        return Page(views, next_, _newest(views))

    async def _page_above(
        self, viewer: UserId | None, command: ReadTweets, newest: Candidates, above: Candidates
    ) -> Page[TweetView]:
        """Return the page directly above `min_id`, newest first like every page."""
        ceiling = min(command.below, self._watermark.value + 1)
        bound, looked = command.above, 0
        views: list[TweetView] = []
        more = True
        while more and len(views) < command.limit and looked < MOST_CANDIDATES:
            ask = command.limit - len(views)
            ids = await above(bound, ask)
            more = len(ids) == ask and ids[-1] < ceiling
            bound, looked = (ids[-1] if ids else bound), looked + len(ids)
            views += await self._views(viewer, command, [i for i in ids if i < ceiling])
        views.reverse()
        if not views:
            return Page(views)
        oldest = views[-1].cached.tweet.tweet_id
        older = await newest(oldest, 1)
        more = bool(older) and older[0] > (command.since_id or 0)
        return Page(views, Position(oldest) if more else None, _newest(views))

    async def _views(
        self, viewer: UserId | None, command: ReadTweets, ids: Sequence[int]
    ) -> list[TweetView]:
        """Return views of those tweets that are asked for and visible, in order."""
        found = only_visible(viewer, await self._tweets.find_many(ids))
        if command.exclude_replies or command.only_media:
            found = [cached for cached in found if command.wants(cached.tweet)]
        return [TweetView(cached, NO_FLAGS, viewer == cached.tweet.author_id) for cached in found]


def _decided_by(ids: Sequence[int], page: Page[TweetView]) -> bool:
    """Say whether a first page shows just these ids: not what came meanwhile, nor past hidden."""
    shown = [view.cached.tweet.tweet_id for view in page.items]
    more = len(ids) > NEWEST.limit
    return shown == list(ids[: NEWEST.limit]) and more == (page.next is not None)


def _within(ids: Sequence[int], floor: int, settled: int) -> Sequence[int]:
    """Return the ids above `floor` and not above `settled`; `ids` are newest first."""
    if not ids or (ids[0] <= settled and ids[-1] > floor):
        return ids
    return [i for i in ids if floor < i <= settled]


def _newest(views: list[TweetView]) -> Position | None:
    return Position(views[0].cached.tweet.tweet_id) if views else None
