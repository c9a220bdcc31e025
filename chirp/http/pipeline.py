"""What every request goes through: an id, the clock, limits, refusals as answers, the counters."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from chirp.clock import Clock
from chirp.errors import ChirpError, Invalid, Refusal, Unavailable
from chirp.http.access_log import AccessLog, logged_path
from chirp.http.body import MAX_BODY_BYTES
from chirp.http.calls import CALL, Call, Group, RequestIds
from chirp.http.errors import FAILED, told_of, told_of_http
from chirp.http.faces import JSON_FACE, Face
from chirp.http.gate import Gate
from chirp.metrics import Metrics

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RETRY_OVERLOAD_S = 1


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, and who answers. A GET answers HEAD too, unless it is a stream.

    `needs_key`: anonymous requests are refused. `group`: which rate limit it counts against;
    "by method": reads or writes; None: nobody is asked who they are, and nothing is counted: for
    what answers even when the server is overloaded. `stream`: it may last for hours, so it does
    not count as under way. `max_body_bytes`: a longer body is refused before it is read. `face`:
    how callers say who they are, and how they are told a refusal.
    """

    method: str
    path: str
    handler: Handler
    needs_key: bool = False
    group: Group | Literal["by method"] | None = "by method"
    stream: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    face: Face = JSON_FACE

    def limited_as(self) -> Group | None:
        """Return the rate limit that this route counts against."""
        if self.group == "by method":
            return "reads" if self.method in {"GET", "HEAD"} else "writes"
        return self.group


class Pipeline:
    """Wraps every handler, once, when routes are registered.

    Not as a middleware of aiohttp: each of those costs two coroutines a request (2 µs of 35).
    """

    def __init__(
        self,
        gate: Gate,
        ids: RequestIds,
        access_log: AccessLog | None,
        clock: Clock,
        metrics: Metrics,
        *,
        max_in_flight: int,
        unknown: Face = JSON_FACE,
    ) -> None:
        self._unknown = unknown
        self._gate = gate
        self._ids = ids
        self._access_log = access_log
        self._clock = clock
        self._metrics = metrics
        self._max_in_flight = max_in_flight
        self._resources: list[web.AbstractResource] = []

    def wrap(self, name: str, route: Route) -> Handler:
        """Return a handler with all that a request goes through; `name` is its metrics' label."""
        metrics, clock, gate = self._metrics, self._clock, self._gate
        counts, observe = metrics.requests, metrics.request_s[name].observe
        group, max_body_bytes = route.limited_as(), route.max_body_bytes
        access_log, weight, handler = self._access_log, int(not route.stream), route.handler
        ids, face, key_of = self._ids, route.face, route.face.key_of

        async def run(request: web.Request) -> web.StreamResponse:
            started_s = clock.monotonic_s()
            request_id = ids.of(request) if ids.may_be_given else ids.fresh()
            call = request[CALL] = Call(request_id, group, max_body_bytes)
            metrics.in_flight += weight
            try:
                if group is not None:
                    self._refuse_overload()
                    key = gate.enter(request, call, key_of, started_s)
                    if key is not None:
                        await face.let_in(gate, request, call, key)
                if request.can_read_body:
                    call.refuse_long(request)
                response = await handler(request)
            except (ChirpError, web.HTTPException) as error:
                response = self._refused(error, request, call, face)
            except ConnectionError:
                # The client has left; nobody reads what is answered.
                response = self._refused(Invalid("the connection was lost"), request, call, face)
            except Exception as error:  # noqa: BLE001  (the top: logged once, told without a trace)
                self._log_failure(request, error, call)
                response = face.refused(request, call, FAILED)
            finally:
                metrics.in_flight -= weight
            call.sign(response, clock.now_ms())
            counts[name, response.status] += 1
            took_s = clock.monotonic_s() - started_s
            observe(took_s)
            if access_log is not None:
                access_log.write(request, response, call, took_s)
            return response

        return run

    def _refuse_overload(self) -> None:
        if self._metrics.in_flight > self._max_in_flight:
            self._metrics.overload_refused += 1
            raise Unavailable("too much at once", retry_after_s=RETRY_OVERLOAD_S)

    def add_routes(self, app: web.Application, routes: Iterable[Route]) -> None:
        """Register routes, each wrapped, and what answers where there is none."""
        for route in routes:
            handler = self.wrap(route.path, route)
            # The method that is asked for most comes first: aiohttp tries them in this order.
            twice = route.method == "GET" and not route.stream
            for method in ("GET", "HEAD") if twice else (route.method,):
                app.router.add_route(method, route.path, handler, expect_handler=_continue)
        self._resources = list(app.router.resources())
        nowhere = Route("*", "", self._no_route, group="reads", face=self._unknown)
        unknown = self.wrap("unknown", nowhere)
        anything = _Anything("/")
        app.router.register_resource(anything)
        anything.add_route("*", unknown, expect_handler=_continue)

    async def _no_route(self, request: web.Request) -> web.StreamResponse:
        """Answer 405 where another method has a route, else 404."""
        allowed: set[str] = set()
        for resource in self._resources:
            _, methods = await resource.resolve(request)
            allowed |= methods
        if allowed:
            raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
        raise web.HTTPNotFound

    def _refused(
        self,
        error: ChirpError | web.HTTPException,
        request: web.Request,
        call: Call,
        face: Face,
    ) -> web.StreamResponse:
        if isinstance(error, web.HTTPException):
            if error.status < 400:
                return error
            return face.refused(request, call, told_of_http(error))
        if not isinstance(error, Refusal):
            log.error("request %s: %s", call.request_id, error, exc_info=error)
        return face.refused(request, call, told_of(error))

    def _log_failure(self, request: web.Request, error: Exception, call: Call) -> None:
        words = "request %s failed: %s %s"
        log.error(words, call.request_id, request.method, logged_path(request), exc_info=error)


class _Anything(web.PlainResource):
    """Matches whatever no other resource does, also what is no path: `*`, `host:port`."""

    def _match(self, _path: str) -> dict[str, str]:
        return {}


async def _continue(request: web.Request) -> None:
    """Ask for the body of a client that waits to be asked; pass over what else it expects.

    aiohttp's own answer to another expectation would not be in our words; RFC 9110 allows to
    ignore it.
    """
    if request.version >= (1, 1) and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What was sent is not part of the answer.
        request.writer.output_size = 0
