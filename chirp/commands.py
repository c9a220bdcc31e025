"""What goes into services: commands that are right once they are built.

Each constructor raises Invalid, naming the field and the limit. Below them nobody checks again.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from chirp.errors import Invalid
from chirp.model import Entity, EntityKind, MediaId, TweetId, UnixMs, UserId
from chirp.text import TweetText, parse

MAX_NAME = 50
MAX_EMAIL_BYTES = 254
MIN_PASSWORD = 8
MAX_PASSWORD = 1_024
MAX_LOCATION = 150
MAX_KEY_NAME = 50
MAX_BIO = 160
MAX_IDEMPOTENCY_KEY = 200
_HASH_BYTES = 16
MAX_INVITE = 100
MAX_INVITE_USES = 10_000
MAX_INVITE_DAYS = 365
MAX_WHY = 500

RESERVED = frozenset(
    {"me", "api", "docs", "healthz", "readyz", "metrics", "openapi", "static", "media", "about"}
    | {"home", "search", "settings", "login", "logout", "signup", "explore", "notifications"}
    | {"bookmarks", "admin", "oauth", "moments", "tags", "public", "users", "tweets"}
    | {"compose", "status", "theme", "stream", "feeds", "oembed", "trends", "suggestions"}
)
"""Usernames that would hide a page of the server's own: profiles are at /{username}."""

_USERNAME = re.compile(r"[A-Za-z0-9_]{1,15}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LANG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COORDINATES = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)\s*")
_UNWRITTEN = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the text around them: a name must not rewrite the line it stands in."""


def clean_line(value: str, field: str, most: int, *, least: int = 0) -> str:
    """Return `value` without surrounding white space, as one line of bounded length.

    Raises: Invalid: control characters, lone surrogates, too short or too long.
    """
    text = value.strip()
    if not least <= len(text) <= most:
        raise Invalid(
            f"{field} must hold {least} to {most} characters, got {len(text)}", field=field
        )
    if any(c in _BIDI or unicodedata.category(c) in _UNWRITTEN for c in text):
        raise Invalid(f"{field} must not hold control characters", field=field)
    return text


@dataclass(frozen=True, slots=True)
class Register:
    """A new account. `invite` is the code that somebody was given."""

    username: str
    name: str
    email: str
    password: str
    date_of_birth: str | None = None
    invite: str | None = None

    def __post_init__(self) -> None:
        check_username(self.username)
        object.__setattr__(self, "name", clean_line(self.name, "name", MAX_NAME, least=1))
        check_email(self.email)
        check_password(self.password)
        if self.date_of_birth is not None:
            check_birthday(self.date_of_birth)
        if self.invite is not None:
            clean_line(self.invite, "invite", MAX_INVITE)


def check_username(username: str) -> None:
    """Raise Invalid unless `username` is one that an account may have."""
    if not _USERNAME.fullmatch(username):
        raise Invalid("username must be 1 to 15 of A-Z, a-z, 0-9 and _", field="username")
    if username.lower() in RESERVED:
        raise Invalid(f"the username {username} is reserved", field="username")


def check_email(email: str) -> None:
    """Raise Invalid unless `email` has the shape of an address."""
    clean_line(email, "email", MAX_EMAIL_BYTES, least=3)
    if not _EMAIL.fullmatch(email) or len(email.casefold().encode()) > MAX_EMAIL_BYTES:
        raise Invalid("email must be local@domain without white space", field="email")


def check_password(password: str, field: str = "password") -> None:
    """Raise Invalid unless `password` is long enough, and short enough to be hashed."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        bounds = f"{MIN_PASSWORD} to {MAX_PASSWORD} characters"
        raise Invalid(f"{field} must hold {bounds}", field=field)
    check_encodable(password, field)


def check_birthday(day: str) -> None:
    """Raise Invalid unless `day` is a date such as 1990-12-31."""
    try:
        # fromisoformat also reads 19901231 and 1990-W01-1.
        plain = date.fromisoformat(day).isoformat() == day
    except ValueError:
        plain = False
    if not plain:
        raise Invalid("date_of_birth must be YYYY-MM-DD", field="date_of_birth")


