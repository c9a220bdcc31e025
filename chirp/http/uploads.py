"""Forms with files: fields as text, files chunk by chunk as they arrive, never whole in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from chirp.errors import Invalid, TooLarge
from chirp.http.calls import call_of

_MOST_PARTS = 40
_MOST_TEXT_BYTES = 64 << 10
_PLAIN = {"7bit", "8bit", "binary"}

OnFile = Callable[[str, AsyncIterator[bytes]], Awaitable[None]]
OnText = Callable[[str, str], Awaitable[None]]


async def read_upload(request: web.Request, on_text: OnText, on_file: OnFile) -> None:
    """Hand out a multipart form's fields and files in the order in which they come.

    A file is handed out as chunks, which `on_file` takes before it returns. Raises: Invalid: not
    such a form; TooLarge; and what the two raise.
    """
    if request.content_type != "multipart/form-data":
        raise Invalid("send the file as multipart/form-data")
    try:
        reader = await request.multipart()
        for _ in range(_MOST_PARTS):
            part = await reader.next()
            if part is None:
                return
            if not isinstance(part, BodyPartReader) or not part.name:
                raise Invalid("a part of the form is no field")
            await _hand_out(request, part, on_text, on_file)
    except (ValueError, LookupError, AssertionError, HttpProcessingError):
        raise Invalid("the body is not a valid form") from None
    except (web.RequestPayloadError, ConnectionError, RuntimeError):
        raise Invalid("the body does not arrive as its headers say") from None
    raise Invalid(f"a form may have up to {_MOST_PARTS} parts")


async def _hand_out(
    request: web.Request, part: BodyPartReader, on_text: OnText, on_file: OnFile
) -> None:
    name = part.name or ""
    if not _PLAIN.issuperset(part.headers.getall("Content-Transfer-Encoding", ())):
        raise Invalid(f"{name} is encoded", field=name)
    if "Content-Encoding" in part.headers:
        raise Invalid(f"{name} is compressed", field=name)
    if part.filename is not None:
        await on_file(name, _chunks(request, part))
        return
    text = b""
    async for chunk in _chunks(request, part):
        text += chunk
        if len(text) > _MOST_TEXT_BYTES:
            raise TooLarge(f"{name} is too long", field=name)
    await on_text(name, text.decode())


async def _chunks(request: web.Request, part: BodyPartReader) -> AsyncIterator[bytes]:
    most = call_of(request).max_body_bytes
    while chunk := await part.read_chunk(64 << 10):
        if request.content.total_bytes > most:
            raise TooLarge(f"the body is larger than {most} bytes")
        yield chunk
