"""Secrets that people are handed: keys and invite codes, and what is stored of them."""

from __future__ import annotations

import hashlib
import secrets

from msgspec.structs import replace

from chirp.clock import Clock
from chirp.model import MAX_ID, SESSION, ApiKey, KeyId, UserId

SECRET_PREFIX = "chirp_"  # noqa: S105  (not a secret: how a key begins, for secret scanners)
SECRET_LENGTH = len(SECRET_PREFIX) + 43
INVITE_PREFIX = "invite_"


def new_secret() -> str:
    """Return a fresh key of 256 random bits, recognisable by its prefix."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def new_invite_code() -> str:
    """Return a fresh invite code of 128 random bits: nobody guesses one over a network."""
    return INVITE_PREFIX + secrets.token_urlsafe(16)


def new_random_id() -> int:
    """Return a random id: unlike a tweet's it need not say when, and never comes again."""
    return secrets.randbelow(MAX_ID) + 1


def digest_of(secret: str) -> bytes:
    """Return what is stored of a secret. A fast hash is enough: it is random, not chosen."""
    return hashlib.sha256(secret.encode()).digest()


def new_key(user_id: UserId, name: str, clock: Clock) -> tuple[ApiKey, str]:
    """Return a new developer key of a user, and its secret."""
    secret = new_secret()
    key_id, digest = KeyId(new_random_id()), digest_of(secret)
    return ApiKey(key_id, user_id, name, digest, clock.now_ms(), session=False), secret


def new_session(user_id: UserId, clock: Clock) -> tuple[ApiKey, str]:
    """Return a new session of a user, and its secret."""
    key, secret = new_key(user_id, SESSION, clock)
    return replace(key, session=True), secret
