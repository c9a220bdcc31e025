"""What every request goes through: an id, the clock, refusals as answers, the counters."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from itertools import count
from secrets import token_hex

from aiohttp import web
from aiohttp.typedefs import Middleware

from chirp.clock import Clock
from chirp.errors import ChirpError, Refusal
from chirp.http.errors import error_response, refuse, refuse_http
from chirp.metrics import Metrics

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pipeline:
    """Wraps every handler. One layer: each costs a coroutine on the hottest path."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._boot = token_hex(4)
        self._numbers = count(1)

    def middleware(self) -> Middleware:
        """Return the one middleware of the application."""

        @web.middleware
        async def run(request: web.Request, handler: Handler) -> web.StreamResponse:
            started_s = self._clock.monotonic_s()
            try:
                response = await handler(request)
            except (ChirpError, web.HTTPException) as error:
                response = self._refused(error)
            except Exception as error:  # noqa: BLE001  (the top: logged once, told without a trace)
                response = self._failed(request, error)
            resource = request.match_info.route.resource
            name = "unknown" if resource is None else resource.canonical
            self._metrics.requests[name, response.status] += 1
            self._metrics.request_s[name].observe(self._clock.monotonic_s() - started_s)
            return response

        return run

    def _request_id(self) -> str:
        return f"{self._boot}-{next(self._numbers)}"

    def _refused(self, error: ChirpError | web.HTTPException) -> web.StreamResponse:
        request_id = self._request_id()
        if isinstance(error, web.HTTPException):
            return refuse_http(error, request_id) if error.status >= 400 else error
        if not isinstance(error, Refusal):
            log.error("request %s: %s", request_id, error, exc_info=error)
        return refuse(error, request_id)

    def _failed(self, request: web.Request, error: Exception) -> web.Response:
        request_id = self._request_id()
        words = "request %s failed: %s %s"
        log.error(words, request_id, request.method, request.path, exc_info=error)
        message = "the server made a mistake; it is logged"
        return error_response(500, "internal", message, request_id)
