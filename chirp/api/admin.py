"""Handlers of moderators and admins: who waits, invites, flags, suspensions, the trail."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from chirp.api.bodies import InviteBody, NoteBody
from chirp.api.context import Api, json_response, path_tweet_id
from chirp.api.render_admin import (
    action_fields,
    applicant_fields,
    flag_fields,
    invite_fields,
    person_fields,
)
from chirp.commands import Because
from chirp.errors import Invalid, NotFound
from chirp.http.paging import parse_actions_query, parse_id
from chirp.http.plain import Plain
from chirp.model import InviteId, User
from chirp.services.moderation import FlagState
from chirp.views import Viewer


class AdminHandlers:
    """Everything below /admin. The services ask for the viewer's role."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def _deed(self, request: web.Request) -> tuple[Viewer, Because]:
        """Return who acts, and why. The key is enough: a note may be missing, and so a body."""
        viewer, body = await self._api.viewer_and_body(request, NoteBody)
        return viewer, body.command()

    # -- registrations ------------------------------------------------------------------

    async def waiting(self, request: web.Request) -> Plain:
        """GET /admin/registrations."""
        viewer = self._api.viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.registrations.waiting(viewer, command)
        return self._api.page(
            request, page, [applicant_fields(self._api.renderer, item) for item in page.items]
        )

    async def approve(self, request: web.Request) -> Plain:
        """POST /admin/registrations/{username}/approve."""
        viewer, because = await self._deed(request)
        name = request.match_info["username"]
        return self._done(await self._api.registrations.approve(viewer, name, because))

    async def reject(self, request: web.Request) -> Plain:
        """POST /admin/registrations/{username}/reject."""
        viewer, because = await self._deed(request)
        name = request.match_info["username"]
        return self._done(await self._api.registrations.reject(viewer, name, because))

    # -- invites ------------------------------------------------------------------------

    async def invites(self, request: web.Request) -> Plain:
        """GET /admin/invites."""
        invites = await self._api.registrations.invites(self._api.viewer(request))
        data = [invite_fields(invite) for invite in invites]
        return json_response({"data": data, "next": None, "prev": None})

    async def create_invite(self, request: web.Request) -> Plain:
        """POST /admin/invites."""
        viewer, body = await self._api.viewer_and_body(request, InviteBody)
        made = await self._api.registrations.create_invite(viewer, body.command())
        invite = invite_fields(made.invite) | {"code": made.code}
        return json_response({"status": "success", "invite": invite}, 201)

    async def revoke_invite(self, request: web.Request) -> web.Response:
        """DELETE /admin/invites/{id}."""
        viewer = await self._api.viewer_of_post(request)
        await self._api.registrations.revoke_invite(viewer, _path_invite_id(request))
        return web.Response(status=204)

    # -- flags and deeds ----------------------------------------------------------------

    async def flags(self, request: web.Request) -> Plain:
        """GET /admin/flags."""
        viewer = self._api.viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.moderation.flags(viewer, command, _flag_state(request))
        return self._api.page(
            request, page, [flag_fields(self._api.renderer, item) for item in page.items]
        )

    async def close_flag(self, request: web.Request) -> Plain:
        """POST /admin/flags/{id}/close."""
        viewer, because = await self._deed(request)
        flag = await self._api.moderation.close_flag(viewer, path_tweet_id(request), because)
        return json_response({"status": "success", "flag": flag_fields(self._api.renderer, flag)})

    async def suspend(self, request: web.Request) -> Plain:
        """POST /admin/users/{username}/suspend."""
        return await self._suspended(request, suspended=True)

    async def unsuspend(self, request: web.Request) -> Plain:
        """POST /admin/users/{username}/unsuspend."""
        return await self._suspended(request, suspended=False)

    async def _suspended(self, request: web.Request, *, suspended: bool) -> Plain:
        viewer, because = await self._deed(request)
        name = request.match_info["username"]
        suspend = self._api.moderation.suspend
        return self._done(await suspend(viewer, name, because, suspended=suspended))

    async def remove_tweet(self, request: web.Request) -> web.Response:
        """DELETE /admin/tweets/{id}."""
        viewer, because = await self._deed(request)
        await self._api.moderation.remove_tweet(viewer, path_tweet_id(request), because)
        return web.Response(status=204)

    async def actions(self, request: web.Request) -> Plain:
        """GET /admin/actions."""
        viewer = self._api.viewer(request)
        command = parse_actions_query(request, self._api.cursors)
        page = await self._api.moderation.actions(viewer, command)
        return self._api.page(
            request, page, [action_fields(self._api.renderer, item) for item in page.items]
        )

    def _done(self, user: User) -> Plain:
        fields: dict[str, Any] = {
            "status": "success",
            "user": person_fields(self._api.renderer, user),
        }
        return json_response(fields)


def _flag_state(request: web.Request) -> FlagState:
    text = request.query.get("state", FlagState.OPEN)
    try:
        return FlagState(text)
    except ValueError:
        raise Invalid(f"state must be one of {', '.join(FlagState)}", field="state") from None


def _path_invite_id(request: web.Request) -> InviteId:
    try:
        return InviteId(parse_id(request.match_info["id"], "id"))
    except Invalid:
        raise NotFound("no such invite") from None
