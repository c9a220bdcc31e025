"""What services hand up: views of tweets and users for one viewer, and pages of them.

`CachedTweet` and `CachedUser` are shared between all viewers and kept by the caches. Their
mutable slots hold encoded segments, one a dialect: a front end encodes a body once and splices it
ever after. Counts and the viewer's flags stay out of a body: a favorite must not void it.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from chirp.model import ApiKey, Tweet, TweetCounts, UnixMs, User, UserCounts, UserId

T = TypeVar("T")


class CachedTweet(Struct, gc=False):
    """A tweet with its encoded bodies; equal for all viewers."""

    tweet: Tweet
    counts: TweetCounts
    json: bytes | None = None


class CachedUser(Struct, gc=False):
    """A profile with its encoded segments; equal for all viewers, replaced when it changes."""

    user: User
    json: bytes | None = None


class ViewerFlags(Struct, frozen=True, gc=False):
    """What one viewer did to one tweet."""

    favorited: bool = False
    retweeted: bool = False
    bookmarked: bool = False


NO_FLAGS = ViewerFlags()


class TweetView(Struct, frozen=True, gc=False):
    """A tweet as one viewer may see it. `own`: the viewer wrote it."""

    cached: CachedTweet
    author: CachedUser
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
    """An account that just got a key; `secret` is shown this once."""

    user: UserView
    key: ApiKey
    secret: str


class Position(Struct, frozen=True, gc=False):
    """A place in a list: below (or above) which the next (or previous) page begins.

    Tweets are placed by id (`at` is 0); follow lists by the time of the action, then the id.
    """

    other: int
    at: int = 0


class Page(Struct, Generic[T], frozen=True, gc=False):
    """Part of a list, newest first; `next` leads to older, `prev` to newer items."""

    items: list[T]
    next: Position | None = None
    prev: Position | None = None


class Viewer(Struct, frozen=True, gc=False):
    """Who asks, and with which key."""

    user_id: UserId
    key_digest: bytes
