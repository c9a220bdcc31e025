"""The shapes of the native API's JSON: what the server promises and the client reads.

The server writes its OpenAPI document from these, and a test holds its real answers against them;
the client decodes answers into them. A field that may be absent has a default. Fields that a later
server adds are ignored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

T = TypeVar("T")

Id = Annotated[
    str,
    Meta(
        description="A number above 0, as a string.",
        examples=["117503961088000001"],
        extra_json_schema={"pattern": "^[0-9]{1,19}$"},
    ),
]
Time = Annotated[
    datetime,
    Meta(tz=True, description="UTC with milliseconds.", examples=["2026-11-23T09:00:00.000Z"]),
]
Count = Annotated[int, Meta(examples=[3], extra_json_schema={"minimum": 0})]
Address = Annotated[
    str,
    Meta(examples=["https://chirp.example/ada"], extra_json_schema={"format": "uri"}),
]
TweetAddress = Annotated[
    str,
    Meta(
        examples=["https://chirp.example/ada/status/117503961088000001"],
        extra_json_schema={"format": "uri"},
    ),
]
Username = Annotated[str, Meta(description="A name of an account.", examples=["ada"])]
Name = Annotated[str, Meta(description="The name that people see.", examples=["Ada Lovelace"])]
Email = Annotated[str, Meta(examples=["ada@example.org"])]
Birthday = Annotated[str, Meta(description="YYYY-MM-DD.", examples=["1815-12-10"])]
Text = Annotated[str, Meta(description="What it says.", examples=["hello, #world"])]
Place = Annotated[str, Meta(description='A name of a place, or "lat,long".', examples=["London"])]
Lang = Annotated[str, Meta(description="A language tag.", examples=["en"])]
Token = Annotated[str, Meta(description="An opaque cursor; null where the list ends.")]
Indices = Annotated[
    tuple[Count, Count],
    Meta(
        description="Begin and end in Unicode code points; the end is exclusive.",
        examples=[[7, 13]],
    ),
]
Secret = Annotated[
    str,
    Meta(description="The key itself, shown this once.", examples=["chirp_2bd3f6…"]),
]
Success = Literal["success"]


class Relationship(Struct, frozen=True):
    """How the viewer and a user stand to each other."""

    following: bool
    followed_by: bool
    blocking: bool
    muting: bool


class ShortUser(Struct, frozen=True):
    """What a tweet shows of its author."""

    user_id: Id
    username: Username
    name: Name
    avatar_url: Address | None


class User(Struct, frozen=True):
    """A profile. `relationship`: with a key, not of oneself; what follows it: one's own alone."""

    user_id: Id
    username: Username
    name: Name
    bio: Annotated[str, Meta(examples=["I write for engines."])] | None
    location: Place | None
    avatar_url: Address | None
    header_url: Address | None
    created_at: Time
    num_followers: Count
    num_following: Count
    num_tweets: Count
    profile_url: Address
    relationship: Relationship | None = None
    email: Email | None = None
    date_of_birth: Birthday | None = None
    last_login: Time | None = None


class Hashtag(Struct, frozen=True):
    """A hashtag, without its sign."""

    tag: Annotated[str, Meta(examples=["world"])]
    indices: Indices


class Mention(Struct, frozen=True):
    """A name with an at sign; `user_id` is null when nobody had it."""

    username: Username
    user_id: Id | None
    indices: Indices


class Link(Struct, frozen=True):
    """An address in a text, as it stands there."""

    url: Annotated[str, Meta(examples=["https://example.org"])]
    indices: Indices


class Entities(Struct, frozen=True):
    """What a text holds besides words."""

    hashtags: tuple[Hashtag, ...]
    mentions: tuple[Mention, ...]
    urls: tuple[Link, ...]


class Media(Struct, frozen=True):
    """A picture or a film; addresses and sizes are null until it is ready."""

    media_id: Id
    type: Literal["photo", "video", "gif"]
    url: Address | None
    preview_url: Address | None
    alt_text: str | None
    width: Count | None
    height: Count | None
    duration_s: float | None
    blurhash: str | None
    size_bytes: Count | None
    state: Literal["processing", "ready", "failed"]


class Tweet(Struct, frozen=True):
    """A tweet as the viewer sees it. `user_location`: of one's own tweets alone."""

    tweet_id: Id
    tweet_url: TweetAddress
    content: Text
    created_at: Time
    edited_at: Time | None
    version: Count
    tweet_location: Place | None
    lang: Lang | None
    sensitive: bool
    media: tuple[Media, ...]
    entities: Entities
    in_reply_to_tweet_id: Id | None
    conversation_id: Id
    user: ShortUser
    retweet_of: Tweet | None
    quote_of: Tweet | None
    num_favorites: Count
    num_retweets: Count
    num_replies: Count
    num_quotes: Count
    favorited: bool
    retweeted: bool
    bookmarked: bool
    user_location: Place | None = None


