"""Which page of a list is asked for. Like commands, each is right once it is built."""

from __future__ import annotations

from dataclasses import dataclass

from chirp.errors import Invalid
from chirp.model import MAX_ID, Tweet
from chirp.views import Position

MAX_PAGE = 100
DEFAULT_PAGE = 20


@dataclass(frozen=True, slots=True)
class ReadTweets:
    """A page of a list of tweets. All bounds are exclusive.

    `since_id`: the newest page above it. `min_id`: the page directly above it.
    """

    limit: int = DEFAULT_PAGE
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None
    exclude_replies: bool = False
    only_media: bool = False

    def __post_init__(self) -> None:
        check_limit(self.limit)

    def wants(self, tweet: Tweet) -> bool:
        """Say whether a tweet passes the filters. Replies to oneself are no replies to others."""
        answers = tweet.in_reply_to_user_id
        if self.exclude_replies and answers is not None and answers != tweet.author_id:
            return False
        return bool(tweet.media_ids) or not self.only_media

    @property
    def is_first(self) -> bool:
        """Whether this is the newest page, of whatever length, with nothing left out."""
        bounded = self.max_id is not None or self.since_id is not None or self.min_id is not None
        return not (bounded or self.exclude_replies or self.only_media)

    @property
    def below(self) -> int:
        """The exclusive upper bound of ids."""
        return MAX_ID + 1 if self.max_id is None else self.max_id

    @property
    def above(self) -> int:
        """The exclusive lower bound of ids."""
        return max(self.since_id or 0, self.min_id or 0)


@dataclass(frozen=True, slots=True)
class ReadActions:
    """A page of a list that is ordered by an action: what is below a place, or above it."""

    limit: int = DEFAULT_PAGE
    below: Position | None = None
    above: Position | None = None

    def __post_init__(self) -> None:
        check_limit(self.limit)


def check_limit(limit: int) -> None:
    """Raise Invalid unless a page of `limit` items may be asked for."""
    if not 1 <= limit <= MAX_PAGE:
        raise Invalid(
            f"maximum_results_to_return must be 1 to {MAX_PAGE}, got {limit}",
            field="maximum_results_to_return",
        )


NEWEST = ReadTweets()
"""The first page as it is when nothing is asked for: the hottest read, known by identity."""
