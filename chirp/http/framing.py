"""Where requests begin and end in what a connection receives, seen from outside of the parser.

aiohttp's parser does not say what it holds. Whoever answers a request past it must know that the
bytes at hand begin a request, and that the parser holds no part of another one: else the end of a
stranger's head, or a body, would pass for a request. What is not certain is `UNKNOWN`, for as long
as the connection lives: nothing that it sends is answered past the parser, or learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import EMPTY_PAYLOAD, hdrs
from aiohttp.http_parser import RawRequestMessage

BETWEEN, IN_HEAD, UNKNOWN = 0, -1, -2

_END = b"\r\n\r\n"

Made = Sequence[tuple[Any, Any]]
"""What the parser made of a piece: messages (or what was wrong with them) and their bodies."""


class Framing:
    """Follows one connection, piece by piece.

    `left`: bytes of a body that are still to come, or BETWEEN two requests, IN_HEAD, or UNKNOWN.
    `behind`: how many bytes of the last piece are the beginning of another head, about. `body`:
    that of the newest request, as the parser makes it.
    """

    __slots__ = ("_edge", "behind", "body", "left")

    def __init__(self) -> None:
        self.left = BETWEEN
        self.behind = 0
        self.body: Any = EMPTY_PAYLOAD
        self._edge = b""
        """The last bytes of half a head: its end may be divided, too."""

    def follow(self, data: bytes, made: Made) -> None:
        """Take in a piece that the parser was given, and what it made of it. O(len(data))."""
        if made:
            self.body = made[-1][1]
        sizes = [_body_size(*one) for one in made]
        edged = self._edge + data
        self.left = self._left(data, edged, sizes)
        self._edge = edged[1 - len(_END) :] if self.left == IN_HEAD else b""
        self.behind = 0
        if self.left == UNKNOWN and made and made[-1][1].is_eof():
            end = data.rfind(_END)
            rest = len(data) - end - len(_END) - (sizes[-1] or 0)
            self.behind = max(0, rest) if end >= 0 else 0

    def lose(self, held: Made) -> None:
        """Note that the parser held whole requests: nobody knows what else it holds."""
        self.body = held[-1][1] if held else self.body
        self.left = UNKNOWN

    def _left(self, data: bytes, edged: bytes, sizes: Sequence[int | None]) -> int:
        if self.left == UNKNOWN or None in sizes:
            return UNKNOWN
        if self.left > 0:
            return UNKNOWN if sizes or len(data) > self.left else self.left - len(data)
        if not sizes:
            return UNKNOWN if _END in edged else IN_HEAD
        if not any(sizes):
            # Each head ends at one of these, so nothing is behind the last one.
            whole = edged.endswith(_END) and edged.count(_END) == len(sizes)
            return BETWEEN if whole else UNKNOWN
        return UNKNOWN if len(sizes) > 1 else self._left_of_one(data, sizes[0] or 0)

    def _left_of_one(self, data: bytes, size: int) -> int:
        """Return what is left of the body of the one request that begins in a piece."""
        head, end, body = data.partition(_END)
        # A head that began earlier, or behind empty lines, or with bare line feeds, may have ended
        # before that.
        begins = self.left == BETWEEN and head[:1].isalpha()
        if not begins or not end or head.count(b"\n") != head.count(b"\r\n"):
            return UNKNOWN
        return size - len(body) if len(body) <= size else UNKNOWN


def last_of_its_piece(message: Any, payload: Any) -> tuple[Any, Any]:
    """Return the last request of a piece, made the last of its connection if it has to be.

    Behind a request that offers to go on in a protocol that aiohttp does not know, as `h2c`, the
    parser drops the rest of the piece. What comes later would be answered out of step.
    """
    if isinstance(message, RawRequestMessage) and message.upgrade:
        offered = message.headers.get(hdrs.UPGRADE, "").lower()
        if offered not in _KNOWN_UPGRADES:
            return message._replace(should_close=True), payload
    return message, payload


_KNOWN_UPGRADES = {"websocket", "tcp"}


def _body_size(message: Any, payload: Any) -> int | None:
    """Return how long the body of a request is said to be; None: it is not said."""
    if not isinstance(message, RawRequestMessage) or message.upgrade or message.chunked:
        return None
    if message.compression:
        return None  # what cannot be unpacked ends the parser
    length = message.headers.get(hdrs.CONTENT_LENGTH, "0")
    size = int(length) if length.isdecimal() else None
    # A body that the parser does not see is none, whatever is announced.
    return size if bool(size) is (payload is not EMPTY_PAYLOAD) else None
