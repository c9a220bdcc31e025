"""Forms with files: fields as text, files chunk by chunk as they arrive, never whole in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from chirp.errors import Invalid, TooLarge
from chirp.http.body import name_of
from chirp.http.calls import call_of

_MOST_PARTS = 40
_MOST_TEXT_BYTES = 64 << 10
_PLAIN = {"7bit", "8bit", "binary"}

OnFile = Callable[[str, AsyncIterator[bytes]], Awaitable[None]]
OnText = Callable[[str, str], Awaitable[None]]


class _Part(NamedTuple):
    """One part of a form."""

    name: str
    is_file: bool
    body: BodyPartReader


async def read_upload(request: web.Request, on_text: OnText, on_file: OnFile) -> None:
    """Hand out a multipart form's fields and files in the order in which they come.

    A file is handed out as chunks, which `on_file` takes before it returns. Raises: Invalid: not
    such a form; TooLarge; and what the two raise.
    """
    if request.content_type != "multipart/form-data":
        raise Invalid("send a form, as multipart/form-data")
    with _parsing():
        reader = await request.multipart()
    for number in count(1):
        part = await _next(reader)
        if part is None:
            return
        if number > _MOST_PARTS:
            raise Invalid(f"a form may have up to {_MOST_PARTS} parts")
        await _hand_out(request, part, on_text, on_file)


async def _next(reader: MultipartReader) -> _Part | None:
    with _parsing():
        body = await reader.next()
        if body is None:
            return None
        if not isinstance(body, BodyPartReader):
            raise Invalid("a part of the form is no field")
        return _Part(name_of(body), body.filename is not None, body)


@contextmanager
def _parsing() -> Iterator[None]:
    """Tell what the parser raises of a bad form as the caller's mistake.

    Around the parser alone: who takes the parts may raise the same of a mistake of our own.
    """
    try:
        yield
    except (ValueError, LookupError, AssertionError, HttpProcessingError):
        raise Invalid("the body is not a valid form") from None
    except (web.RequestPayloadError, ConnectionError, RuntimeError):
        raise Invalid("the body does not arrive as its headers say") from None


async def _hand_out(request: web.Request, part: _Part, on_text: OnText, on_file: OnFile) -> None:
    name, headers = part.name, part.body.headers
    if not _PLAIN.issuperset(headers.getall("Content-Transfer-Encoding", ())):
        raise Invalid(f"{name} is encoded", field=name)
    if "Content-Encoding" in headers:
        raise Invalid(f"{name} is compressed", field=name)
    if part.is_file:
        await on_file(name, _chunks(request, part.body))
        return
    text = b""
    async for chunk in _chunks(request, part.body):
        text += chunk
        if len(text) > _MOST_TEXT_BYTES:
            raise TooLarge(f"{name} is too long", field=name)
    with _parsing():
        decoded = text.decode()
    await on_text(name, decoded)


async def _chunks(request: web.Request, part: BodyPartReader) -> AsyncIterator[bytes]:
    most = call_of(request).max_body_bytes
    while chunk := await _chunk(part):
        if request.content.total_bytes > most:
            raise TooLarge(f"the body is larger than {most} bytes")
        yield chunk


async def _chunk(part: BodyPartReader) -> bytes:
    with _parsing():
        return await part.read_chunk(64 << 10)
