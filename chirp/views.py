"""What services hand up: views of tweets and users for one viewer, and pages of them.

`CachedTweet` and `CachedUser` are shared between all viewers and kept by the caches. Their
mutable slots hold encoded segments, one a dialect: a front end encodes them once and splices them
ever after.

Invariants:
- There is at most one CachedUser of a user; a changed profile changes it in place, so that every
  cached tweet of that author shows the new one.
- An encoded tweet remembers the author segment that it was made with (`json_user`): it is valid
  as long as that very object is the author's segment.
- A CachedTweet's tweet and counts never change: an edit or a favorite puts a new CachedTweet in
  its place, so whoever holds the very one that the cache holds has what is true now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr

from chirp.model import (
    Action,
    ApiKey,
    Flag,
    Invite,
    Media,
    Tweet,
    TweetCounts,
    TweetId,
    UnixMs,
    User,
    UserCounts,
    UserId,
    Visibility,
)

T = TypeVar("T")


class CachedUser(Struct, weakref=True):
    """A profile with its encoded segment; equal for all viewers."""

    user: User
    json: bytes | None = None


class CachedTweet(Struct, gc=False, eq=False):
    """A tweet with its author, counts and encoding; equal for all viewers.

    `json` is the whole tweet as a viewer without flags sees it; up to `json_tail` it is the same
    for everybody. The tail holds counts and flags: a favorite must not void what is before it, so
    its successor begins with that as `json_head`. `plain`: what it says stands by itself and is
    open to all, so nothing but who wrote it can keep it from anybody.
    """

    tweet: Tweet
    author: CachedUser
    counts: TweetCounts
    media: tuple[Media, ...] = ()
    json: bytes | None = None
    json_user: bytes | None = None
    json_tail: int = 0
    json_head: bytes | None = None
    plain: bool = False

    def __post_init__(self) -> None:
        tweet = self.tweet
        answered = tweet.in_reply_to_user_id
        self.plain = (
            tweet.visibility <= Visibility.UNLISTED
            and tweet.retweet_of is None
            and tweet.quote_of is None
            and (answered is None or answered == tweet.author_id)
        )

    def succeeded_by(
        self, tweet: Tweet, counts: TweetCounts, media: tuple[Media, ...]
    ) -> CachedTweet:
        """Return what takes this one's place; the encoding that still holds goes with it."""
        after = CachedTweet(tweet, self.author, counts, media)
        if tweet.version == self.tweet.version and media == self.media:
            after.json_user, after.json_tail = self.json_user, self.json_tail
            after.json_head = self.json_head
            if self.json is not None:
                after.json_head = self.json[: self.json_tail]
        return after


class ViewerFlags(Struct, frozen=True, gc=False):
    """What one viewer did to one tweet."""

    favorited: bool = False
    retweeted: bool = False
    bookmarked: bool = False


NO_FLAGS = ViewerFlags()


class TweetView(Struct, frozen=True, gc=False):
    """A tweet as one viewer may see it. `own`: the viewer wrote it.

    `nested` is the original of a retweet, or the quoted tweet of a quote if the viewer may see
    it. A retweet's flags are those of its original. `as_all`: what a stranger sees who sees nothing
    nested: the viewer did not write it and has no flags on it, and there is nothing nested.
    """

    cached: CachedTweet
    flags: ViewerFlags = NO_FLAGS
    own: bool = False
    nested: TweetView | None = None
    as_all: bool = False


def bare_view(cached: CachedTweet, flags: ViewerFlags, own: bool) -> TweetView:
    """Return a view with nothing nested."""
    return TweetView(cached, flags, own, None, not own and flags is NO_FLAGS)


def original_of(view: TweetView) -> TweetView:
    """Return the original of a retweet, and any other view itself."""
    if view.cached.tweet.retweet_of is not None and view.nested is not None:
        return view.nested
    return view


class Sight(Struct, frozen=True, gc=False):
    """What keeps tweets and people from one viewer. `user_id` is None for anonymous readers.

    `blocked`: whom the viewer blocks and who blocks the viewer. `blocking`: only the former.
    `apart`: whose tweets may look different to this viewer than to a stranger: all of these, and
    the viewer's own.
    """

    user_id: UserId | None = None
    blocked: frozenset[int] = frozenset()
    blocking: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()
    apart: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        own = frozenset() if self.user_id is None else frozenset({self.user_id})
        force_setattr(self, "apart", self.blocked | self.muted | own)


ANONYMOUS = Sight()


class Tombstone(Struct, frozen=True, gc=False):
    """What stands in a thread for a tweet that is gone or that the viewer may not see."""

    tweet_id: TweetId


class ThreadView(Struct, frozen=True, gc=False):
    """A tweet between what it answers, from the root down, and what answers it."""

    ancestors: list[TweetView | Tombstone]
    tweet: TweetView
    replies: Page[TweetView]


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

    `json` is what a front end made of its items, `html` what another one made of all of it. They
    live as long as the page, which a service hands out again only while nothing in it has changed.
    `stands` says whether that is still so, if that can be said at once. `keep` notes how many
    bytes more such a page holds, and keeps an answer that was made of it, if one is given: not
    longer than the page, and only the last few. `before`: a page of which all but the first items
    here are the first there, the very same; until this one is rendered.
    """

    items: list[T]
    next: Position | None = None
    prev: Position | None = None
    json: list[bytes] | None = None
    html: bytes | None = None
    stands: Callable[[], bool] | None = None
    keep: Callable[..., None] | None = None
    before: Page[T] | None = None


class Basis(Struct, gc=False):
    """What a viewer's first page was made of: the page is valid while that stays the same.

    `made_of`: what else than tweets it depends on. `changes`: how often tweets had changed when
    `cells`, all tweets within `items`, were last seen to be as the cache holds them.
    """

    ids: Sequence[int]
    made_of: tuple[object, ...]
    changes: int
    items: list[TweetView]
    cells: list[CachedTweet] | None = None


Place = tuple[UserId, int]
"""Whose first page it is, and how many tweets it may hold."""


Slot = tuple[UserId, bool]
"""Whose first page is kept there, and whether it is one of the usual length."""


class KeptPage(NamedTuple):
    """A viewer's first page, what it was made of, and answers made of it, with sizes in bytes."""

    place: Place
    basis: Basis
    page: Page[TweetView]
    answers: list[tuple[object, int]]


class Viewer(Struct, frozen=True, gc=False):
    """Who asks, and with which key."""

    user_id: UserId
    key_digest: bytes
