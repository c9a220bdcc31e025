"""Request bodies: JSON or a form, as one typed struct, or a refusal that names the field."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError
from aiohttp.streams import StreamReader

from chirp.errors import Invalid, TooLarge
from chirp.http.calls import call_of

MAX_BODY_BYTES = 1 << 20
MAX_KEY_BODY_BYTES = 64 << 10
"""A key is looked for only in bodies up to this size."""

URLENCODED = "application/x-www-form-urlencoded"
_FORMS = {URLENCODED, "multipart/form-data"}
_CHARSETS = {None, "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252"}
"""Decoders that take time linear in their input. Python's own list has one that does not: a
megabyte of punycode holds the loop for a minute."""
MOST_FIELDS = 100
_PLAIN = {"7bit", "8bit", "binary"}
"""Encodings of a form's part that leave it as it is; no browser sends another."""
_PATH = re.compile(r" - at `\$\.?([A-Za-z_]*)[^`]*`$")

Pairs = Sequence[tuple[str, object]]
"""Names and values of a form; a value that is not text is a file."""

S = TypeVar("S", bound=msgspec.Struct)


class Body(msgspec.Struct):
    """What any body may hold besides its own fields."""

    api_dev_key: (
        Annotated[str, msgspec.Meta(description="The key, where no header has it.")] | None
    ) = None


async def read_body(request: web.Request, kind: type[S]) -> S:
    """Return the body as a `kind`. Raises: Invalid, TooLarge."""
    if request.content_type == "multipart/form-data":
        return _convert(_fields(await _parts(request)), kind)
    raw = await _raw(request)
    if request.content_type in _FORMS and not raw.lstrip().startswith(b"{"):
        return _convert(_fields(_pairs(request, raw)), kind)
    # `curl -d '{…}'` labels JSON as a form; no form begins with a brace.
    return _decode(raw, kind)


async def read_fields(request: web.Request) -> list[tuple[str, str]]:
    """Return the names and values of a urlencoded form of up to 1 MiB, in order.

    Raises: Invalid, TooLarge.
    """
    return _pairs(request, await _raw(request, MAX_BODY_BYTES))


async def _raw(request: web.Request, most: int | None = None) -> bytes:
    most, chunks, size = most or call_of(request).max_body_bytes, [], 0
    content = request.content
    if content.is_eof() and content.exception() is None and content.total_bytes <= most:
        # All of it came with the head, as nearly always: nothing to wait for.
        return content.read_nowait()
    try:
        async for chunk in content.iter_any():
            size += len(chunk)
            if size > most:
                raise TooLarge(f"the body is larger than {most} bytes")
            chunks.append(chunk)
        return b"".join(chunks)
    except (web.RequestPayloadError, ConnectionError, RuntimeError):
        # aiohttp raises a RuntimeError where the client left in the middle of a body.
        raise Invalid("the body does not arrive as its headers say") from None


def _decode(raw: bytes, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise _named(error) from None
    except (msgspec.DecodeError, UnicodeError):
        raise Invalid("the body is not valid JSON in UTF-8") from None
    except RecursionError:
        raise Invalid("the body is nested too deeply") from None


def _pairs(request: web.Request, raw: bytes) -> list[tuple[str, str]]:
    """Return the fields of a form; aiohttp's own parser puts U+FFFD for what is not text."""
    try:
        charset = _charset(request.charset)
        text = raw.decode(charset).rstrip()
        return parse_qsl(
            text,
            keep_blank_values=True,
            encoding=charset,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except (ValueError, LookupError):
        raise Invalid("the body is not a valid form") from None


def _charset(named: str | None) -> str:
    """Return the charset to decode with. Raises: LookupError: not one that we decode."""
    if named is not None and named.lower() not in _CHARSETS:
        raise LookupError(named)
    return named or "utf-8"


async def _parts(request: web.Request) -> Pairs:
    """Return the fields of a multipart form.

    Not by aiohttp's `post`: it decodes each part by whatever charset and encoding that names.
    """
    raw = await _raw(request)
    stream = StreamReader(request.protocol, len(raw) + 1, loop=asyncio.get_running_loop())
    stream.feed_data(raw)
    stream.feed_eof()
    try:
        return [pair async for pair in _read_parts(MultipartReader(request.headers, stream))]
    except (ValueError, LookupError, AssertionError, RuntimeError, HttpProcessingError):
        raise Invalid("the body is not a valid form") from None


async def _read_parts(reader: MultipartReader) -> AsyncIterator[tuple[str, object]]:
    """Yield names and values. Raises: ValueError, LookupError: not such a form."""
    for _ in range(MOST_FIELDS):
        part = await reader.next()
        if part is None:
            return
        if not isinstance(part, BodyPartReader) or not part.name:
            raise ValueError("a part that is no field")
        name = name_of(part)
        if not _PLAIN.issuperset(part.headers.getall("Content-Transfer-Encoding", ())):
            raise ValueError("a part in base64 or the like")
        if "Content-Encoding" in part.headers:
            raise ValueError("a part that is compressed")
        value = bytes(await part.read())
        is_file = part.filename is not None
        yield name, value if is_file else value.decode(_charset(part.get_charset("utf-8")))
    raise ValueError("too many fields")


def name_of(part: BodyPartReader) -> str:
    """Return the name of a form's field. Raises: ValueError: it has none, or one that is no text.

    aiohttp keeps bytes that are not UTF-8 as surrogates; no answer could name such a field.
    """
    if not part.name:
        raise ValueError("a part that is no field")
    part.name.encode()
    return part.name


def _fields(pairs: Pairs) -> dict[str, Any]:
    """Return the last value of each field, and all of a list. Raises: Invalid: a file."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if not isinstance(value, str):
            raise Invalid(f"{name} must be text, not a file", field=name)
        if name in {"media_ids", "media_ids[]"}:
            fields.setdefault("media_ids", []).append(value)
        else:
            fields[name.removesuffix("[]")] = value
    return fields


def _convert(fields: dict[str, Any], kind: type[S]) -> S:
    try:
        return msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _named(error) from None


def _named(error: msgspec.ValidationError) -> Invalid:
    """Turn msgspec's sentence into one that names the field first."""
    text = str(error)
    match = _PATH.search(text)
    field = match[1] or None if match else None
    words = _PATH.sub("", text).replace("`", "")
    missing = re.fullmatch(r"Object missing required field (\w+)", words)
    if missing:
        return Invalid(f"{missing[1]} is missing", field=missing[1])
    return Invalid(f"{field or 'the body'}: {words[:1].lower()}{words[1:]}", field=field)
