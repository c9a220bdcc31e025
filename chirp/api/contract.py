"""What each route takes and gives, one line each: `/openapi.json` and `/docs` are made of it.

Routes themselves stand in `chirp.api.routes`; one without a line here stops the start.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from chirp.api.bodies import KeyBody, RegisterBody, SessionBody, TweetBody
from chirp.api.queries import PeopleQuery, TweetsQuery, UserTweetsQuery
from chirp.client.shapes import Key, KeyCreated, Page, Posted, Related, SignedIn, Tweet, User


class About(NamedTuple):
    """A few words, and the types of what goes in and comes out.

    `answer` None: no body (204). `refusals`: statuses besides those that follow from the rest, as
    401 does from a key and 404 from a path with a name in it (`chirp.api.openapi`).
    """

    summary: str
    answer: object
    status: int = 200
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    refusals: tuple[int, ...] = ()


ABOUT = {
    "POST /users": About("Register an account", SignedIn, 201, RegisterBody, refusals=(409,)),
    "GET /users/me": About("Read one's own profile", User),
    "POST /sessions": About("Sign in for a new key", SignedIn, 201, SessionBody),
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
    "POST /tweet": About("Post a tweet", Posted, 201, TweetBody),
    "GET /tweets/{id}": About("Read a tweet", Tweet),
    "DELETE /tweets/{id}": About("Delete one's own tweet", None, 204),
    "GET /timeline/home": About("Read the home timeline", Page[Tweet], query=TweetsQuery),
}
"""By method and path below the base, in the order of `/docs`."""
