"""Journal events: what happened, with all that a consumer needs to draw the consequences.

Invariants:
- An event is committed in the same batch as the rows that it speaks of, in the actor's partition.
- It carries whole rows, so that a consumer never reads what may have changed since.
- `unpack_event(pack_event(e)) == e`. Kinds are numbered once and for ever.

Events of accounts hold what the accounts table holds, password hashes included: nothing shows a
raw event to anybody. docs/formats/journal.md draws each kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import fields as fields_of

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
    """A tweet was deleted, with what it stood in relation to."""

    tweet_id: TweetId
    author_id: UserId
    at: UnixMs
    in_reply_to_tweet_id: TweetId | None = None
    quote_of: TweetId | None = None
    retweet_of: TweetId | None = None


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


class TweetReserved(Struct, frozen=True, gc=False):
    """A tweet is to be posted under an id that its author's partition has reserved for it.

    Retweets, and posts with an Idempotency-Key: what must not happen twice is decided there.
    """

    tweet: Tweet


class TweetWithdrawn(Struct, frozen=True, gc=False):
    """A retweet was taken back in its author's partition; its tweet is to be deleted."""

    tweet: Tweet
    at: UnixMs


class TweetEdited(Struct, frozen=True, gc=False):
    """A tweet is now as `tweet` says; the version before it is kept."""

    tweet: Tweet


class Favorited(Struct, frozen=True, gc=False):
    """`user_id` favorited a tweet; committed in the user's partition."""

    user_id: UserId
    tweet_id: TweetId
    at: UnixMs


class Unfavorited(Struct, frozen=True, gc=False):
    """A favorite of `since` was taken back."""

    user_id: UserId
    tweet_id: TweetId
    since: UnixMs


class Bookmarked(Struct, frozen=True, gc=False):
    """`user_id` bookmarked a tweet; committed in the user's partition."""

    user_id: UserId
    tweet_id: TweetId
    at: UnixMs


class Unbookmarked(Struct, frozen=True, gc=False):
    """A bookmark of `since` was taken back."""

    user_id: UserId
    tweet_id: TweetId
    since: UnixMs


class Blocked(Struct, frozen=True, gc=False):
    """`blocker_id` blocks `blocked_id` since `at`, and with it ended the follow of `followed_at`.

    Committed in the blocker's partition; `followed_at` is 0 when there was no such follow.
    """

    blocker_id: UserId
    blocked_id: UserId
    at: UnixMs
    followed_at: UnixMs


class Unblocked(Struct, frozen=True, gc=False):
    """A block of `since` was ended."""

    blocker_id: UserId
    blocked_id: UserId
    since: UnixMs


class Muted(Struct, frozen=True, gc=False):
    """`muter_id` mutes `muted_id`; committed in the muter's partition."""

    muter_id: UserId
    muted_id: UserId
    at: UnixMs


class Unmuted(Struct, frozen=True, gc=False):
    """A mute of `since` was ended."""

    muter_id: UserId
    muted_id: UserId
    since: UnixMs


class AccountClosed(Struct, frozen=True, gc=False):
    """An account was closed; `user` is the hidden profile that stays until all of it is gone.

    Committed in the directory, which has forgotten the account with its names and keys.
    """

    user: User


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
    | TweetReserved
    | TweetWithdrawn
    | TweetEdited
    | Favorited
    | Unfavorited
    | Bookmarked
    | Unbookmarked
    | Blocked
    | Unblocked
    | Muted
    | Unmuted
    | AccountClosed
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
    TweetReserved: 8,
    TweetWithdrawn: 9,
    TweetEdited: 10,
    Favorited: 11,
    Unfavorited: 12,
    Bookmarked: 13,
    Unbookmarked: 14,
    Blocked: 15,
    Unblocked: 16,
    Muted: 17,
    Unmuted: 18,
    AccountClosed: 19,
    RegistrationHeld: 40,
    RegistrationApproved: 41,
    RegistrationRejected: 42,
}
_BY_KIND: dict[int, type[Event]] = {number: kind for kind, number in _KINDS.items()}

_RECORDS: dict[type[Struct], tuple[Callable[[Any], bytes], Callable[[bytes], Struct]]] = {
    Tweet: (pack_tweet, unpack_tweet),
    User: (pack_user, unpack_user),
    Account: (pack_account, unpack_account),
    ApiKey: (pack_key, unpack_key),
}
"""How the records inside events become bytes and come back."""


def pack_posted(row: bytes) -> bytes:
    """Return what `pack_event` does of a TweetPosted, given the tweet's row. O(size)."""
    return pack_array((_KINDS[TweetPosted], row))


def pack_event(event: Event) -> bytes:
    """Return the event's bytes: a version byte and the array [kind, fields …]. O(size)."""
    fields = [_RECORDS[type(f)][0](f) if type(f) in _RECORDS else f for f in _fields(event)]
    return pack_array((_KINDS[type(event)], *fields))


def _fields(event: Event) -> list[Any]:
    """Return the fields as records and numbers, without those at the end that say nothing."""
    fields = [getattr(event, name) for name in event.__struct_fields__]
    required = len(fields) - len(event.__struct_defaults__)
    while len(fields) > required and fields[-1] is None:
        fields.pop()
    return fields


def unpack_event(raw: bytes) -> Event:
    """Return an event. Raises: StorageError."""
    kind, *fields = unpack_array(raw) or [None]
    event = _BY_KIND.get(kind) if isinstance(kind, int) else None
    if event is None:
        raise StorageError(f"an event of the unknown kind {kind}")
    try:
        return event(*_restored(event, fields))
    except (TypeError, IndexError, ValueError) as error:
        raise StorageError(f"an event of kind {kind} with wrong fields") from error


def _restored(event: type[Event], fields: list[Any]) -> list[Any]:
    """Return the fields with records in place of their bytes; those of later formats go."""
    restored = fields[: len(event.__struct_fields__)]
    for place, unpack in _NESTED[event]:
        if place < len(restored) and restored[place] is not None:
            restored[place] = unpack(restored[place])
    return restored


def _nested(event: type[Event]) -> list[tuple[int, Callable[[bytes], Struct]]]:
    """Return the places of an event's records, with what unpacks each."""
    found = []
    for place, field in enumerate(fields_of(event)):
        kinds = {field.type, *get_args(field.type)} & _RECORDS.keys()
        found += [(place, _RECORDS[kind][1]) for kind in kinds]
    return found


_NESTED = {event: _nested(event) for event in _KINDS}
