"""Timelines: home, public and one author's, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from chirp.clock import Clock
from chirp.idgen.watermark import Watermark
from chirp.metrics import Metrics
from chirp.model import UserId
from chirp.pages import ReadTweets
from chirp.policy import listed, profile_visible, unmuted
from chirp.readers.first_pages import FirstPages
from chirp.readers.home import HomeReader
from chirp.readers.pages import Listing, TweetPages
from chirp.readers.sights import SightReader
from chirp.readers.tweets import TweetReader
from chirp.readers.users import UserReader
from chirp.storage.store import Store
from chirp.views import Page, TweetView, Viewer


class Timelines:
    """Reads timelines for viewers."""

    def __init__(
        self,
        store: Store,
        pager: TweetPages,
        first_pages: FirstPages,
        homes: HomeReader,
        tweets: TweetReader,
        users: UserReader,
        sights: SightReader,
        watermark: Watermark,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._pager = pager
        self._first_pages = first_pages
        self._homes = homes
        self._tweets = tweets
        self._users = users
        self._sights = sights
        self._watermark = watermark
        self._clock = clock
        self._home_s = metrics.timeline_s["home"]
        self._user_s = metrics.timeline_s["user"]
        self._public_s = metrics.timeline_s["public"]

    # -- home ---------------------------------------------------------------------------

    async def home(self, viewer: Viewer, command: ReadTweets) -> Page[TweetView]:
        """Return a page of the tweets of the viewer and of whom they follow."""
        started_s = self._clock.monotonic_s()
        if command.is_first:
            listing = partial(self._home_listing, viewer.user_id)
            page = await self._first_pages.get(viewer.user_id, command, listing)
        else:
            page = await self._pager.page(await self._home_listing(viewer.user_id), command)
        self._home_s.observe(self._clock.monotonic_s() - started_s)
        return page

    async def _home_listing(self, viewer: UserId) -> Listing:
        homes = self._homes
        # No await where memory has it: a coroutine that does not wait still takes half a µs.
        sight = self._sights.find(viewer) or await self._sights.get(viewer)
        wants = homes.find_wants(viewer, sight) or await homes.wants(viewer, sight)
        return Listing(
            sight,
            partial(homes.newest, viewer),
            partial(homes.directly_above, viewer),
            wants,
            partial(homes.find_newest, viewer),
        )

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
