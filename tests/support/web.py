"""A client of the native API that checks, of every answer, what every answer must be."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestClient
from multidict import CIMultiDictProxy
from yarl import URL

from chirp.http.listening import Runner
from chirp.views import Viewer
from tests.support.driver import PASSWORD, Driver

BASE = "/api/v1"
ERRORS = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media",
    422: "unprocessable",
    429: "rate_limited",
    500: "internal",
    503: "unavailable",
}


class Answer(NamedTuple):
    """A status, headers, and the body: parsed where it is JSON."""

    status: int
    headers: CIMultiDictProxy[str]
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)

    def refused(self, status: int, field: str | None = None) -> dict[str, str]:
        """Assert that this is a refusal with the body that every refusal has; return it."""
        assert self.status == status, self.raw
        assert self.headers["Content-Type"] == "application/json; charset=utf-8"
        body: dict[str, str] = self.json
        wanted = {"status", "error", "message", "request_id"} | ({"field"} & set(body))
        assert set(body) == wanted
        assert (body["status"], body["error"]) == ("error", ERRORS[status])
        assert body["request_id"] == self.headers["X-Request-Id"]
        assert b"Traceback" not in self.raw
        assert "\n" not in body["message"]
        if field is not None:
            assert body.get("field") == field, body
        return body


class _Server(BaseTestServer):
    """Serves as `chirp serve` does, on a free port."""

    def __init__(self, chirp: Driver) -> None:
        super().__init__()
        self._chirp = chirp

    async def _make_runner(self, **options: Any) -> web.BaseRunner:
        server = self._chirp.server
        return Runner(server.app, server.connections, server.tasks, **options)


class Http:
    """The app of a driver behind a socket. `key` is a Viewer, a secret or None."""

    def __init__(self, chirp: Driver) -> None:
        self.chirp = chirp
        self.client: TestClient[Any, Any] = TestClient(_Server(chirp))
        self.closing: list[Callable[[], None]] = []

    async def __aenter__(self) -> Self:
        await self.client.start_server()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for close in self.closing:
            close()
        await self.client.close()

    async def ask(
        self,
        method: str,
        path: str,
        key: Viewer | str | None = None,
        *,
        raw_path: bool = False,
        **options: Any,
    ) -> Answer:
        """Send one request; `path` stands below the base unless it begins with two slashes."""
        headers = dict(options.pop("headers", {}))
        secret = self.chirp.secrets[key.user_id] if isinstance(key, Viewer) else key
        if secret is not None:
            headers["X-API-Key"] = secret
        where = path[1:] if path.startswith("//") else BASE + path
        url = URL(where, encoded=raw_path)
        if isinstance(options.get("data"), bytes):
            options["data"] = BytesIO(options["data"])  # aiohttp warns of large bytes
        async with self.client.request(method, url, headers=headers, **options) as response:
            answer = Answer(response.status, response.headers, await response.read())
        if answer.status >= 400 and not path.startswith("//"):
            answer.refused(answer.status)
        return answer

    async def get(self, path: str, key: Viewer | str | None = None, **options: Any) -> Answer:
        return await self.ask("GET", path, key, **options)

    async def post(
        self, path: str, body: Any = None, key: Viewer | str | None = None, **options: Any
    ) -> Answer:
        """Send JSON: an object, or bytes as they are."""
        raw = (
            body
            if isinstance(body, bytes) or body is None
            else json.dumps(body, ensure_ascii=False).encode()
        )
        headers = {"Content-Type": "application/json"} | dict(options.pop("headers", {}))
        return await self.ask("POST", path, key, data=raw, headers=headers, **options)

    async def delete(self, path: str, key: Viewer | str | None = None, **options: Any) -> Answer:
        return await self.ask("DELETE", path, key, **options)

    async def ok(self, answer: Answer, status: int = HTTPStatus.OK) -> Any:
        """Return the body of an answer that must be fine."""
        assert answer.status == status, answer.raw
        return answer.json

    async def register(self, name: str, **fields: str) -> dict[str, Any]:
        """Register over HTTP; return the answer's body."""
        body = {"username": name, "name": name.title(), "email": f"{name}@example.org"}
        answer = await self.post("/users", body | {"password": PASSWORD} | fields)
        found: dict[str, Any] = await self.ok(answer, 201)
        return found

    async def tweet(self, viewer: Viewer | str, text: str = "hi", **fields: str) -> dict[str, Any]:
        """Post over HTTP; return the tweet."""
        answer = await self.post("/tweet", {"tweet_data": text} | fields, viewer)
        found: dict[str, Any] = (await self.ok(answer, 201))["tweet"]
        return found
