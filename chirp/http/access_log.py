"""One line a request, for people or for programs, without anything that is secret.

What a line never holds: headers, bodies, the query, keys. A key that somebody put into a path by
mistake is blotted out.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime

import orjson
from aiohttp import web

from chirp.clock import Clock
from chirp.http.addresses import Addresses
from chirp.http.calls import Call
from chirp.services.secrets import SECRET_PREFIX

log = logging.getLogger("chirp.access")

_MOST_PATH = 512
_KEY = re.compile(SECRET_PREFIX + r"[A-Za-z0-9_%-]+")


def logged_path(request: web.BaseRequest) -> str:
    """Return a path as a log may hold it: still encoded, so on one line, and without keys."""
    path = request.rel_url.raw_path[:_MOST_PATH]
    return _KEY.sub(SECRET_PREFIX + "***", path) if SECRET_PREFIX in path else path


class AccessLog:
    """Writes the lines, to the logger `chirp.access`."""

    def __init__(self, addresses: Addresses, clock: Clock, *, as_json: bool) -> None:
        self._as_json = as_json
        self._addresses = addresses
        self._clock = clock

    def write(
        self, request: web.BaseRequest, response: web.StreamResponse, call: Call, took_s: float
    ) -> None:
        """Write a request's line; `took_s` does not hold the time to send the answer."""
        moment = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        fields: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "address": self._addresses.of(request),
            "method": request.method,
            "path": logged_path(request),
            "status": response.status,
            "bytes": response.content_length or 0,
            "ms": round(took_s * 1000, 2),
            "request_id": call.request_id,
            "user_id": None if call.viewer is None else str(call.viewer.user_id),
        }
        if self._as_json:
            log.info("%s", orjson.dumps(fields).decode())
        else:
            log.info("%s", " ".join("-" if v is None else str(v) for v in fields.values()))


def to_stderr() -> None:
    """Send the lines to standard error as they are: each has its own time."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
