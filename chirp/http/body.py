"""Request bodies: JSON or a form, as one typed struct, or a refusal that names the field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from aiohttp.http import HttpProcessingError

from chirp.errors import Invalid, TooLarge

MAX_BODY_BYTES = 1 << 20
MAX_KEY_BODY_BYTES = 64 << 10
"""A key is looked for only in bodies up to this size."""

_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_PATH = re.compile(r" - at `\$\.?([A-Za-z_]*)[^`]*`$")

Pairs = Sequence[tuple[str, object]]
"""Names and values of a form; a value that is not text is a file."""

S = TypeVar("S", bound=msgspec.Struct)


class Body(msgspec.Struct):
    """What any body may hold besides its own fields."""

    api_dev_key: str | None = None


async def read_body(request: web.Request, kind: type[S]) -> S:
    """Return the body as a `kind`. Raises: Invalid, TooLarge."""
    if request.content_type == "multipart/form-data":
        return _convert(_fields(await _parts(request)), kind)
    raw = await _raw(request)
    if request.content_type in _FORMS and not raw.lstrip().startswith(b"{"):
        return _convert(_fields(_pairs(request, raw)), kind)
    # `curl -d '{…}'` labels JSON as a form; no form begins with a brace.
    return _decode(raw, kind)


async def _raw(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes") from None
    except web.RequestPayloadError:
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


def _pairs(request: web.Request, raw: bytes) -> Pairs:
    """Return the fields of a form; aiohttp's own parser puts U+FFFD for what is not text."""
    try:
        charset = request.charset or "utf-8"
        text = raw.decode(charset).rstrip()
        return parse_qsl(text, keep_blank_values=True, encoding=charset, errors="strict")
    except (ValueError, LookupError):
        raise Invalid("the body is not a valid form") from None


async def _parts(request: web.Request) -> Pairs:
    try:
        return list((await request.post()).items())
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes") from None
    except (ValueError, LookupError, AssertionError, RuntimeError):
        raise Invalid("the body is not a valid form") from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise Invalid("the body is not a valid form") from None


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
