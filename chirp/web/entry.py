"""Signing up, in and out, and the theme: what works without an account."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from chirp.commands import Register, SignIn
from chirp.errors import Refusal, Unauthorized
from chirp.http.auth import find_viewer
from chirp.http.calls import call_of
from chirp.views import SignedIn
from chirp.web.cookies import THEMES
from chirp.web.face import came_from, known, redirect, safe_path
from chirp.web.site import Form, Site


class SignInForm(Form):
    """The form at /sign-in."""

    login: str = ""
    password: str = ""
    next: str = "/"


class SignUpForm(Form):
    """The form at /sign-up."""

    username: str = ""
    name: str = ""
    email: str = ""
    password: str = ""
    invite: str = ""

    def command(self) -> Register:
        """Return the command. Raises: Invalid."""
        return Register(
            self.username,
            self.name,
            self.email,
            self.password,
            invite=self.invite or None,
        )


class ThemeForm(Form):
    """The switch of the theme."""

    theme: str = "system"


class Entry:
    """/sign-in, /sign-up, /sign-out and /theme."""

    def __init__(self, site: Site) -> None:
        self._site = site

    # -- signing in ---------------------------------------------------------------------

    async def sign_in_page(self, request: web.Request) -> web.Response:
        """GET /sign-in."""
        if known(request):
            return redirect(request, "/")
        return await self._sign_in_page(request, SignInForm(next=request.query.get("next", "/")))

    async def _sign_in_page(
        self, request: web.Request, values: SignInForm, problem: str = ""
    ) -> web.Response:
        where = safe_path(values.next, "/")
        return await self._site.page(
            request, "sign_in.html", values=values, next=where, problem=problem
        )

    async def sign_in(self, request: web.Request) -> web.Response:
        """POST /sign-in."""
        form = await self._site.form(request, SignInForm)

        async def again(error: Refusal) -> web.Response:
            wrong = isinstance(error, Unauthorized)
            problem = self._site.words("sign_in.wrong") if wrong else self._site.said(error)
            return await self._sign_in_page(request, form, problem)

        return await self._site.tried(self._sign_in(request, form), again)

    async def _sign_in(self, request: web.Request, form: SignInForm) -> web.Response:
        command = SignIn(form.login.strip(), form.password)
        self._site.gate.take_for_login(call_of(request), command.login)
        signed_in = await self._site.services.accounts.sign_in(command)
        return await self._begin(request, signed_in, safe_path(form.next, "/"))

    async def _begin(self, request: web.Request, signed_in: SignedIn, where: str) -> web.Response:
        """Begin a session: always a new one, and the old one ends."""
        response = redirect(request, where)
        before = self._site.cookies.session(request)
        if before is not None:
            await self._site.services.accounts.end_session(before)
        self._site.cookies.set_session(response, signed_in.secret)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """POST /sign-out."""
        await self._site.form(request, Form)
        viewer = find_viewer(request)
        if viewer is not None:
            await self._site.services.accounts.sign_out(viewer)
        response = redirect(request, "/")
        self._site.cookies.end_session(response)
        # Nothing that was shown to the one who leaves stays in the browser.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    # -- signing up ---------------------------------------------------------------------

    async def sign_up_page(self, request: web.Request) -> web.Response:
        """GET /sign-up."""
        if known(request):
            return redirect(request, "/")
        return await self._sign_up_page(request, SignUpForm(invite=request.query.get("invite", "")))

    async def _sign_up_page(
        self, request: web.Request, values: SignUpForm, problem: str = "", wrong: str = ""
    ) -> web.Response:
        about: dict[str, Any] = {"values": values, "problem": problem, "wrong": wrong}
        rule = self._site.registration.value
        return await self._site.page(request, "sign_up.html", rule=rule, **about)

    async def sign_up(self, request: web.Request) -> web.Response:
        """POST /sign-up."""
        form = await self._site.form(request, SignUpForm)

        async def again(error: Refusal) -> web.Response:
            return await self._sign_up_page(
                request, form, self._site.said(error), error.field or ""
            )

        return await self._site.tried(self._sign_up(request, form), again)

    async def _sign_up(self, request: web.Request, form: SignUpForm) -> web.Response:
        signed_in = await self._site.services.registrations.register(form.command())
        if signed_in.waiting:
            return await self._site.page(request, "waiting.html")
        return await self._begin(request, signed_in, "/")

    # -- the theme ----------------------------------------------------------------------

    async def theme(self, request: web.Request) -> web.Response:
        """POST /theme."""
        form = await self._site.form(request, ThemeForm)
        response = redirect(request, came_from(request, "/"))
        self._site.cookies.set_theme(response, form.theme if form.theme in THEMES else "system")
        return response
