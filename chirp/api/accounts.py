"""Handlers of accounts, sessions and keys."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from chirp.api.bodies import KeyBody, PasswordBody, ProfileBody, RegisterBody, SessionBody
from chirp.api.context import Api, json_response
from chirp.api.render import key_fields
from chirp.errors import Invalid, NotFound
from chirp.http.body import read_body
from chirp.http.calls import call_of
from chirp.http.paging import parse_id
from chirp.http.plain import Plain
from chirp.model import KeyId
from chirp.views import SignedIn, Viewer


class AccountHandlers:
    """POST /users, /sessions, /keys and what belongs to them."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def register(self, request: web.Request) -> Plain:
        """POST /users."""
        body = await read_body(request, RegisterBody)
        return self._signed_in(await self._api.registrations.register(body.command()))

    async def sign_in(self, request: web.Request) -> Plain:
        """POST /sessions."""
        command = (await read_body(request, SessionBody)).command()
        self._api.gate.take_for_login(call_of(request), command.login)
        return self._signed_in(await self._api.accounts.sign_in(command))

    def _signed_in(self, signed_in: SignedIn) -> Plain:
        user = self._api.renderer.user_fields(signed_in.user)
        fields: dict[str, Any] = {"status": "success", "user": user}
        fields["api_dev_key"] = signed_in.secret
        if signed_in.waiting:
            fields["waiting_for_approval"] = True
        return json_response(fields, 201)

    async def sign_out(self, request: web.Request) -> web.Response:
        """DELETE /sessions/current."""
        await self._api.accounts.sign_out(await self._api.viewer_of_post(request))
        return web.Response(status=204)

    async def me(self, request: web.Request) -> Plain:
        """GET /users/me."""
        view = await self._api.accounts.me(self._api.viewer(request))
        return json_response(self._api.renderer.user_fields(view))

    async def edit(self, request: web.Request) -> Plain:
        """PATCH /users/me."""
        viewer, body = await self._api.viewer_and_body(request, ProfileBody)
        if body.password is not None:
            self._take_guess(request, viewer)
        await self._api.own_account.edit(viewer, body.command())
        view = await self._api.accounts.me(viewer)
        return json_response(self._api.renderer.user_fields(view))

    async def close(self, request: web.Request) -> web.Response:
        """DELETE /users/me."""
        viewer, body = await self._api.viewer_and_body(request, PasswordBody)
        self._take_guess(request, viewer)
        await self._api.own_account.close(viewer, body.password)
        return web.Response(status=204)

    def _take_guess(self, request: web.Request, viewer: Viewer) -> None:
        """Count a password like a sign-in: whoever found a key must not guess faster here."""
        self._api.gate.take_for_login(call_of(request), f"id {viewer.user_id}")

    async def keys(self, request: web.Request) -> Plain:
        """GET /keys."""
        keys = await self._api.accounts.keys(self._api.viewer(request))
        return json_response({"data": [key_fields(k) for k in keys], "next": None, "prev": None})

    async def create_key(self, request: web.Request) -> Plain:
        """POST /keys."""
        viewer, body = await self._api.viewer_and_body(request, KeyBody)
        key, secret = await self._api.accounts.create_key(viewer, body.command())
        fields = {"status": "success", "key": key_fields(key), "api_dev_key": secret}
        return json_response(fields, 201)

    async def revoke_key(self, request: web.Request) -> web.Response:
        """DELETE /keys/{key_id}."""
        viewer = await self._api.viewer_of_post(request)
        try:
            key_id = KeyId(parse_id(request.match_info["key_id"], "key_id"))
        except Invalid:
            raise NotFound("no such key") from None
        await self._api.accounts.revoke(viewer, key_id)
        return web.Response(status=204)
