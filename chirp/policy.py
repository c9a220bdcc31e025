"""Who may see and do what. Pure functions, asked by every service before anything is rendered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from chirp.model import Role, Tweet, UnixMs, User, UserId, Visibility
from chirp.views import CachedTweet, Sight, TweetView

_OPEN = int(Visibility.UNLISTED)


def visible(sight: Sight, tweet: Tweet, author: User) -> bool:
    """Say whether the viewer with this sight may see `tweet` of `author`. O(1).

    A suspended author's tweets are hidden from everybody; a block hides either's from the other.
    Only public and unlisted tweets are written so far; anything narrower is its author's alone
    until relations decide it here.
    """
    if author.suspended or tweet.author_id in sight.blocked:
        return False
    return tweet.visibility <= _OPEN or sight.user_id == tweet.author_id


def only_visible(sight: Sight, found: Iterable[CachedTweet | None]) -> list[CachedTweet]:
    """Return those that exist and that the viewer may see, in order. 0.1 µs each.

    What nobody is kept from (an open tweet of somebody who is not suspended) is decided without
    a call when the viewer has no blocks: that is nearly all of every page.
    """
    unblocked = not sight.blocked
    return [
        c
        for c in found
        if c is not None
        and (
            (unblocked and c.tweet.visibility <= _OPEN and not c.author.user.suspended)
            or visible(sight, c.tweet, c.author.user)
        )
    ]


def at_home(sight: Sight, followees: Sequence[int], view: TweetView) -> bool:
    """Say whether a visible tweet stands in the viewer's home timeline.

    Not what a muted person wrote, itself or retweeted. A reply stands there when the viewer
    follows both its author and whom it answers, or is one of the two. `followees` is sorted.
    """
    tweet = view.cached.tweet
    if not unmuted(sight, view):
        return False
    answered = tweet.in_reply_to_user_id
    if answered is None or answered == tweet.author_id:
        return True
    return sight.user_id in {tweet.author_id, answered} or _contains(followees, answered)


def unmuted(sight: Sight, view: TweetView) -> bool:
    """Say whether nobody whom the viewer mutes wrote a tweet, or the original that it retweets."""
    if not sight.muted:
        return True
    tweet, nested = view.cached.tweet, view.nested
    if tweet.retweet_of is not None and nested is not None:
        return not sight.muted & {tweet.author_id, nested.cached.tweet.author_id}
    return tweet.author_id not in sight.muted


def _contains(ids: Sequence[int], wanted: int) -> bool:
    place = bisect_left(ids, wanted)
    return place < len(ids) and ids[place] == wanted


def listed(tweet: Tweet) -> bool:
    """Say whether a visible tweet may stand in public lists, not only where it is asked for."""
    return tweet.visibility is Visibility.PUBLIC


def profile_visible(user: User) -> bool:
    """Say whether anybody may see a profile: a suspended one is not shown."""
    return not user.suspended


def has_account(user: User) -> bool:
    """Say whether somebody's account is not closed. What they wrote is there until it is swept."""
    return bool(user.username)


def person_listed(sight: Sight, user: User) -> bool:
    """Say whether a person stands in lists of people that the viewer reads."""
    return not user.suspended and user.user_id not in sight.blocked


def may_change(viewer: UserId, tweet: Tweet) -> bool:
    """Say whether `viewer` may edit or delete `tweet`."""
    return viewer == tweet.author_id


def may_edit(tweet: Tweet, now: UnixMs, window_ms: int) -> bool:
    """Say whether a tweet can be edited at all: no retweet, and posted less than a while ago."""
    return tweet.retweet_of is None and now - tweet.created_at < window_ms


def may_relate(viewer: UserId, other: UserId) -> bool:
    """Say whether `viewer` may follow, block or mute `other`: anybody but themselves."""
    return viewer != other


def may_moderate(actor: Role, target: Role) -> bool:
    """Say whether `actor` may act on a person of role `target`, or on their tweets.

    Moderators act on plain users alone: two of them must not fight it out with suspensions.
    """
    return actor is Role.ADMIN or (actor is Role.MODERATOR and target is Role.USER)