class Version(Struct, frozen=True):
    """What a tweet said before, or says now."""

    version: Count
    content: Text
    created_at: Time


class Key(Struct, frozen=True):
    """A developer key or a session, without its secret."""

    key_id: Id
    name: Annotated[str, Meta(description="What the key is for.", examples=["bot"])]
    session: Annotated[bool, Meta(description="Whether it came from signing in.")]
    created_at: Time
    last_used: Time | None


class Page(Struct, Generic[T], frozen=True):
    """Part of a list, newest first; `next` leads to older items, `prev` to newer ones."""

    data: tuple[T, ...]
    next: Token | None
    prev: Token | None


class Hidden(Struct, frozen=True):
    """What stands in a thread for a tweet that is gone or not for this viewer."""

    tweet_id: Id
    tombstone: Literal[True]


# A union of two structs without a tag cannot be decoded at once; `ancestor_of` looks which it is.
Ancestor = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "anyOf": [
                {"$ref": "#/components/schemas/Tweet"},
                {"$ref": "#/components/schemas/Hidden"},
            ]
        }
    ),
]


def ancestor_of(raw: Raw) -> Tweet | Hidden:
    """Return what an element of a thread's ancestors is. Raises: msgspec.DecodeError."""
    try:
        return msgspec.json.decode(raw, type=Hidden)
    except msgspec.ValidationError:
        return msgspec.json.decode(raw, type=Tweet)


class Thread(Struct, frozen=True):
    """A tweet between what it answers, from the root down, and the answers to it."""

    ancestors: tuple[Ancestor, ...]
    tweet: Tweet
    replies: Page[Tweet]


class SignedIn(Struct, frozen=True):
    """An account that just got a key; one that waits for approval cannot use it yet."""

    status: Success
    user: User
    api_dev_key: Secret
    waiting_for_approval: bool = False


class KeyCreated(Struct, frozen=True):
    """A new key with its secret."""

    status: Success
    key: Key
    api_dev_key: Secret


class Posted(Struct, frozen=True):
    """A tweet that was just stored or changed."""

    status: Success
    tweet_url: TweetAddress
    tweet: Tweet


class TweetDone(Struct, frozen=True):
    """A tweet after the viewer did something to it."""

    status: Success
    tweet: Tweet


class Related(Struct, frozen=True):
    """How one stands to somebody after a follow, a block or a mute."""

    status: Success
    relationship: Relationship


class Failure(Struct, frozen=True):
    """The body of every refusal. `message` is for people; `error` and `field` for programs."""

    status: Literal["error"]
    error: Annotated[str, Meta(examples=["invalid_request"])]
    message: Annotated[str, Meta(examples=["tweet_data is missing"])]
    request_id: Annotated[str, Meta(examples=["aed80a37-2"])]
    field: Annotated[str, Meta(examples=["tweet_data"])] | None = None


class Health(Struct, frozen=True):
    """That the process lives."""

    status: Literal["ok"]
    version: Annotated[str, Meta(examples=["0.1.0"])]


class Readiness(Struct, frozen=True):
    """Whether the server can serve, with the reasons when not."""

    status: Literal["ready", "not ready"]
    reasons: tuple[str, ...]


class Person(ShortUser, frozen=True):
    """Somebody as a moderator sees them."""

    suspended: bool
    created_at: Time


class Applicant(Person, frozen=True):
    """Somebody who waits for approval."""

    email: Email


class PersonDone(Struct, frozen=True):
    """Somebody after a moderator did something."""

    status: Success
    user: Person


class Invite(Struct, frozen=True):
    """An invite; `created_by` is null for the operator's shell. `code`: shown this once."""

    invite_id: Id
    created_by: Id | None
    created_at: Time
    expires_at: Time
    uses: Count
    most_uses: Count
    code: str | None = None


class InviteCreated(Struct, frozen=True):
    """A new invite with its code."""

    status: Success
    invite: Invite


class Reason(Struct, frozen=True):
    """Why a filter raised a flag."""

    filter: Annotated[str, Meta(examples=["links"])]
    reason: Annotated[str, Meta(examples=["many links"])]


class Flag(Struct, frozen=True):
    """A tweet that a filter found odd; its text and author are null where they are gone."""

    flag_id: Id
    tweet_id: Id
    content: Text | None
    user_id: Id
    user: Person | None
    reasons: tuple[Reason, ...]
    raised_at: Time
    state: Literal["open", "closed"]
    closed_by: ShortUser | None
    closed_at: Time | None
    note: str | None


class FlagDone(Struct, frozen=True):
    """A flag after it was closed."""

    status: Success
    flag: Flag


class Action(Struct, frozen=True):
    """A line of the trail; `actor_id` is null for the operator's shell."""

    action_id: Id
    action: Annotated[str, Meta(examples=["suspend"])]
    actor_id: Id | None
    actor: ShortUser | None
    subject_id: Id
    username: Username | None
    at: Time
    note: str | None
