"""How many connections there may be, and how long each may take; what is not HTTP.

aiohttp waits for a request's head and body as long as bytes trickle in, and takes as many
connections as there are files. A connection here is looked at once a tick, and closed when it is

- without a whole request line and headers for `head_timeout_s` since their first byte, or since it
  was opened (408),
- without a whole body for `body_timeout_s`, and longer by what has arrived (408),
- without any request for `idle_timeout_s` (silently: that is no mistake),
- not taking an answer for `send_timeout_s`.

A request whose body has arrived may take as long as it likes: streams live for hours.
One task looks at all of them: a timer for each would have to be set and cancelled with every
request. So a limit is exact to a tick.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from chirp.clock import Clock
from chirp.config import Server
from chirp.http.addresses import UNKNOWN, Addresses, holder_of
from chirp.http.calls import RequestIds
from chirp.http.errors import farewell, refuse_status, status_of_unparsed
from chirp.http.framing import BETWEEN, IN_HEAD, Framing, last_of_its_piece
from chirp.http.known_heads import KnownHeads
from chirp.metrics import Metrics
from chirp.tasks import TaskRunner

LONGEST_TICK_S = 1.0


class Connections:
    """All open connections: counts them, and closes those that take too long."""

    def __init__(
        self,
        limits: Server,
        addresses: Addresses,
        ids: RequestIds,
        clock: Clock,
        metrics: Metrics,
        heads: KnownHeads,
        tasks: TaskRunner,
    ) -> None:
        self.heads = heads
        self.tasks = tasks
        self.limits = limits
        self.ids = ids
        self.clock = clock
        self.metrics = metrics
        self._addresses = addresses
        self._open: dict[Connection, str | None] = {}
        self._by_address: Counter[str] = Counter()
        times_s = (limits.head_timeout_s, limits.body_timeout_s, limits.idle_timeout_s)
        self.tick_s = max(0.1, min(LONGEST_TICK_S, min(times_s, default=1.0) / 4))

    def admit(self, connection: Connection, peer: str) -> bool:
        """Count a connection from `peer`; when it is one too many, say False and count that."""
        limits = self.limits
        if len(self._open) >= limits.max_connections:
            self.metrics.connections_refused["server"] += 1
            return False
        holder = None if self._addresses.trusts(peer) else holder_of(peer)
        if holder is not None:
            if self._by_address[holder] >= limits.max_connections_per_address:
                self.metrics.connections_refused["address"] += 1
                return False
            self._by_address[holder] += 1
        self._open[connection] = holder
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that has ended; one that was refused is not known."""
        holder = self._open.pop(connection, None)
        if holder is not None:
            self._by_address[holder] -= 1
            if not self._by_address[holder]:
                del self._by_address[holder]

    async def watch(self) -> None:
        """Close what takes too long, for ever."""
        while True:
            await self.clock.sleep(self.tick_s)
            now_s = self.clock.monotonic_s()
            for connection in list(self._open):
                why = connection.overdue(now_s)
                if why is not None:
                    self.metrics.timeouts[why] += 1
                    connection.end(why)

    def stats(self) -> dict[str, int]:
        """Return how many connections are open, and from how many addresses."""
        return {"connections": len(self._open), "addresses": len(self._by_address)}

    def check(self) -> None:
        """Assert that the counts by address are those of what is open. O(connections)."""
        holders = Counter(holder for holder in self._open.values() if holder is not None)
        assert holders == self._by_address


_receive = web.RequestHandler.data_received
"""Found once: `super()` looks for it with every piece of every request."""


