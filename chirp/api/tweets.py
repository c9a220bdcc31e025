"""Handlers of tweets and timelines."""

from __future__ import annotations

import orjson
from aiohttp import web

from chirp.api.bodies import TweetBody
from chirp.api.context import Api, path_tweet_id, raw_response
from chirp.http.paging import parse_tweets_query


class TweetHandlers:
    """POST /tweet, /tweets/{id} and GET /timeline/home."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def post(self, request: web.Request) -> web.Response:
        """POST /tweet."""
        viewer, body = await self._api.viewer_and_body(request, TweetBody)
        view = await self._api.tweets.post(viewer, body.command(self._api.max_weight))
        url = orjson.dumps(self._api.renderer.tweet_url(view.cached.tweet, view.cached.author.user))
        tweet = self._api.renderer.tweet(view)
        body_ = b'{"status":"success","tweet_url":' + url + b',"tweet":' + tweet + b"}"
        return raw_response(body_, 201)

    async def get(self, request: web.Request) -> web.Response:
        """GET /tweets/{id}."""
        viewer = await self._api.maybe_viewer(request)
        view = await self._api.tweets.get(viewer, path_tweet_id(request))
        return raw_response(self._api.renderer.tweet(view))

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /tweets/{id}."""
        viewer = await self._api.viewer_of_post(request)
        await self._api.tweets.delete(viewer, path_tweet_id(request))
        return web.Response(status=204)

    async def home(self, request: web.Request) -> web.Response:
        """GET /timeline/home."""
        viewer = await self._api.viewer(request)
        command = parse_tweets_query(request, self._api.cursors)
        return self._api.tweets_page(request, await self._api.timelines.home(viewer, command))
