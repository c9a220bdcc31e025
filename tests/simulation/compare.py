"""Holds a server against the model: every list of everybody, page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from chirp.errors import NotFound
from chirp.model import TweetId
from chirp.pages import NEWEST, ReadActions, ReadTweets
from chirp.views import Page, Tombstone, TweetView, UserView, Viewer, original_of
from tests.simulation.world import Key, Shown, World, by_action, pages_of
from tests.support.driver import Driver, ids_of

ReadPage = Callable[[ReadTweets], Awaitable[Page[TweetView]]]
ReadEdges = Callable[[ReadActions], Awaitable[Page[Any]]]


def shown(view: TweetView) -> Shown:
    """Return what a view says, to be held against what the model says."""
    tweet, flags = view.cached.tweet, view.flags
    return Shown(
        tweet.tweet_id,
        tweet.content,
        tweet.version,
        view.cached.author.user.username,
        original_of(view).cached.counts,
        (flags.favorited, flags.retweeted, flags.bookmarked),
        view.own,
        None if view.nested is None else shown(view.nested),
    )


class Comparison:
    """Compares what viewers read. `limit`: the size of pages."""

    def __init__(
        self, chirp: Driver, world: World, people: dict[int, Viewer], limit: int = 20
    ) -> None:
        self._server = chirp.server
        self._world = world
        self._people = people
        self._limit = limit
        world.tally()
        self._favorites_of = by_action(world.favorites, 0)
        self._favorited_by = by_action(world.favorites, 1)
        self._retweeted_by = by_action(world.retweets, 1)
        self._bookmarks = by_action(world.bookmarks, 0)
        self._following = by_action(world.follows, 0)
        self._followers = by_action(world.follows, 1)

    def _viewer(self, who: int | None) -> Viewer | None:
        return None if who is None else self._people[who]

    def _said(self, who: int | None, tweets: Sequence[int]) -> list[Shown]:
        return [self._world.shown(who, tweet) for tweet in tweets]

    # -- tweets by id -------------------------------------------------------------------

    async def _tweets(self, who: int | None, read: ReadPage, tweets: list[int]) -> None:
        """Hold every page of a list against the model, on the way down and up."""
        pages = pages_of(self._world, tweets, self._limit)
        page = await read(ReadTweets(self._limit))
        for number, wanted in enumerate(pages):
            assert [shown(view) for view in page.items] == self._said(who, wanted)
            if number + 1 < len(pages):
                assert page.next is not None
                page = await read(ReadTweets(self._limit, max_id=page.next.other))
        # What is left below may be hidden: then there is one more page, an empty one.
        if page.next is not None:
            page = await read(ReadTweets(self._limit, max_id=page.next.other))
            assert (page.items, page.next) == ([], None)
        await self._upwards(read, tweets)

    async def _upwards(self, read: ReadPage, tweets: list[int]) -> None:
        left, bound = tweets[::-1], 1
        while left:
            wanted = pages_of(self._world, left[: self._limit][::-1], self._limit)[0]
            page = await read(ReadTweets(self._limit, min_id=bound))
            assert ids_of(page) == wanted
            left, bound = left[self._limit :], wanted[0]
        assert ids_of(await read(ReadTweets(self._limit, min_id=bound))) == []

    async def home(self, who: int) -> None:
        """Compare a home timeline."""
        viewer, tweets = self._people[who], self._world.home(who)

        async def read(command: ReadTweets) -> Page[TweetView]:
            return await self._server.timelines.home(viewer, command)

        for _ in range(2):
            page = await read(NEWEST)
            wanted = pages_of(self._world, tweets, NEWEST.limit)[0]
            assert [shown(view) for view in page.items] == self._said(who, wanted)
        await self._tweets(who, read, tweets)

    async def public(self, who: int | None) -> None:
        """Compare the public timeline."""
        viewer = self._viewer(who)

        async def read(command: ReadTweets) -> Page[TweetView]:
            return await self._server.timelines.public(viewer, command)

        await self._tweets(who, read, self._world.public(who))

    async def of_user(self, who: int | None, author: int, *, replies: bool = True) -> None:
        """Compare a user timeline."""
        viewer, name = self._viewer(who), self._world.names[author]

        async def read(command: ReadTweets) -> Page[TweetView]:
            bounds = (command.limit, command.max_id, command.since_id, command.min_id)
            command = ReadTweets(*bounds, exclude_replies=not replies)
            return await self._server.timelines.of_user(viewer, name, command)

        await self._tweets(who, read, self._world.by(who, author, replies=replies))

    async def tweet(self, who: int | None, tweet: int) -> None:
        """Compare a tweet, its thread, its versions, and who did what to it."""
        viewer, server, tweet_id = self._viewer(who), self._server, TweetId(tweet)
        if not self._world.visible(who, tweet):
            await self._nothing(viewer, tweet_id)
            return
        view = await server.tweet_service.get(viewer, tweet_id)
        assert shown(view) == self._world.shown(who, tweet)
        versions = await server.tweet_service.versions(viewer, tweet_id, ReadActions(100))
        texts = self._world.posts[tweet].texts
        assert [version.content for version in versions.items] == texts[::-1]
        await self._thread(who, tweet)
        await self._reacted(who, tweet)

    async def _nothing(self, viewer: Viewer | None, tweet: TweetId) -> None:
        server, few = self._server, ReadActions(5)
        for read in (
            server.tweet_service.get(viewer, tweet),
            server.tweet_service.versions(viewer, tweet, few),
            server.threads.thread(viewer, tweet, ReadTweets(5)),
            server.threads.quotes(viewer, tweet, ReadTweets(5)),
            server.lists.favorited_by(viewer, tweet, few),
            server.lists.retweeted_by(viewer, tweet, few),
        ):
            with pytest.raises(NotFound):
                await read

    async def _thread(self, who: int | None, tweet: int) -> None:
        viewer, tweet_id, world = self._viewer(who), TweetId(tweet), self._world
        original = world.original(tweet)
        thread = await self._server.threads.thread(viewer, tweet_id, ReadTweets(self._limit))
        assert shown(thread.tweet) == world.shown(who, original)
        told = [a.tweet_id if isinstance(a, Tombstone) else shown(a) for a in thread.ancestors]
        assert told == [
            world.shown(who, up) if world.visible(who, up) else up
            for up in world.ancestors(original)
        ]

        async def replies(command: ReadTweets) -> Page[TweetView]:
            return (await self._server.threads.thread(viewer, tweet_id, command)).replies

        async def quotes(command: ReadTweets) -> Page[TweetView]:
            return await self._server.threads.quotes(viewer, tweet_id, command)

        await self._tweets(who, replies, world.seen(who, world.replies(original)))
        await self._tweets(who, quotes, world.seen(who, world.quotes(original)))

    # -- lists by action ----------------------------------------------------------------

    async def _actions(
        self, read: ReadEdges, edges: list[Key], keep: Callable[[int], bool],
        say: Callable[[Any], object], wanted: Callable[[int], object],
    ) -> None:  # fmt: skip
        """Hold every page of a list that is ordered by an action against the model."""
        chunks = [edges[i : i + self._limit] for i in range(0, len(edges), self._limit)]
        expected = [[other for _, other in chunk if keep(other)] for chunk in chunks]
        page = await read(ReadActions(self._limit))
        for others in filter(None, expected):
            assert [say(item) for item in page.items] == [wanted(other) for other in others]
            if page.next is None:
                page = Page([])
            else:
                page = await read(ReadActions(self._limit, below=page.next))
        assert (page.items, page.next) == ([], None)

    async def _people_list(self, who: int | None, read: ReadEdges, edges: list[Key]) -> None:
        world = self._world

        def listed(other: int) -> bool:
            return other not in world.suspended and not world.blocked(who, other)

        def said(view: UserView) -> object:
            return view.user.username, view.counts, view.relationship

        def wanted(other: int) -> object:
            how = None if who in {None, other} else world.relationship(who or 0, other)
            return world.names[other], world.user_counts(other), how

        await self._actions(read, edges, listed, said, wanted)

    async def _reacted(self, who: int | None, tweet: int) -> None:
        viewer, lists, tweet_id = self._viewer(who), self._server.lists, TweetId(tweet)
        original = self._world.original(tweet)
        for edges, read in (
            (self._favorited_by[original], lists.favorited_by),
            (self._retweeted_by[original], lists.retweeted_by),
        ):

            async def page(command: ReadActions, read: Any = read) -> Page[UserView]:
                found: Page[UserView] = await read(viewer, tweet_id, command)
                return found

            await self._people_list(who, page, edges)

    async def person(self, who: int | None, other: int) -> None:
        """Compare a profile, and whom it follows, and what it favorited."""
        viewer, server, world = self._viewer(who), self._server, self._world
        name = world.names[other]
        lists: list[Any] = [
            server.follows.followers, server.follows.following, server.lists.favorites,
        ]  # fmt: skip
        if other in world.suspended:
            for read in (*lists, None):
                with pytest.raises(NotFound):
                    await (
                        read(viewer, name, NEWEST) if read else server.profiles.get(viewer, name)
                    )
            return
        view = await server.profiles.get(viewer, name)
        assert view.counts == world.user_counts(other), name
        how = None if who in {None, other} else world.relationship(who or 0, other)
        assert view.relationship == how
        for edges, read in (
            (self._followers[other], lists[0]),
            (self._following[other], lists[1]),
        ):
            shows = [] if world.blocked(who, other) else edges

            async def page(command: ReadActions, read: Any = read) -> Page[UserView]:
                found: Page[UserView] = await read(viewer, name, command)
                return found

            await self._people_list(who, page, shows)
        await self._favorites(who, other)

    async def _favorites(self, who: int | None, other: int) -> None:
        viewer, world, name = self._viewer(who), self._world, self._world.names[other]

        async def read(command: ReadActions) -> Page[TweetView]:
            return await self._server.lists.favorites(viewer, name, command)

        edges = [] if world.blocked(who, other) else self._favorites_of[other]
        await self._marked(who, read, edges)

    async def bookmarks(self, who: int) -> None:
        """Compare the viewer's bookmarks."""
        viewer = self._people[who]

        async def read(command: ReadActions) -> Page[TweetView]:
            return await self._server.lists.bookmarks(viewer, command)

        await self._marked(who, read, self._bookmarks[who])

    async def _marked(self, who: int | None, read: ReadEdges, edges: list[Key]) -> None:
        world = self._world

        def visible(tweet: int) -> bool:
            return world.visible(who, tweet)

        await self._actions(read, edges, visible, shown, lambda tweet: world.shown(who, tweet))

    # -- all ----------------------------------------------------------------------------

    async def everything_of(self, who: int) -> None:
        """Compare what is one person's: all that they read, and all that others read of them."""
        await self.home(who)
        await self.bookmarks(who)
        for viewer in (who, None):
            await self.person(viewer, who)
            for replies in (True, False):
                await self.of_user(viewer, who, replies=replies)
