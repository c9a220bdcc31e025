"""Settings: the profile, e-mail and password, keys and sessions, one's data, the end of it all."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from chirp.commands import CreateKey, EditProfile
from chirp.errors import Invalid, NotFound, Refusal
from chirp.http.calls import call_of
from chirp.http.paging import parse_id
from chirp.model import KeyId, MediaId, MediaKind, User
from chirp.views import Viewer
from chirp.web.face import redirect
from chirp.web.forms import Received, Receiver
from chirp.web.pages import HEADERS
from chirp.web.site import Form, Site

TABS = ("profile", "account", "keys", "export", "delete")
_PICTURES = {"avatar": 1, "header": 1}
_NO_CODE = "attachment; filename=chirp-export.json"


class AccountForm(Form):
    """The form at /settings/account."""

    email: str = ""
    new_password: str = ""
    password: str = ""


class KeyForm(Form):
    """The form that makes a developer key."""

    name: str = ""


class DeleteForm(Form):
    """The form at /settings/delete."""

    password: str = ""


class SettingsPages:
    """/settings and what is below it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def _page(
        self, request: web.Request, tab: str, problem: str = "", **values: Any
    ) -> web.Response:
        where = [(name, "/settings" + ("" if name == "profile" else f"/{name}")) for name in TABS]
        told = request.query.get("done", "")
        done = told if told in {"saved", "revoked"} and not problem else ""
        return await self._site.page(
            request,
            f"settings_{tab}.html",
            tab=tab,
            tabs=where,
            done=done,
            problem=problem,
            **values,
        )

    # -- the profile --------------------------------------------------------------------

    async def profile(self, request: web.Request) -> web.Response:
        """GET /settings."""
        user = await self._site.services.profiles.own(self._site.viewer(request))
        values = {"name": user.name, "bio": user.bio, "location": user.location}
        return await self._page(request, "profile", user=user, values=values)

    async def save_profile(self, request: web.Request) -> web.Response:
        """POST /settings: a form with pictures."""
        viewer = self._site.viewer(request)
        received = await Receiver(self._site, request, viewer, _PICTURES).read()

        async def save() -> web.Response:
            bio = received.given("bio")
            command = EditProfile(
                received.given("name"),
                None if bio is None else " ".join(bio.splitlines()),
                received.given("location"),
                avatar_id=self._picture(received, "avatar"),
                header_id=self._picture(received, "header"),
            )
            await self._site.services.own_account.edit(viewer, command)
            return redirect(request, "/settings?done=saved")

        async def again(error: Refusal) -> web.Response:
            user = await self._site.services.profiles.own(viewer)
            values = {
                name: getattr(user, name) if (said := received.given(name)) is None else said
                for name in ("name", "bio", "location")
            }
            return await self._page(
                request, "profile", self._site.said(error), user=user, values=values
            )

        return await self._site.tried(save(), again)

    @staticmethod
    def _picture(received: Received, name: str) -> MediaId | None:
        """Return the photo that was sent; 0: none shall be shown; None: as it is.

        Raises: Invalid: it is a video, which would have to be waited for.
        """
        if received.text(f"no_{name}"):
            return MediaId(0)
        file = received.file(name)
        if file is None:
            return None
        if file.kind is not MediaKind.PHOTO:
            raise Invalid("a profile shows photos alone", field=name)
        return file.media_id

    # -- e-mail and password ------------------------------------------------------------

    async def account(self, request: web.Request) -> web.Response:
        """GET /settings/account."""
        return await self._account(request)

    async def _account(self, request: web.Request, problem: str = "") -> web.Response:
        view = await self._site.services.accounts.me(self._site.viewer(request))
        email = "" if view.own is None else view.own.email
        return await self._page(request, "account", problem, email=email)

    async def save_account(self, request: web.Request) -> web.Response:
        """POST /settings/account."""
        viewer, form = self._site.viewer(request), await self._site.form(request, AccountForm)

        async def save() -> web.Response:
            call = call_of(request)
            self._site.gate.take_for_login(call, (await self._me(viewer)).username)
            command = EditProfile(
                email=form.email.strip() or None,
                new_password=form.new_password or None,
                password=form.password,
            )
            await self._site.services.own_account.edit(viewer, command)
            return redirect(request, "/settings/account?done=saved")

        async def again(error: Refusal) -> web.Response:
            return await self._account(request, self._site.said(error))

        return await self._site.tried(save(), again)

    async def _me(self, viewer: Viewer) -> User:
        return await self._site.services.profiles.own(viewer)

    # -- keys and sessions --------------------------------------------------------------

    async def keys(self, request: web.Request) -> web.Response:
        """GET /settings/keys."""
        return await self._keys(request)

    async def _keys(
        self, request: web.Request, problem: str = "", secret: str = ""
    ) -> web.Response:
        viewer = self._site.viewer(request)
        keys = await self._site.services.accounts.keys(viewer)
        keys.sort(key=lambda key: -(key.last_used or key.created_at))
        sessions = [key for key in keys if key.is_session]
        return await self._page(
            request,
            "keys",
            problem,
            secret=secret,
            keys=[key for key in keys if not key.is_session],
            sessions=[(key, key.digest == viewer.key_digest) for key in sessions],
        )

    async def create_key(self, request: web.Request) -> web.Response:
        """POST /settings/keys: the one answer that shows the new key."""
        viewer, form = self._site.viewer(request), await self._site.form(request, KeyForm)

        async def create() -> web.Response:
            accounts = self._site.services.accounts
            _, secret = await accounts.create_key(viewer, CreateKey(form.name))
            response = await self._keys(request, secret=secret)
            response.headers["Cache-Control"] = "no-store"
            return response

        async def again(error: Refusal) -> web.Response:
            return await self._keys(request, self._site.said(error))

        return await self._site.tried(create(), again)

    async def revoke_key(self, request: web.Request) -> web.Response:
        """POST /settings/keys/{id}/revoke."""
        viewer = self._site.viewer(request)
        await self._site.form(request, Form)
        try:
            key_id = KeyId(parse_id(request.match_info["id"], "id"))
        except Invalid:
            raise NotFound("no such key") from None
        await self._site.services.accounts.revoke(viewer, key_id)
        return redirect(request, "/settings/keys?done=revoked")

    # -- one's data, and the end --------------------------------------------------------

    async def export(self, request: web.Request) -> web.StreamResponse:
        """GET /settings/export: the page, and with `?file=1` the file."""
        viewer = self._site.viewer(request)
        if "file" not in request.query:
            return await self._page(request, "export")
        headers = {**HEADERS, "Content-Type": "application/json; charset=utf-8"}
        headers |= {"Content-Disposition": _NO_CODE, "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        call_of(request).sign(response, self._site.clock.now_ms())
        await response.prepare(request)
        async for part in self._site.services.export.export(viewer):
            await response.write(part)
        return response

    async def delete(self, request: web.Request) -> web.Response:
        """GET /settings/delete."""
        self._site.viewer(request)
        return await self._page(request, "delete")

    async def delete_account(self, request: web.Request) -> web.Response:
        """POST /settings/delete."""
        viewer, form = self._site.viewer(request), await self._site.form(request, DeleteForm)

        async def close() -> web.Response:
            self._site.gate.take_for_login(call_of(request), (await self._me(viewer)).username)
            await self._site.services.own_account.close(viewer, form.password)
            response = redirect(request, "/")
            self._site.cookies.end_session(response)
            return response

        async def again(error: Refusal) -> web.Response:
            return await self._page(request, "delete", self._site.said(error))

        return await self._site.tried(close(), again)
