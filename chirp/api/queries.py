"""What addresses may ask for after the question mark, as structs that only describe.

`chirp.http.paging` reads queries by hand (no struct is made of one: a home page takes 0.1 ms); a
test asks every field of these for real.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chirp.pages import DEFAULT_PAGE, MAX_PAGE

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="How many items to return.")]
Cursor = Annotated[str, Meta(description="The `next` or `prev` of a page.")]
_ID = {"type": "string", "pattern": "^[0-9]{1,19}$"}
OlderThan = Annotated[str, Meta(description="Older than this tweet.", extra_json_schema=_ID)]
NewestAbove = Annotated[
    str, Meta(description="The newest page above this tweet.", extra_json_schema=_ID)
]
DirectlyAbove = Annotated[
    str, Meta(description="The page directly above this tweet.", extra_json_schema=_ID)
]


class PeopleQuery(Struct):
    """A list by the order of an action: by cursor only."""

    maximum_results_to_return: Limit = DEFAULT_PAGE
    limit: Annotated[Limit, Meta(description="The same, in short.")] = DEFAULT_PAGE
    cursor: Cursor | None = None


class TweetsQuery(PeopleQuery):
    """A list of tweets by id; bounds are exclusive."""

    max_id: OlderThan | None = None
    since_id: NewestAbove | None = None
    min_id: DirectlyAbove | None = None


class UserTweetsQuery(TweetsQuery):
    """The tweets of one author."""

    exclude_replies: Annotated[bool, Meta(description="Leave replies to others out.")] = False
    only_media: Annotated[bool, Meta(description="Only tweets with media.")] = False


class FlagsQuery(PeopleQuery):
    """What filters found."""

    state: Literal["open", "closed", "all"] = "open"


class StreamQuery(Struct):
    """A stream, which may go on where it broke."""

    last_event_id: (
        Annotated[str, Meta(description="The last event one has; else `Last-Event-ID`.")] | None
    ) = None
