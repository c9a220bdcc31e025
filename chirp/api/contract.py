"""What each route takes and gives, one line each: `/openapi.json` and `/docs` are made of it.

Routes themselves stand in `chirp.api.routes`; one without a line here stops the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from chirp.api.bodies import (
    AltTextBody,
    EditTweetBody,
    InviteBody,
    KeyBody,
    NoteBody,
    PasswordBody,
    ProfileBody,
    RegisterBody,
    SessionBody,
    TweetBody,
    UploadBody,
)
from chirp.api.queries import FlagsQuery, PeopleQuery, StreamQuery, TweetsQuery, UserTweetsQuery
from chirp.client.shapes import (
    Action,
    Applicant,
    Flag,
    FlagDone,
    Health,
    Invite,
    InviteCreated,
    Key,
    KeyCreated,
    Media,
    Page,
    PersonDone,
    Posted,
    Readiness,
    Related,
    SignedIn,
    Thread,
    Tweet,
    TweetDone,
    User,
    Version,
)


class About(NamedTuple):
    """A few words, and the types of what goes in and comes out.

    `answer` None: no body (204); a text: another content type than JSON. `refusals`: statuses
    besides those that follow from the rest, as 404 does from a path with a name in it
    (`chirp.api.openapi`). `others`: what comes with a further status, and is no refusal.
    `example`: a body, where the fields that it requires do not make one.
    """

    summary: str
    answer: object
    status: int = 200
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    refusals: tuple[int, ...] = ()
    others: Mapping[int, object] = MappingProxyType({})
    example: Mapping[str, object] | None = None


ABOUT = {
    "POST /users": About("Register an account", SignedIn, 201, RegisterBody, refusals=(409,)),
    "GET /users/me": About("Read one's own profile", User),
    "PATCH /users/me": About("Change one's own profile", User, body=ProfileBody, refusals=(409,)),
    "DELETE /users/me": About("Close one's own account", None, 204, PasswordBody),
    "POST /sessions": About(
        "Sign in for a new key",
        SignedIn,
        201,
        SessionBody,
        example={"username": "ada", "password": "correct-horse"},
    ),
    "DELETE /sessions/current": About("Sign out: revoke the key of this request", None, 204),
    "GET /keys": About("List developer keys", Page[Key]),
    "POST /keys": About("Make a developer key", KeyCreated, 201, KeyBody),
    "DELETE /keys/{key_id}": About("Revoke a developer key", None, 204),
    "GET /users/{username}": About("Read a profile", User),
    "GET /users/{username}/tweets": About(
        "Read the tweets of a user", Page[Tweet], query=UserTweetsQuery
    ),
    "GET /users/{username}/followers": About(
        "List who follows a user", Page[User], query=PeopleQuery
    ),
    "GET /users/{username}/following": About(
        "List whom a user follows", Page[User], query=PeopleQuery
    ),
    "POST /users/{username}/follow": About("Follow a user", Related),
    "DELETE /users/{username}/follow": About("Unfollow a user", Related),
    "POST /tweet": About("Post a tweet", Posted, 201, TweetBody, refusals=(422,)),
    "GET /tweets/{id}": About("Read a tweet", Tweet),
    "DELETE /tweets/{id}": About("Delete one's own tweet", None, 204),
    "GET /timeline/home": About("Read the home timeline", Page[Tweet], query=TweetsQuery),
    "GET /users/{username}/favorites": About(
        "List what a user favorited", Page[Tweet], query=PeopleQuery
    ),
    "POST /users/{username}/block": About("Block a user", Related),
    "DELETE /users/{username}/block": About("Unblock a user", Related),
    "POST /users/{username}/mute": About("Mute a user", Related),
    "DELETE /users/{username}/mute": About("Unmute a user", Related),
    "PATCH /tweets/{id}": About("Edit one's own tweet", Posted, body=EditTweetBody),
    "GET /tweets/{id}/versions": About("List what a tweet said", Page[Version], query=PeopleQuery),
    "GET /tweets/{id}/thread": About("Read a tweet's thread", Thread, query=TweetsQuery),
    "GET /tweets/{id}/favorites": About("List who favorited", Page[User], query=PeopleQuery),
    "GET /tweets/{id}/retweets": About("List who retweeted", Page[User], query=PeopleQuery),
    "GET /tweets/{id}/quotes": About("List the quotes of a tweet", Page[Tweet], query=TweetsQuery),
    "POST /tweets/{id}/favorite": About("Favorite a tweet", TweetDone),
    "DELETE /tweets/{id}/favorite": About("Take a favorite back", TweetDone),
    "POST /tweets/{id}/retweet": About("Retweet a tweet", TweetDone),
    "DELETE /tweets/{id}/retweet": About("Take a retweet back", TweetDone),
    "POST /tweets/{id}/bookmark": About("Bookmark a tweet", TweetDone),
    "DELETE /tweets/{id}/bookmark": About("Take a bookmark back", TweetDone),
    "GET /timeline/public": About("Read the public timeline", Page[Tweet], query=TweetsQuery),
    "GET /bookmarks": About("Read one's own bookmarks", Page[Tweet], query=PeopleQuery),
    "GET /stream": About("Read events as they happen", "text/event-stream", query=StreamQuery),
    "POST /media": About(
        "Upload a photo or a video",
        Media,
        body=UploadBody,
        refusals=(415, 422),
        others={202: Media},
    ),
    "GET /media/{id}": About("Read how far an upload is", Media),
    "PATCH /media/{id}": About("Describe an upload", Media, body=AltTextBody),
    "GET /admin/registrations": About(
        "List who waits for approval", Page[Applicant], query=PeopleQuery
    ),
    "POST /admin/registrations/{username}/approve": About("Approve", PersonDone, body=NoteBody),
    "POST /admin/registrations/{username}/reject": About("Reject", PersonDone, body=NoteBody),
    "GET /admin/invites": About("List invites", Page[Invite]),
    "POST /admin/invites": About("Make an invite", InviteCreated, 201, InviteBody),
    "DELETE /admin/invites/{id}": About("Revoke an invite", None, 204),
    "GET /admin/flags": About("List flags", Page[Flag], query=FlagsQuery),
    "POST /admin/flags/{id}/close": About("Close a flag", FlagDone, body=NoteBody),
    "POST /admin/users/{username}/suspend": About("Suspend a user", PersonDone, body=NoteBody),
    "POST /admin/users/{username}/unsuspend": About("End a suspension", PersonDone, body=NoteBody),
    "DELETE /admin/tweets/{id}": About("Remove a tweet", None, 204, NoteBody),
    "GET /admin/actions": About("Read the trail", Page[Action], query=PeopleQuery),
}
"""By method and path below the base, in the order of `/docs`."""

HTML = "text/html; charset=utf-8"

OUTSIDE = {
    "GET /healthz": About("Whether the process lives", Health),
    "GET /readyz": About(
        "Whether the server can serve, and why not", Readiness, others={503: Readiness}
    ),
    "GET /metrics": About("Figures for Prometheus", "text/plain; version=0.0.4", refusals=(403,)),
    "GET /status": About("A status page", HTML, refusals=(400, 401, 403, 429, 503)),
    "GET /openapi.json": About("This description", "application/json"),
    "GET /docs": About("This description, to read", HTML),
    "GET /docs/{file}": About("What that page needs besides", "text/*", refusals=(404,)),
}
"""By method and path: what is not below the base."""

KEPT_ANSWERS = frozenset({"POST /tweet", "POST /tweets/{id}/retweet"})
"""Which take `Idempotency-Key`; elsewhere a repeated request changes nothing anyway."""