def check_born(day: str | None, now_ms: UnixMs) -> None:
    """Raise Invalid when a date of birth, where there is one, has not come yet anywhere."""
    today = datetime.fromtimestamp(now_ms / 1000, _FIRST_ZONE).date()
    if day and day > today.isoformat():
        raise Invalid("date_of_birth lies in the future", field="date_of_birth")


_FIRST_ZONE = timezone(timedelta(hours=14))
"""Where each day begins first."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Credentials of an existing account; `login` is a username or an e-mail."""

    login: str
    password: str

    def __post_init__(self) -> None:
        if len(self.login) > MAX_EMAIL_BYTES or len(self.password) > MAX_PASSWORD:
            raise Invalid("username or password is too long", field="username")
        check_encodable(self.login + self.password, "username")


def check_encodable(text: str, field: str) -> None:
    """Raise Invalid when `text` holds a lone surrogate, which no encoding can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid(f"{field} must be valid Unicode", field=field) from None


@dataclass(frozen=True, slots=True)
class CreateKey:
    """A new developer key."""

    name: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_line(self.name, "name", MAX_KEY_NAME, least=1))


@dataclass(frozen=True, slots=True)
class CreateInvite:
    """A new invite: how many people it lets in, and for how long."""

    uses: int = 1
    days: int = 7

    def __post_init__(self) -> None:
        for field, value, most in (
            ("uses", self.uses, MAX_INVITE_USES),
            ("days", self.days, MAX_INVITE_DAYS),
        ):
            if not 1 <= value <= most:
                raise Invalid(f"{field} must be 1 to {most}, got {value}", field=field)


@dataclass(frozen=True, slots=True)
class Because:
    """Why a moderator does something, for the trail; it may be empty."""

    why: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", clean_line(self.why, "note", MAX_WHY))


@dataclass(frozen=True, slots=True)
class PostTweet:
    """A new tweet. `text` is parsed; the location is split where it is "lat,long"."""

    text: TweetText
    tweet_location: str | None = None
    user_location: str | None = None
    lang: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    in_reply_to: TweetId | None = None
    quote_of: TweetId | None = None
    media_ids: tuple[MediaId, ...] = ()


@dataclass(frozen=True, slots=True)
class EditTweet:
    """A new text of a tweet."""

    tweet_id: TweetId
    text: TweetText


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What tells whether two requests are the same one: hashes of the key and of the body."""

    digest: bytes
    body_hash: bytes


def repeatable(key: str, body: bytes) -> Repeatable:
    """Return what an Idempotency-Key and a body stand for. Raises: Invalid."""
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii() or not key.isprintable():
        raise Invalid(
            f"Idempotency-Key must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters",
            field="Idempotency-Key",
        )
    digest = hashlib.sha256(key.encode()).digest()[:_HASH_BYTES]
    return Repeatable(digest, hashlib.sha256(body).digest()[:_HASH_BYTES])


@dataclass(frozen=True, slots=True)
class EditProfile:
    """Changes of the viewer's own account; None leaves a thing as it is.

    `password` is the present one: a new password or e-mail needs it.
    """

    name: str | None = None
    bio: str | None = None
    location: str | None = None
    date_of_birth: str | None = None
    email: str | None = None
    new_password: str | None = None
    password: str | None = None
    avatar_id: MediaId | None = None
    header_id: MediaId | None = None

    def __post_init__(self) -> None:
        bounds = {"name": (1, MAX_NAME), "bio": (0, MAX_BIO), "location": (0, MAX_LOCATION)}
        for field, (least, most) in bounds.items():
            value = getattr(self, field)
            if value is not None:
                value = clean_line(value, field, most, least=least)
                object.__setattr__(self, field, value)
        if self.date_of_birth:
            check_birthday(self.date_of_birth)
        if self.email is not None:
            check_email(self.email)
        if self.new_password is not None:
            check_password(self.new_password, "new_password")
        if self.avatar_id and self.avatar_id == self.header_id:
            raise Invalid("avatar_id and header_id must differ", field="header_id")
        needs_password = self.email is not None or self.new_password is not None
        if needs_password and self.password is None:
            raise Invalid("a new email or password needs the present password", field="password")


