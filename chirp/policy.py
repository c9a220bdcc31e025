"""Who may see and do what. Pure functions, asked by every service before anything is rendered."""

from __future__ import annotations

from collections.abc import Iterable

from chirp.model import Role, Tweet, User, UserId, Visibility
from chirp.views import CachedTweet

_OPEN = int(Visibility.UNLISTED)


def visible(viewer: UserId | None, tweet: Tweet, author: User) -> bool:
    """Say whether `viewer` (None: anonymous) may see `tweet` of `author`. O(1).

    A suspended author's tweets are hidden from everybody. Only public and unlisted tweets are
    written so far; anything narrower is its author's alone until relations decide it here.
    """
    if author.suspended:
        return False
    return tweet.visibility <= _OPEN or viewer == tweet.author_id


def only_visible(viewer: UserId | None, found: Iterable[CachedTweet | None]) -> list[CachedTweet]:
    """Return those that exist and that `viewer` may see, in order. O(len(found)), 0.1 µs each.

    What nobody is kept from (an open tweet of somebody who is not suspended) is decided without
    a call: that is nearly all of every page.
    """
    return [
        c
        for c in found
        if c is not None
        and (
            (c.tweet.visibility <= _OPEN and not c.author.user.suspended)
            or visible(viewer, c.tweet, c.author.user)
        )
    ]


def listed(tweet: Tweet) -> bool:
    """Say whether a visible tweet may stand in public lists, not only where it is asked for."""
    return tweet.visibility is Visibility.PUBLIC


def profile_visible(user: User) -> bool:
    """Say whether anybody may see a profile: a suspended one is not shown."""
    return not user.suspended


def may_delete(viewer: UserId, tweet: Tweet) -> bool:
    """Say whether `viewer` may delete `tweet`."""
    return viewer == tweet.author_id


def may_moderate(actor: Role, target: Role) -> bool:
    """Say whether `actor` may act on a person of role `target`, or on their tweets.

    Moderators act on plain users alone: two of them must not fight it out with suspensions.
    """
    return actor is Role.ADMIN or (actor is Role.MODERATOR and target is Role.USER)


def may_follow(viewer: UserId, followee: UserId) -> bool:
    """Say whether `viewer` may follow `followee`: anybody but themselves."""
    return viewer != followee
