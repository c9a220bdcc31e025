"""Journal events: what happened, with all that a consumer needs to draw the consequences.

Invariants:
- An event is committed in the same batch as the rows that it speaks of, in the actor's partition.
- It carries whole rows, so that a consumer never reads what may have changed since.
- `unpack_event(pack_event(e)) == e`. Kinds are numbered once and for ever.

Events of accounts hold what the accounts table holds, password hashes included: nothing shows a
raw event to anybody. docs/formats/journal.md draws each kind.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from chirp.errors import StorageError
from chirp.model import Account, ApiKey, Tweet, TweetId, UnixMs, User, UserId
from chirp.storage.codec import (
    pack_account,
    pack_array,
    pack_key,
    pack_tweet,
    pack_user,
    unpack_account,
    unpack_array,
    unpack_key,
    unpack_tweet,
    unpack_user,
)


class TweetPosted(Struct, frozen=True, gc=False):
    """A tweet was posted, in its own partition."""

    tweet: Tweet


class TweetDeleted(Struct, frozen=True, gc=False):
    """A tweet was deleted by its author."""

    tweet_id: TweetId
    author_id: UserId
    at: UnixMs


class Followed(Struct, frozen=True, gc=False):
    """`follower_id` follows `followee_id` since `at`; committed in the follower's partition."""

    follower_id: UserId
    followee_id: UserId
    at: UnixMs


class Unfollowed(Struct, frozen=True, gc=False):
    """A follow that stood since `since` was ended."""

    follower_id: UserId
    followee_id: UserId
    since: UnixMs


class AccountCreated(Struct, frozen=True, gc=False):
    """A person registered; committed in the directory."""

    user: User
    account: Account
    key: ApiKey | None


class ProfileWritten(Struct, frozen=True, gc=False):
    """A profile is now as `user` says; committed in the directory with its cause."""

    user: User


class AccountDeleted(Struct, frozen=True, gc=False):
    """An account is gone, its tweets and follows before it; committed in the directory."""

    user_id: UserId


class RegistrationHeld(Struct, frozen=True, gc=False):
    """A person registered and waits for approval; committed in the directory."""

    user: User
    account: Account
    key: ApiKey


class RegistrationApproved(Struct, frozen=True, gc=False):
    """Somebody who waited is let in, with this profile; committed in the directory."""

    user: User


class RegistrationRejected(Struct, frozen=True, gc=False):
    """Somebody who waited is turned away: their account is gone; committed in the directory."""

    user_id: UserId


Event = (
    TweetPosted
    | TweetDeleted
    | Followed
    | Unfollowed
    | AccountCreated
    | ProfileWritten
    | AccountDeleted
    | RegistrationHeld
    | RegistrationApproved
    | RegistrationRejected
)

_KINDS: dict[type[Event], int] = {
    TweetPosted: 1,
    TweetDeleted: 2,
    Followed: 3,
    Unfollowed: 4,
    AccountCreated: 5,
    ProfileWritten: 6,
    AccountDeleted: 7,
    RegistrationHeld: 40,
    RegistrationApproved: 41,
    RegistrationRejected: 42,
}
_FLAT: dict[
    int, type[TweetDeleted | Followed | Unfollowed | AccountDeleted | RegistrationRejected]
] = {
    2: TweetDeleted,
    3: Followed,
    4: Unfollowed,
    7: AccountDeleted,
    42: RegistrationRejected,
}


def pack_event(event: Event) -> bytes:
    """Return the event's bytes: a version byte and the array [kind, fields …]. O(size)."""
    kind = _KINDS[type(event)]
    if isinstance(event, TweetPosted):
        return pack_array((kind, pack_tweet(event.tweet)))
    if isinstance(event, ProfileWritten | RegistrationApproved):
        return pack_array((kind, pack_user(event.user)))
    if isinstance(event, AccountCreated | RegistrationHeld):
        key = None if event.key is None else pack_key(event.key)
        return pack_array((kind, pack_user(event.user), pack_account(event.account), key))
    return pack_array((kind, *astuple(event)))


def unpack_event(raw: bytes) -> Event:
    """Return an event. Raises: StorageError."""
    kind, *fields = unpack_array(raw) or [None]
    try:
        return _build(kind, fields)
    except (TypeError, IndexError, ValueError) as error:
        raise StorageError(f"an event of kind {kind} with wrong fields") from error


def _build(kind: int, fields: list[Any]) -> Event:
    match kind:
        case 1:
            return TweetPosted(unpack_tweet(fields[0]))
        case 5:
            key = None if fields[2] is None else unpack_key(fields[2])
            return AccountCreated(unpack_user(fields[0]), unpack_account(fields[1]), key)
        case 6:
            return ProfileWritten(unpack_user(fields[0]))
        case 40:
            user, account, key_ = fields
            return RegistrationHeld(unpack_user(user), unpack_account(account), unpack_key(key_))
        case 41:
            return RegistrationApproved(unpack_user(fields[0]))
    flat = _FLAT.get(kind)
    if flat is None:
        raise StorageError(f"an event of the unknown kind {kind}")
    return flat(*fields)
