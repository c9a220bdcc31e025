"""The records that everything else speaks of: users, accounts, keys and tweets.

All are immutable and free of behaviour. They are msgspec structs without cycle tracking
(`gc=False`): half a million cached tweets then cost the collector nothing.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NewType

from msgspec import Struct

UserId = NewType("UserId", int)
TweetId = NewType("TweetId", int)
MediaId = NewType("MediaId", int)
KeyId = NewType("KeyId", int)
InviteId = NewType("InviteId", int)
ActionId = NewType("ActionId", int)
UnixMs = NewType("UnixMs", int)

MAX_ID = 2**63 - 1
"""The greatest id that any layout can make; ids start at 1."""

SHELL = UserId(0)
"""Who acts when the operator does, from the shell: no account has this id."""


class Visibility(IntEnum):
    """Who may see a tweet. Only PUBLIC is written so far; the byte is in every row."""

    PUBLIC = 0
    UNLISTED = 1
    FOLLOWERS = 2
    DIRECT = 3


class Role(IntEnum):
    """What an account may do beyond its own things."""

    USER = 0
    MODERATOR = 1
    ADMIN = 2


class EntityKind(IntEnum):
    """What a span of a tweet's text is."""

    HASHTAG = 0
    MENTION = 1
    URL = 2


class Entity(Struct, frozen=True, gc=False, array_like=True):
    """A span of `Tweet.content`, in code points, `end` exclusive.

    `user_id` is set on mentions of people who existed when the tweet was posted, else 0.
    """

    kind: EntityKind
    start: int
    end: int
    user_id: int = 0


class Tweet(Struct, frozen=True, gc=False):
    """One version of a tweet; an edit makes a new one with a greater `version`."""

    tweet_id: TweetId
    author_id: UserId
    content: str
    created_at: UnixMs
    conversation_id: TweetId
    visibility: Visibility = Visibility.PUBLIC
    sensitive: bool = False
    version: int = 1
    edited_at: UnixMs | None = None
    lang: str | None = None
    tweet_location: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    user_location: str | None = None
    media_ids: tuple[int, ...] = ()
    entities: tuple[Entity, ...] = ()
    in_reply_to_tweet_id: TweetId | None = None
    in_reply_to_user_id: UserId | None = None
    retweet_of: TweetId | None = None
    quote_of: TweetId | None = None


class MediaKind(StrEnum):
    """What a tweet shows. A gif is a silent video that loops."""

    PHOTO = "photo"
    VIDEO = "video"
    GIF = "gif"


class MediaState(StrEnum):
    """How far an upload is."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class Blob(Struct, frozen=True, gc=False):
    """A file: the SHA-256 of its content in hex, and how it is served."""

    name: str = ""
    content_type: str = ""
    extension: str = ""
    size_bytes: int = 0


NO_BLOB = Blob()


class Media(Struct, frozen=True, gc=False):
    """A picture or a video that somebody uploaded. Pixels; `duration_ms` of what moves.

    `used_by`: the tweet that shows it, or its owner, whose profile does; 0: nothing yet.
    """

    media_id: MediaId
    owner_id: UserId
    kind: MediaKind
    state: MediaState
    created_at: UnixMs
    original: Blob = NO_BLOB
    preview: Blob = NO_BLOB
    width: int = 0
    height: int = 0
    duration_ms: int | None = None
    blurhash: str = ""
    alt_text: str = ""
    used_by: int = 0
    problem: str = ""


class User(Struct, frozen=True, gc=False):
    """What everybody may know of a person. `version` grows with each change of the profile."""

    user_id: UserId
    username: str
    name: str
    created_at: UnixMs
    bio: str = ""
    location: str = ""
    avatar_id: int | None = None
    header_id: int | None = None
    suspended: bool = False
    version: int = 1


class Account(Struct, frozen=True, gc=False):
    """What only the account itself and the operator may know of a person.

    `version` is that of the newest profile that was written with it, or less in old rows.
    """

    user_id: UserId
    username: str
    email: str
    password_hash: str | None = None
    date_of_birth: str | None = None
    last_login: UnixMs | None = None
    role: Role = Role.USER
    suspended: bool = False
    version: int = 1


SESSION = "session"
"""What keys that come from signing in are called; other keys may be called so too."""


class ApiKey(Struct, frozen=True, gc=False):
    """A developer key or session. The secret itself is never kept, only its digest.

    `session`: whether it came from signing in; None in rows from before this was kept.
    """

    key_id: KeyId
    user_id: UserId
    name: str
    digest: bytes
    created_at: UnixMs
    last_used: UnixMs | None = None
    session: bool | None = None

    @property
    def is_session(self) -> bool:
        """Whether it came from signing in: a new password ends it."""
        return self.name == SESSION if self.session is None else self.session


class Invite(Struct, frozen=True, gc=False):
    """A code that lets its holders register. The code itself is never kept, only its digest.

    `created_by` is 0 when it was made from the shell. `expires_at` is exclusive.
    """

    invite_id: InviteId
    digest: bytes
    created_by: UserId
    created_at: UnixMs
    expires_at: UnixMs
    most_uses: int = 1
    uses: int = 0


class FlagReason(Struct, frozen=True, gc=False, array_like=True):
    """What one filter has to say of a tweet, in words for the moderator."""

    filter: str
    words: str


class Flag(Struct, frozen=True, gc=False):
    """A tweet that a filter shows to the moderators; the tweet itself stays as it is.

    `closed_by` is None while the flag is open, and 0 when it was closed from the shell.
    """

    tweet_id: TweetId
    author_id: UserId
    raised_at: UnixMs
    reasons: tuple[FlagReason, ...]
    closed_by: UserId | None = None
    closed_at: UnixMs | None = None
    note: str = ""


class ActionKind(IntEnum):
    """What a moderator did."""

    APPROVE = 0
    REJECT = 1
    SUSPEND = 2
    UNSUSPEND = 3
    REMOVE_TWEET = 4
    CLOSE_FLAG = 5
    CREATE_INVITE = 6
    REVOKE_INVITE = 7


class Action(Struct, frozen=True, gc=False):
    """One line of the trail: who did what to whom, when and why.

    `actor_id` is 0 for the operator's shell. `subject_id` is a user, a tweet or an invite, as
    `kind` says; `username` is the person's name at that time, empty for invites.
    """

    action_id: ActionId
    kind: ActionKind
    actor_id: UserId
    subject_id: int
    username: str
    at: UnixMs
    why: str = ""


class UserCounts(Struct, frozen=True, gc=False):
    """How many follow a user, how many they follow, how many tweets they have."""

    followers: int = 0
    following: int = 0
    tweets: int = 0


class TweetCounts(Struct, frozen=True, gc=False):
    """How often a tweet was favorited, retweeted, answered and quoted."""

    favorites: int = 0
    retweets: int = 0
    replies: int = 0
    quotes: int = 0


NO_COUNTS = TweetCounts()
"""Shared by all tweets that nobody reacted to yet."""
