"""What services hand up: views of tweets and users for one viewer, and pages of them.

`CachedTweet` and `CachedUser` are shared between all viewers and kept by the caches. Their
mutable slots hold encoded segments, one a dialect: a front end encodes them once and splices them
ever after.

Invariants:
- There is at most one CachedUser of a user; a changed profile changes it in place, so that every
  cached tweet of that author shows the new one.
- An encoded tweet remembers the author segment that it was made with (`json_user`): it is valid
  as long as that very object is the author's segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from chirp.model import (
    Action,
    ApiKey,
    Flag,
    Invite,
    Tweet,
    TweetCounts,
    UnixMs,
    User,
    UserCounts,
    UserId,
)

T = TypeVar("T")


class CachedUser(Struct, weakref=True):
    """A profile with its encoded segment; equal for all viewers."""

    user: User
    json: bytes | None = None


class CachedTweet(Struct, gc=False):
    """A tweet with its author, counts and encoding; equal for all viewers.

    `json` is the whole tweet as a viewer without flags sees it; up to `json_tail` it is the same
    for everybody. The tail holds counts and flags: a favorite must not void what is before it.
    """

    tweet: Tweet
    author: CachedUser
    counts: TweetCounts
    json: bytes | None = None
    json_user: bytes | None = None
    json_tail: int = 0


class ViewerFlags(Struct, frozen=True, gc=False):
    """What one viewer did to one tweet."""

    favorited: bool = False
    retweeted: bool = False
    bookmarked: bool = False


NO_FLAGS = ViewerFlags()


class TweetView(Struct, frozen=True, gc=False):
    """A tweet as one viewer may see it. `own`: the viewer wrote it."""

    cached: CachedTweet
    flags: ViewerFlags = NO_FLAGS
    own: bool = False


class Relationship(Struct, frozen=True, gc=False):
    """How a viewer and a user stand to each other."""

    following: bool = False
    followed_by: bool = False
    blocking: bool = False
    muting: bool = False


class OwnDetails(Struct, frozen=True, gc=False):
    """What only the account itself is told."""

    email: str
    date_of_birth: str | None
    last_login: UnixMs | None


class UserView(Struct, frozen=True, gc=False):
    """A user as one viewer may see them; `relationship` is None for oneself and strangers."""

    user: User
    counts: UserCounts
    relationship: Relationship | None = None
    own: OwnDetails | None = None


class SignedIn(Struct, frozen=True, gc=False):
    """An account that just got a key; `secret` is shown this once.

    `waiting`: the key will work once somebody has let them in.
    """

    user: UserView
    key: ApiKey
    secret: str
    waiting: bool = False


class Applicant(Struct, frozen=True, gc=False):
    """Somebody who waits for approval, as a moderator sees them."""

    user: User
    email: str


class NewInvite(Struct, frozen=True, gc=False):
    """An invite that was just made; `code` is shown this once."""

    invite: Invite
    code: str


class FlagView(Struct, frozen=True, gc=False):
    """A flag with what it is about: None where that is gone by now."""

    flag: Flag
    author: User | None
    tweet: Tweet | None
    closer: User | None


class ActionView(Struct, frozen=True, gc=False):
    """A line of the trail; `actor` is None for the shell, and for who is gone by now."""

    action: Action
    actor: User | None


class Position(Struct, frozen=True, gc=False):
    """A place in a list: below (or above) which the next (or previous) page begins.

    Tweets are placed by id (`at` is 0); follow lists by the time of the action, then the id.
    """

    other: int
    at: int = 0


class Page(Struct, Generic[T], gc=False):
    """Part of a list, newest first; `next` leads to older, `prev` to newer items.

    `json` and `json_link` are what a front end made of it: body and Link header. They live as long
    as the page, which a service hands out again only while nothing in it has changed.
    """

    items: list[T]
    next: Position | None = None
    prev: Position | None = None
    json: bytes | None = None
    json_link: str = ""


class KeptPage(Struct, gc=False):
    """A viewer's first page, and what it was made of: it is valid while that stays the same."""

    ids: Sequence[int]
    revision: int
    page: Page[TweetView]


class Viewer(Struct, frozen=True, gc=False):
    """Who asks, and with which key."""

    user_id: UserId
    key_digest: bytes
