"""Handlers of profiles and of the social graph."""

from __future__ import annotations

from aiohttp import web

from chirp.api.context import Api, json_response
from chirp.api.render import relationship_fields
from chirp.http.paging import parse_actions_query, parse_tweets_query
from chirp.http.plain import Plain
from chirp.views import Relationship


class UserHandlers:
    """GET /users/{username}, its lists, and how people stand to each other."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def profile(self, request: web.Request) -> Plain:
        """GET /users/{username}."""
        viewer = self._api.maybe_viewer(request)
        view = await self._api.profiles.get(viewer, request.match_info["username"])
        return json_response(self._api.renderer.user_fields(view))

    async def tweets(self, request: web.Request) -> Plain:
        """GET /users/{username}/tweets."""
        viewer = self._api.maybe_viewer(request)
        command = parse_tweets_query(request, self._api.cursors)
        page = await self._api.timelines.of_user(viewer, request.match_info["username"], command)
        return self._api.tweets_page(request, page)

    async def followers(self, request: web.Request) -> Plain:
        """GET /users/{username}/followers."""
        viewer = self._api.maybe_viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.follows.followers(viewer, request.match_info["username"], command)
        return self._api.people_page(request, page)

    async def following(self, request: web.Request) -> Plain:
        """GET /users/{username}/following."""
        viewer = self._api.maybe_viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.follows.following(viewer, request.match_info["username"], command)
        return self._api.people_page(request, page)

    async def follow(self, request: web.Request) -> Plain:
        """POST /users/{username}/follow."""
        viewer = await self._api.viewer_of_post(request)
        return _related(await self._api.follows.follow(viewer, request.match_info["username"]))

    async def block(self, request: web.Request) -> Plain:
        """POST /users/{username}/block."""
        viewer = await self._api.viewer_of_post(request)
        return _related(await self._api.blocks.block(viewer, request.match_info["username"]))

    async def unblock(self, request: web.Request) -> Plain:
        """DELETE /users/{username}/block."""
        viewer = await self._api.viewer_of_post(request)
        return _related(await self._api.blocks.unblock(viewer, request.match_info["username"]))

    async def mute(self, request: web.Request) -> Plain:
        """POST /users/{username}/mute."""
        viewer = await self._api.viewer_of_post(request)
        return _related(await self._api.blocks.mute(viewer, request.match_info["username"]))

    async def unmute(self, request: web.Request) -> Plain:
        """DELETE /users/{username}/mute."""
        viewer = await self._api.viewer_of_post(request)
        return _related(await self._api.blocks.unmute(viewer, request.match_info["username"]))

    async def favorites(self, request: web.Request) -> Plain:
        """GET /users/{username}/favorites."""
        viewer = self._api.maybe_viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.lists.favorites(viewer, request.match_info["username"], command)
        return self._api.tweets_page(request, page)

    async def unfollow(self, request: web.Request) -> Plain:
        """DELETE /users/{username}/follow."""
        viewer = await self._api.viewer_of_post(request)
        return _related(await self._api.follows.unfollow(viewer, request.match_info["username"]))


def _related(relationship: Relationship) -> Plain:
    fields = {"status": "success", "relationship": relationship_fields(relationship)}
    return json_response(fields)
