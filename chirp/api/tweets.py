"""Handlers of tweets, of what people do to them, and of timelines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from chirp.api.bodies import EditTweetBody, TweetBody
from chirp.api.context import Api, idempotency, path_tweet_id, raw_response
from chirp.api.render import version_fields
from chirp.http.paging import parse_actions_query, parse_tweets_query
from chirp.http.plain import Plain
from chirp.model import TweetId
from chirp.views import TweetView, Viewer

Reaction = Callable[[Viewer, TweetId], Awaitable[TweetView]]


class TweetHandlers:
    """POST /tweet, /tweets/{id} and what is below it, and the timelines."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def post(self, request: web.Request) -> Plain:
        """POST /tweet."""
        viewer, body = await self._api.viewer_and_body(request, TweetBody)
        command = body.command(self._api.max_weight)
        view = await self._api.tweets.post(viewer, command, idempotency(request, body))
        return self._posted(view, 201)

    def _posted(self, view: TweetView, status: int) -> Plain:
        url = orjson.dumps(self._api.renderer.tweet_url(view.cached.tweet, view.cached.author.user))
        tweet = self._api.renderer.tweet(view)
        body = b'{"status":"success","tweet_url":' + url + b',"tweet":' + tweet + b"}"
        return raw_response(body, status)

    async def get(self, request: web.Request) -> Plain:
        """GET /tweets/{id}."""
        viewer = self._api.maybe_viewer(request)
        view = await self._api.tweets.get(viewer, path_tweet_id(request))
        return raw_response(self._api.renderer.tweet(view))

    async def edit(self, request: web.Request) -> Plain:
        """PATCH /tweets/{id}."""
        viewer, body = await self._api.viewer_and_body(request, EditTweetBody)
        command = body.command(path_tweet_id(request), self._api.max_weight)
        return self._posted(await self._api.tweets.edit(viewer, command), 200)

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /tweets/{id}."""
        viewer = await self._api.viewer_of_post(request)
        await self._api.tweets.delete(viewer, path_tweet_id(request))
        return web.Response(status=204)

    async def versions(self, request: web.Request) -> Plain:
        """GET /tweets/{id}/versions."""
        viewer = self._api.maybe_viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.tweets.versions(viewer, path_tweet_id(request), command)
        return self._api.page(request, page, [version_fields(tweet) for tweet in page.items])

    # -- threads and lists --------------------------------------------------------------

    async def thread(self, request: web.Request) -> Plain:
        """GET /tweets/{id}/thread."""
        viewer = self._api.maybe_viewer(request)
        command = parse_tweets_query(request, self._api.cursors)
        thread = await self._api.threads.thread(viewer, path_tweet_id(request), command)
        around = self._api.links(request, thread.replies)
        return raw_response(self._api.renderer.thread(thread, around), link=around.header)

    async def quotes(self, request: web.Request) -> Plain:
        """GET /tweets/{id}/quotes."""
        viewer = self._api.maybe_viewer(request)
        command = parse_tweets_query(request, self._api.cursors)
        page = await self._api.threads.quotes(viewer, path_tweet_id(request), command)
        return self._api.tweets_page(request, page)

    async def favorites(self, request: web.Request) -> Plain:
        """GET /tweets/{id}/favorites."""
        viewer = self._api.maybe_viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.lists.favorited_by(viewer, path_tweet_id(request), command)
        return self._api.people_page(request, page)

    async def retweets(self, request: web.Request) -> Plain:
        """GET /tweets/{id}/retweets."""
        viewer = self._api.maybe_viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.lists.retweeted_by(viewer, path_tweet_id(request), command)
        return self._api.people_page(request, page)

    # -- reactions ----------------------------------------------------------------------

    async def favorite(self, request: web.Request) -> Plain:
        """POST /tweets/{id}/favorite."""
        return await self._react(request, self._api.reactions.favorite)

    async def unfavorite(self, request: web.Request) -> Plain:
        """DELETE /tweets/{id}/favorite."""
        return await self._react(request, self._api.reactions.unfavorite)

    async def bookmark(self, request: web.Request) -> Plain:
        """POST /tweets/{id}/bookmark."""
        return await self._react(request, self._api.reactions.bookmark)

    async def unbookmark(self, request: web.Request) -> Plain:
        """DELETE /tweets/{id}/bookmark."""
        return await self._react(request, self._api.reactions.unbookmark)

    async def retweet(self, request: web.Request) -> Plain:
        """POST /tweets/{id}/retweet."""
        repeat = idempotency(request)

        async def react(viewer: Viewer, tweet_id: TweetId) -> TweetView:
            return await self._api.reactions.retweet(viewer, tweet_id, repeat)

        return await self._react(request, react)

    async def unretweet(self, request: web.Request) -> Plain:
        """DELETE /tweets/{id}/retweet."""
        return await self._react(request, self._api.reactions.unretweet)

    async def _react(self, request: web.Request, react: Reaction) -> Plain:
        viewer = await self._api.viewer_of_post(request)
        tweet = self._api.renderer.tweet(await react(viewer, path_tweet_id(request)))
        return raw_response(b'{"status":"success","tweet":' + tweet + b"}")

    # -- timelines ----------------------------------------------------------------------

    async def home(self, request: web.Request) -> Plain:
        """GET /timeline/home."""
        viewer = self._api.viewer(request)
        command = parse_tweets_query(request, self._api.cursors)
        return self._api.tweets_page(request, await self._api.timelines.home(viewer, command))

    async def public(self, request: web.Request) -> Plain:
        """GET /timeline/public."""
        viewer = self._api.maybe_viewer(request)
        command = parse_tweets_query(request, self._api.cursors)
        return self._api.tweets_page(request, await self._api.timelines.public(viewer, command))

    async def bookmarks(self, request: web.Request) -> Plain:
        """GET /bookmarks."""
        viewer = self._api.viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        return self._api.tweets_page(request, await self._api.lists.bookmarks(viewer, command))