class Connection(web.RequestHandler):
    """One connection: aiohttp's, with times.

    It looks at what aiohttp's own class keeps for its subclasses: the request that is being
    handled, those that wait, whether reading is paused. tests/http/test_connections.py would tell
    of a release in which they are not there.
    """

    __slots__ = ("_all", "_behind", "_body_of", "_body_since_s", "_closing", "_counted", "_direct",
                 "_ended", "_framing", "_head_bytes", "_head_since_s", "_on_lost", "_owed",
                 "_quiet_since_s", "_stuck_since_s", "head")  # fmt: skip

    def __init__(self, server: web.Server, connections: Connections, **options: Any) -> None:
        super().__init__(server, **options)
        self._all = connections
        now_s = connections.clock.monotonic_s()
        # A new connection owes a request: it is given the time of a head.
        self._head_since_s: float | None = now_s
        self._head_bytes = 0
        self._quiet_since_s = now_s
        self._stuck_since_s: float | None = None
        self._body_of: web.BaseRequest | None = None
        self._body_since_s = now_s
        self._on_lost: Callable[[], None] | None = None
        self._framing = Framing()
        self._ended = False
        """Whether the client sends no more; what is owed is answered."""
        self.head = b""
        """The request that is being handled, as it came, if it came at once and alone."""
        self._direct: asyncio.Future[None] | None = None
        """Answers a request that came before; what comes meanwhile waits `_behind` it."""
        self._behind = b""
        self._owed = self._counted = 0
        """How many requests aiohttp has not answered. Its own `_waiter` says that late: a quick
        client asks again before aiohttp's task has had its turn."""
        self._closing = False

    # -- what the transport says ----------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Begin, unless this is a connection too many: then say so and close."""
        peer = transport.get_extra_info("peername")
        if self._all.admit(self, peer[0] if isinstance(peer, tuple) else UNKNOWN):
            super().connection_made(transport)
            return
        self._force_close = True
        transport.write(self._farewell(503))
        transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget what this connection was counted as."""
        self._all.leave(self)
        self._body_of = None
        if self._on_lost is not None:
            self._on_lost()
            self._on_lost = None
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Say whether to stay until what is owed is answered: the client sends no more.

        Streams end at once: it is the only sign that a client has left. So do TLS, which must, and
        whoever leaves out the rest of a body: its handler would wait for that.
        """
        transport, body = self.transport, self._framing.body
        stays = self._on_lost is None and (self._owed > 0 or self._direct is not None)
        plain = transport is not None and transport.get_extra_info("ssl_object") is None
        self._ended = stays and plain and (body is None or body.is_eof())
        return self._ended

    def _end_if_answered(self) -> None:
        if self._ended and self._owed <= 0 and self._direct is None and self.transport:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Pass on what arrives, and see whether a head is begun or whole."""
        if self._direct is not None:
            self._wait_behind(data)
            return
        if not data:
            # aiohttp itself asks its parser on: a body was read, or there is room for more.
            _receive(self, data)
            self._owe_more()
            return
        owed = self._owed or self._stuck_since_s is not None or self._force_close
        # When it closes, nothing more is begun: an answer would come too late.
        if owed or self._closing or self._framing.left != BETWEEN:
            self.head = b""
        elif self._is_answered(data):
            return
        _receive(self, data)
        self._note(data, self._count_new())

    def _count_new(self) -> int:
        """Return how many requests the parser has given since it was asked last."""
        grown, self._counted = self._request_count - self._counted, self._request_count
        return grown

    def _owe_more(self) -> None:
        """Note requests that the parser held: behind a body, or behind a declined upgrade."""
        if grown := self._count_new():
            self._owed += grown
            self._framing.lose(self._messages)

    def _note(self, data: bytes, grown: int) -> None:
        """Note how many requests a piece completed, and where it ended."""
        framing, new = self._framing, list(self._messages)[-grown:] if grown else []
        framing.follow(data, new)
        if new:
            self._messages[-1] = last_of_its_piece(*new[-1])
        if grown != 1 or framing.left != BETWEEN:
            self.head = b""
        if grown:
            self._owed += grown
            self._head_since_s, self._head_bytes = None, 0
            # With a full queue the parser stops: what it holds may be whole requests.
            if framing.behind and not self._buffer_paused:
                self._head_grows(framing.behind)
        elif framing.left == IN_HEAD or (self._waiter is not None and not self._owed):
            self._head_grows(len(data))

    async def finish_response(self, *given: Any) -> tuple[web.StreamResponse, bool]:
        """Send an answer, and note that one less is owed."""
        try:
            return await super().finish_response(*given)
        finally:
            self._owe_more()
            self._owed -= 1
            self.head = b""
            self._end_if_answered()

    def _is_answered(self, data: bytes) -> bool:
        """Answer a request that came before, byte for byte; False: aiohttp has to."""
        self.head = data
        answer = self._all.heads.answer(data)
        if answer is None:
            return False
        self._head_since_s, self._quiet_since_s = None, self._all.clock.monotonic_s()
        if isinstance(answer, bytes):
            assert self.transport is not None
            self.transport.write(answer)
        else:
            self._direct = asyncio.get_running_loop().create_future()
            self._all.tasks.run("answer", self._answer(answer, self._direct))
        return True

    async def _answer(self, work: Awaitable[bytes], done: asyncio.Future[None]) -> None:
        """Send an answer when it is there; then look at what has come meanwhile."""
        try:
            answer = await work
        except BaseException:
            self.force_close()
            raise
        finally:
            self._direct = None
            done.set_result(None)
        self._quiet_since_s = self._all.clock.monotonic_s()
        if self.transport is not None:
            self.transport.write(answer)
        behind, self._behind = self._behind, b""
        if self._closing:
            super().close()
        elif self.transport is not None:
            if len(behind) > self._all.limits.max_head_bytes:
                self.transport.resume_reading()
            if behind:
                self.data_received(behind)
        self._end_if_answered()

    def _wait_behind(self, data: bytes) -> None:
        """Keep what comes while an answer is under way; beyond a head's length, read no more."""
        self._behind += data
        if len(self._behind) > self._all.limits.max_head_bytes and self.transport is not None:
            self.transport.pause_reading()

    def close(self) -> None:
        """Close when what is under way is answered: the server stops."""
        self._closing = True
        if self._direct is None:
            super().close()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  (aiohttp's)
        """End this connection; what is under way has that long."""
        if self._direct is not None:
            await asyncio.wait({self._direct}, timeout=timeout)
        await super().shutdown(timeout)

    def _head_grows(self, size: int) -> None:
        if self._head_since_s is None:
            self._head_since_s = self._all.clock.monotonic_s()
        self._head_bytes += size
        if self._head_bytes > self._all.limits.max_head_bytes:
            if self._owed:
                self.force_close()  # what would be said now would pass for an answer to another
            else:
                self._refuse(431)

    def pause_writing(self) -> None:
        """Remember since when the client takes nothing."""
        self._stuck_since_s = self._all.clock.monotonic_s()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the client takes again."""
        self._stuck_since_s = None
        super().resume_writing()

    def when_lost(self, deed: Callable[[], None]) -> None:
        """Call `deed` when this connection ends: its handler would only notice when it writes."""
        self._on_lost = deed
        if self._ended and self.transport is not None:
            self.transport.close()

    # -- times ----------------------------------------------------------------------------

    def overdue(self, now_s: float) -> str | None:
        """Say what takes too long, if something does. Called once a tick."""
        limits = self._all.limits
        if self._stuck_since_s is not None:
            return "send" if now_s - self._stuck_since_s > limits.send_timeout_s else None
        if self._direct is not None:
            return None
        if self._current_request is not None:
            self._quiet_since_s = now_s
            return "body" if self._body_overdue(self._current_request, now_s) else None
        if self._messages or (self._waiter is None and self._request_count > 0):  # it lingers
            return None
        if self._head_since_s is not None:
            return "head" if now_s - self._head_since_s > limits.head_timeout_s else None
        return "idle" if now_s - self._quiet_since_s > limits.idle_timeout_s else None

    def _body_overdue(self, request: web.BaseRequest, now_s: float) -> bool:
        content = request.content
        if content.is_eof() or content.exception() is not None:
            return False
        if self._body_of is not request or self._reading_paused:
            # New, or it is us who do not read: the time begins anew.
            self._body_of, self._body_since_s = request, now_s
            return False
        more_s = content.total_bytes / max(1, self._all.limits.body_bytes_per_s)
        return now_s - self._body_since_s > self._all.limits.body_timeout_s + more_s

    def end(self, why: str) -> None:
        """Close, with an answer where one is due."""
        request = self._current_request
        if why == "body" and request is not None:
            # Whoever reads the body raises this: the pipeline answers, and aiohttp closes.
            request.content.set_exception(web.HTTPRequestTimeout())
        elif why == "head" and self._head_bytes:
            self._refuse(408)
        elif why == "send" and self.transport is not None:
            # What is buffered would be waited for, for ever.
            self.transport.abort()
        else:
            self.force_close()

    # -- what is no request ---------------------------------------------------------------

    def _farewell(self, status: int) -> bytes:
        """Return a whole answer, for where there is no request to answer."""
        self._all.metrics.requests["malformed", status] += 1
        return farewell(status, self._all.ids.fresh())

    def _refuse(self, status: int) -> None:
        if self.transport is not None and not self._force_close:
            self.transport.write(self._farewell(status))
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  (aiohttp's words, with what was sent)
    ) -> web.StreamResponse:
        """Answer what could not be parsed, in our words.

        aiohttp's own would log what was sent, and keys with it.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer was sent already")
        status = status_of_unparsed(exc) or status
        self._all.metrics.requests["malformed", status] += 1
        response = refuse_status(status, self._all.ids.fresh())
        response.force_close()
        return response
