"""Lists by action: a user's favorites, the viewer's bookmarks, who favorited and who retweeted."""

from __future__ import annotations

from chirp.errors import NotFound
from chirp.idgen.watermark import Watermark
from chirp.model import TweetId
from chirp.pages import ReadActions
from chirp.policy import profile_visible
from chirp.readers.people import Edge, Ordered, PeopleReader, page_by_action
from chirp.readers.showing import Showing
from chirp.readers.sights import SightReader
from chirp.readers.users import UserReader
from chirp.storage.store import Store
from chirp.views import Page, Sight, TweetView, UserView, Viewer, original_of


class Lists:
    """Reads lists for viewers, newest action first."""

    def __init__(
        self,
        store: Store,
        people: PeopleReader,
        showing: Showing,
        sights: SightReader,
        users: UserReader,
        watermark: Watermark,
    ) -> None:
        self._store = store
        self._people = people
        self._showing = showing
        self._sights = sights
        self._users = users
        self._watermark = watermark

    async def favorites(
        self, viewer: Viewer | None, username: str, command: ReadActions
    ) -> Page[TweetView]:
        """Return a page of a user's favorites. Raises: NotFound: no such user."""
        owner = await self._users.get_named(username)
        if not profile_visible(owner):
            raise NotFound("no such user")
        sight = await self._sight(viewer)
        if owner.user_id in sight.blocked:
            return Page([])
        return await self._tweets(sight, self._store.favorites, owner.user_id, command)

    async def bookmarks(self, viewer: Viewer, command: ReadActions) -> Page[TweetView]:
        """Return a page of the viewer's bookmarks."""
        sight = await self._sight(viewer)
        return await self._tweets(sight, self._store.bookmarks, viewer.user_id, command)

    async def favorited_by(
        self, viewer: Viewer | None, tweet_id: TweetId, command: ReadActions
    ) -> Page[UserView]:
        """Return a page of who favorited a tweet. Raises: NotFound."""
        return await self._actors(self._store.favorited_by, viewer, tweet_id, command)

    async def retweeted_by(
        self, viewer: Viewer | None, tweet_id: TweetId, command: ReadActions
    ) -> Page[UserView]:
        """Return a page of who retweeted a tweet. Raises: NotFound."""
        return await self._actors(self._store.retweeted_by, viewer, tweet_id, command)

    async def _sight(self, viewer: Viewer | None) -> Sight:
        return await self._sights.get(None if viewer is None else viewer.user_id)

    async def _tweets(
        self, sight: Sight, ordered: Ordered, owner: int, command: ReadActions
    ) -> Page[TweetView]:
        async def show(edges: list[Edge]) -> list[TweetView]:
            return await self._showing.by_ids(sight, [other for _, other in edges])

        return await page_by_action(ordered, owner, command, show)

    async def _actors(
        self, ordered: Ordered, viewer: Viewer | None, tweet_id: TweetId, command: ReadActions
    ) -> Page[UserView]:
        """Return a page of people; of a retweet, those of the original."""
        sight = await self._sight(viewer)
        if tweet_id > self._watermark.value:
            raise NotFound("no such tweet")
        original = original_of(await self._showing.get(sight, tweet_id)).cached.tweet.tweet_id
        return await self._people.page(sight, ordered, original, command)