MAX_MEDIA = 4
MAX_ALT = 1500


def check_media_ids(ids: Sequence[MediaId]) -> None:
    """Raise Invalid for more media than a tweet takes, or one twice."""
    if len(ids) > MAX_MEDIA:
        raise Invalid(f"a tweet takes up to {MAX_MEDIA} photos", field="media_ids")
    if len(set(ids)) < len(ids):
        raise Invalid("media_ids must differ from one another", field="media_ids")


def parse_alt_text(text: str) -> str:
    """Return a description of media. Raises: Invalid: too long, or not text."""
    return clean_line(" ".join(text.splitlines()), "alt_text", MAX_ALT)


def post_tweet(
    tweet_data: str,
    max_weight: int,
    *,
    in_reply_to: TweetId | None = None,
    quote_of: TweetId | None = None,
    tweet_location: str | None = None,
    user_location: str | None = None,
    lang: str | None = None,
    media_ids: Sequence[MediaId] = (),
) -> PostTweet:
    """Build the command to post. Raises: Invalid."""
    check_media_ids(media_ids)
    text = parse_content(tweet_data, max_weight, may_be_empty=bool(media_ids))
    if lang is not None and not (len(lang) <= 16 and _LANG.fullmatch(lang)):
        raise Invalid("lang must be a language tag such as en or pt-BR", field="lang")
    place = _location(tweet_location, "tweet_location")
    latitude, longitude = coordinates(place)
    user_place = _location(user_location, "user_location")
    return PostTweet(
        text,
        place,
        user_place,
        lang,
        latitude,
        longitude,
        in_reply_to,
        quote_of,
        tuple(media_ids),
    )


def parse_content(tweet_data: str, max_weight: int, *, may_be_empty: bool = False) -> TweetText:
    """Return a tweet's text, parsed. Raises: Invalid: empty, too long, or not text."""
    # No weight is below the characters / 280 of one long URL; this bound only spares the parser.
    if len(tweet_data) > 100 * max_weight:
        got = f"more than {100 * max_weight}"
        raise Invalid(_wrong_length(max_weight, got), field="tweet_data")
    _check_characters(tweet_data)
    parsed = parse(tweet_data)
    empty = not tweet_data.strip()
    if (empty and not may_be_empty) or parsed.weight > max_weight:
        weight = 0 if empty else parsed.weight
        raise Invalid(_wrong_length(max_weight, str(weight)), field="tweet_data")
    return parsed


def _wrong_length(max_weight: int, got: str) -> str:
    return f"tweet_data must hold 1 to {max_weight} characters, got {got}"


_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\ufeff]")


def _check_characters(text: str) -> None:
    if _FORBIDDEN.search(text):
        raise Invalid("tweet_data must not hold control characters", field="tweet_data")


def _location(value: str | None, field: str) -> str | None:
    return None if value is None else clean_line(value, field, MAX_LOCATION) or None


def coordinates(place: str | None) -> tuple[float | None, float | None]:
    """Return (latitude, longitude) where `place` is "lat,long", else (None, None).

    >>> coordinates("48.2082, 16.3738")
    (48.2082, 16.3738)
    >>> coordinates("Vienna")
    (None, None)
    """
    match = _COORDINATES.fullmatch(place) if place else None
    if match is None:
        return None, None
    latitude, longitude = float(match[1]), float(match[2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None, None
    return latitude, longitude


def entities_of(text: TweetText, mentioned: Sequence[UserId | None]) -> tuple[Entity, ...]:
    """Return the spans of a text in order; `mentioned` are the ids behind its mentions, in order.

    >>> entities_of(parse("#hi"), [])
    (Entity(kind=<EntityKind.HASHTAG: 0>, start=0, end=3, user_id=0),)
    """
    found = text.entities
    spans = [Entity(EntityKind.HASHTAG, h.start, h.end) for h in found.hashtags]
    spans += [Entity(EntityKind.URL, u.start, u.end) for u in found.urls]
    spans += [
        Entity(EntityKind.MENTION, m.start, m.end, user_id or 0)
        for m, user_id in zip(found.mentions, mentioned, strict=True)
    ]
    return tuple(sorted(spans, key=lambda span: span.start))
