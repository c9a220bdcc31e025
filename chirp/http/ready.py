"""What never changes while the process lives: bytes to serve, packed once, under a tag."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

from aiohttp import web
from xxhash import xxh3_64_hexdigest


class Ready:
    """Bytes to serve, plain and packed, under one tag. `tag` is equal for equal bytes."""

    def __init__(self, body: bytes, content_type: str, headers: Mapping[str, str]) -> None:
        self.tag = xxh3_64_hexdigest(body)
        self._body = body
        self._packed = gzip.compress(body, mtime=0)
        self._headers = {
            "Content-Type": content_type,
            "ETag": f'W/"{self.tag}"',
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept-Encoding",
            **headers,
        }

    @property
    def packed_bytes(self) -> int:
        """How much goes over the wire to whoever takes gzip."""
        return len(self._packed)

    def answer(self, request: web.Request) -> web.Response:
        """Answer with the bytes, or with 304 to who has them already."""
        tags = request.headers.get("If-None-Match", "")
        if self._headers["ETag"] in tags or tags.strip() == "*":
            return web.Response(status=304, headers=self._headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers = {**self._headers, "Content-Encoding": "gzip"}
            return web.Response(body=self._packed, headers=headers)
        return web.Response(body=self._body, headers=self._headers)
