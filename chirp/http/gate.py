"""Who may come in: the key in the headers or the body, and the limits of whoever it is.

A request with a right key counts against its key and its account. Without one it counts against
its address, and so does one with a wrong key. A key in a body is known only when that is read:
until then the request counts against its address, and that is given back.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from chirp.clock import Clock
from chirp.errors import RateLimited, Refusal
from chirp.http.addresses import Addresses, holder_of
from chirp.http.calls import Call, Group
from chirp.http.limits import Buckets, Limiter
from chirp.metrics import Metrics
from chirp.services.accounts import Accounts
from chirp.views import Viewer

_BEFORE: dict[str | None, str] = {
    "registrations": "registrations",
    "sign_ins": "address_sign_ins",
}
"""Groups whose callers have no key yet, and what their addresses are counted as."""


class Gate:
    """Finds out who asks, and counts it."""

    def __init__(
        self,
        accounts: Accounts,
        limiter: Limiter,
        addresses: Addresses,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._accounts = accounts
        self._limiter = limiter
        self._addresses = addresses
        self._clock = clock
        self._metrics = metrics

    def enter(
        self,
        request: web.Request,
        call: Call,
        key_of: Callable[[web.Request], str | None],
        now_s: float,
    ) -> str | None:
        """Let in who is known already; return a key that is not, for `authenticate`.

        Raises: RateLimited, and what `key_of` raises where a request holds no key.
        """
        before = _BEFORE.get(call.group)
        if before is not None:
            self._take_for_address(before, request, call, now_s)
            return None
        key = key_of(request)
        if key is None:
            self._take_for_address("anonymous", request, call, now_s)
            return None
        viewer = self._accounts.find_viewer(key)
        if viewer is None:
            return key
        self._take_for_viewer(viewer, call, now_s)
        return None

    def reenter(self, digest: bytes, call: Call, now_s: float) -> bool:
        """Let in the owner of a key that was let in before; False: it is not known any more.

        Raises: RateLimited.
        """
        viewer = self._accounts.find_viewer_of(digest)
        if viewer is None:
            return False
        self._take_for_viewer(viewer, call, now_s)
        return True

    async def authenticate(self, request: web.Request, call: Call, key: str) -> None:
        """Let in the owner of a key. Raises: Unauthorized, Forbidden, RateLimited."""
        try:
            viewer = self._accounts.find_viewer(key) or await self._accounts.authenticate(key)
        except Refusal:
            if call.buckets is None:
                self._take_for_address("anonymous", request, call, self._clock.monotonic_s())
            raise
        self._give_back(request, call)
        self._take_for_viewer(viewer, call, self._clock.monotonic_s())

    def take_for_login(self, call: Call, login: str) -> None:
        """Count a sign-in against the account that it names. Raises: RateLimited."""
        buckets = self._limiter.of("sign_ins")
        if buckets is not None:
            self._take(buckets, login.strip().casefold()[:256], call, self._clock.monotonic_s())

    def take_for_upload(self, call: Call) -> None:
        """Count a file that is part of a form as an upload, unless the form itself counts as one.

        Raises: RateLimited.
        """
        if call.viewer is not None and call.group != "uploads":
            self._take_of_viewer(call.viewer, "uploads", call, self._clock.monotonic_s())

    def _take_for_viewer(self, viewer: Viewer, call: Call, now_s: float) -> None:
        call.viewer = viewer
        if call.group is not None:
            self._take_of_viewer(viewer, call.group, call, now_s)

    def _take_of_viewer(self, viewer: Viewer, group: Group, call: Call, now_s: float) -> None:
        by_key = self._limiter.of_keys(group)
        if by_key is not None:
            self._take(by_key, viewer.key_digest, call, now_s)
        by_account = self._limiter.of(group)
        if by_account is not None:
            self._take(by_account, viewer.user_id, call, now_s)

    def _take_for_address(self, group: str, request: web.Request, call: Call, now_s: float) -> None:
        buckets = self._limiter.of(group)
        if buckets is not None:
            self._take(buckets, holder_of(self._addresses.of(request)), call, now_s)

    def _give_back(self, request: web.Request, call: Call) -> None:
        if call.buckets is not None:
            call.buckets.give_back(holder_of(self._addresses.of(request)))
            call.buckets = None

    def _take(self, buckets: Buckets, holder: str | int | bytes, call: Call, now_s: float) -> None:
        try:
            full_in_s = buckets.take(holder, now_s)
        except RateLimited:
            self._metrics.rate_limited[buckets.group] += 1
            call.count_against(buckets, buckets.rate.window_s)
            raise
        call.count_against(buckets, full_in_s)
