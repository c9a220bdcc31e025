"""What every request goes through: an id, the clock, limits, refusals as answers, the counters."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast

from aiohttp import HttpVersion11, web

from chirp.clock import Clock
from chirp.errors import ChirpError, Invalid, RateLimited, Refusal, Unavailable
from chirp.http.access_log import AccessLog, logged_path
from chirp.http.body import MAX_BODY_BYTES
from chirp.http.calls import CALL, Call, Group, RequestIds
from chirp.http.errors import FAILED, tell_json, told_of, told_of_http
from chirp.http.faces import JSON_FACE, Face
from chirp.http.gate import Gate
from chirp.http.known_heads import (
    Again,
    Kept,
    Known,
    KnownHeads,
    kept_of,
    packed,
)
from chirp.http.plain import Plain
from chirp.http.refusal_log import RefusalLog
from chirp.metrics import Metrics
from chirp.tasks import Resumed

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answerer = Callable[[web.Request], Awaitable["web.StreamResponse | Plain"]]
"""What a front end answers a route with."""

Count = Callable[[int, float], float]

RETRY_OVERLOAD_S = 1

_SUCCESS = {200, 201}

_LOST = Invalid("the connection was lost")
"""The client has left: nobody reads what is answered."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, and who answers. A GET answers HEAD too, unless it is a stream.

    `needs_key`: anonymous requests are refused. `group`: which rate limit it counts against;
    "by method": reads or writes; None: nobody is asked who they are, and nothing is counted: for
    what answers even when the server is overloaded. `stream`: it may last for hours, so it does
    not count as under way. `max_body_bytes`: a longer body is refused before it is read. `face`:
    how callers say who they are, and how they are told a refusal. `repeatable`: of a GET that
    reads alone and answers with bytes, or of another method whose answer is Plain: the same head
    need not be parsed twice (known_heads).
    """

    method: str
    path: str
    handler: Answerer
    needs_key: bool = False
    group: Group | Literal["by method"] | None = "by method"
    stream: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    face: Face = JSON_FACE
    repeatable: bool = False

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
        heads: KnownHeads,
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
        self._heads = heads
        self._max_in_flight = max_in_flight
        self._refusals = RefusalLog(clock)
        self._resources: list[web.AbstractResource] = []

    def wrap(self, name: str, route: Route) -> Handler:
        """Return a handler with all that a request goes through; `name` is its metrics' label."""
        clock, ids = self._clock, self._ids
        group, max_body_bytes = route.limited_as(), route.max_body_bytes
        count, access_log = self._counter(name), self._access_log
        again = self._repeater(route, count) if self._may_repeat(route) else None

        async def run(request: web.Request) -> web.StreamResponse:
            started_s = clock.monotonic_s()
            request_id = ids.of(request) if ids.may_be_given else ids.fresh()
            call = request[CALL] = Call(request_id, group, max_body_bytes)
            work = self._answered(route, request, call, started_s)
            answer = await self._tried(work, route, request, call)
            response = answer.response() if isinstance(answer, Plain) else answer
            call.sign(response, clock.now_ms())
            took_s = count(response.status, started_s)
            if access_log is not None:
                access_log.write(request, response, call, took_s)
            if again is not None:
                self._learn(route, request, call, response.status, again)
            return response

        return run

    def _learn(
        self, route: Route, request: web.Request, call: Call, status: int, again: Again
    ) -> None:
        """Remember the head of a request that succeeded, if its key stands there."""
        viewer = call.viewer
        if viewer is None or status not in _SUCCESS or request.method != route.method:
            return
        # A key in a body may be another one the next time.
        key = route.face.key_of(request)
        if key is not None:
            data = getattr(request.protocol, "head", b"")
            self._heads.learn(data, request, key, viewer.key_digest, again)

    async def _tried(
        self,
        work: Awaitable[web.StreamResponse | Plain],
        route: Route,
        request: web.Request,
        call: Call,
    ) -> web.StreamResponse | Plain:
        """Return what a handler answers, or the refusal, whatever fails. Raises nothing of ours."""
        weight = int(not route.stream)
        self._metrics.in_flight += weight
        try:
            return await work
        except Exception as error:  # noqa: BLE001  (the top: logged once, told without a trace)
            told = await self._recalled(error, request, call, route.face)
            _cut_where_begun(request)
            return told
        finally:
            self._metrics.in_flight -= weight

    async def _recalled(
        self, error: Exception, request: web.Request, call: Call, face: Face
    ) -> web.StreamResponse:
        """Return how an error is told to whoever asked, as far as that is known."""
        try:
            # Who asks too much, or in an overload, costs no read beside.
            if not isinstance(error, RateLimited | Unavailable):
                await face.recall(request)
        except Exception as mistake:  # noqa: BLE001  (as below)
            return self._failed(mistake, request, call)
        return self._told(error, request, call, face)

    async def _answered(
        self, route: Route, request: web.Request, call: Call, started_s: float
    ) -> web.StreamResponse | Plain:
        if request.version > HttpVersion11:
            raise web.HTTPVersionNotSupported
        if call.group is not None:
            key = self._enter(request, call, route.face, started_s)
            if key is not None:
                await route.face.let_in(self._gate, request, call, key)
        if request.can_read_body:
            call.refuse_long(request)
        return await route.handler(request)

    def _counter(self, name: str) -> Count:
        """Return what counts each answer of one route."""
        clock, counts = self._clock, self._metrics.requests
        observe = self._metrics.request_s[name].observe

        def count(status: int, started_s: float) -> float:
            took_s = clock.monotonic_s() - started_s
            counts[name, status] += 1
            observe(took_s)
            return took_s

        return count

    def _may_repeat(self, route: Route) -> bool:
        """Say whether what answers a head may answer it again: no log or proxy asks who came."""
        return route.repeatable and self._access_log is None and not self._ids.may_be_given

    def _repeater(self, route: Route, count: Count) -> Again:
        """Return what answers a request that came before."""
        ids, clock, face, handler = self._ids, self._clock, route.face, route.handler
        group, max_body_bytes = route.limited_as(), route.max_body_bytes
        reenter = self._gate.reenter

        def again(known: Known, body: bytes) -> bytes | Awaitable[bytes] | None:
            started_s = clock.monotonic_s()
            kept = known.kept()
            call = Call(ids.fresh(), group, max_body_bytes)
            answer: web.StreamResponse | Plain
            request = known.fresh(body) if body else known.request
            try:
                self._refuse_overload()
                if len(body) > max_body_bytes or not reenter(known.digest, call, started_s):
                    return None
                if kept is not None and kept.stands():
                    count(kept.status, started_s)
                    return packed(kept, call.signature(clock.now_ms()))
                request[CALL] = call
                work = cast("Coroutine[Any, Any, web.StreamResponse | Plain]", handler(request))
                waits_for = work.send(None)
            except StopIteration as done:
                answer = done.value
            except Exception as error:  # noqa: BLE001  (as in `_tried`)
                answer, call.made_of = self._told(error, request, call, face), None
            else:
                if request is known.request:
                    known.request = known.fresh()
                rest = Resumed(work, waits_for)
                return self._finished(rest, route, request, call, started_s, count)
            kept = self._kept_of(answer, request, call, face)
            if call.made_of is not None and kept.status in _SUCCESS:
                known.keep(kept, call.made_of)
            count(kept.status, started_s)
            return packed(kept, call.signature(clock.now_ms()))

        return again

    async def _finished(
        self,
        rest: Resumed[web.StreamResponse | Plain],
        route: Route,
        request: web.Request,
        call: Call,
        started_s: float,
        count: Count,
    ) -> bytes:
        """Return the whole answer of a handler that had to wait."""
        answer = await self._tried(rest, route, request, call)
        kept = self._kept_of(answer, request, call, route.face)
        count(kept.status, started_s)
        return packed(kept, call.signature(self._clock.now_ms()))

    def _kept_of(
        self, answer: web.StreamResponse | Plain, request: web.Request, call: Call, face: Face
    ) -> Kept:
        """Return an answer as it is sent; where it cannot be, the failure."""
        try:
            return kept_of(answer)
        except (TypeError, ValueError) as error:
            return kept_of(self._told(error, request, call, face))

    def _enter(self, request: web.Request, call: Call, face: Face, now_s: float) -> str | None:
        self._refuse_overload()
        return self._gate.enter(request, call, face.key_of, now_s)

    def _told(
        self, error: Exception, request: web.Request, call: Call, face: Face
    ) -> web.StreamResponse:
        """Return how an error is told, and log it if it is not the caller's. Raises nothing."""
        try:
            response = self._refused(error, request, call, face)
        except Exception as mistake:  # noqa: BLE001  (`error` is its context: logged with it)
            return self._failed(mistake, request, call)
        is_callers = isinstance(error, Refusal | web.HTTPException | ConnectionError)
        if not is_callers and not self._refusals.write(error, call.request_id):
            self._log_failure(error, request, call)
        return response

    def _failed(self, mistake: Exception, request: web.Request, call: Call) -> web.StreamResponse:
        """Answer in a face's place that has failed itself."""
        self._log_failure(mistake, request, call)
        return tell_json(FAILED, call.request_id)

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
        self, error: Exception, request: web.Request, call: Call, face: Face
    ) -> web.StreamResponse:
        if isinstance(error, web.HTTPException):
            return error if error.status < 400 else face.refused(request, call, told_of_http(error))
        if isinstance(error, ConnectionError):
            error = _LOST
        told = told_of(error) if isinstance(error, ChirpError) else FAILED
        return face.refused(request, call, told)

    def _log_failure(self, error: Exception, request: web.Request, call: Call) -> None:
        words = "request %s failed: %s %s"
        log.error(words, call.request_id, request.method, logged_path(request), exc_info=error)


class _Anything(web.PlainResource):
    """Matches whatever no other resource does, also what is no path: `*`, `host:port`."""

    def _match(self, _path: str) -> dict[str, str]:
        return {}


def _cut_where_begun(request: web.Request) -> None:
    """End the connection where a part of another answer is out: a refusal would pass for its rest.

    The caller sees that the answer is not whole, and nothing of it stays in a cache.
    """
    if request.transport is not None and request.writer.output_size:
        request.transport.abort()


async def _continue(request: web.Request) -> None:
    """Ask for the body of a client that waits to be asked; pass over what else it expects.

    aiohttp's own answer to another expectation would not be in our words; RFC 9110 allows to
    ignore it.
    """
    if request.version >= (1, 1) and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What was sent is not part of the answer.
        request.writer.output_size = 0
