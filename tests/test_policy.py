"""Policy: who may see and do what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp.model import NO_COUNTS, Role, Tweet, TweetId, UnixMs, User, UserId, Visibility
from chirp.policy import (
    listed,
    may_change,
    may_moderate,
    may_relate,
    only_visible,
    profile_visible,
    visible,
)
from chirp.views import CachedTweet, CachedUser, Sight

ADA, BOB = UserId(1), UserId(2)
VIEWERS = st.sampled_from([None, ADA, BOB])


def tweet(visibility: Visibility = Visibility.PUBLIC, author: UserId = ADA) -> Tweet:
    return Tweet(TweetId(9), author, "hi", UnixMs(5), TweetId(9), visibility=visibility)


def user(*, suspended: bool = False) -> User:
    return User(ADA, "ada", "Ada", UnixMs(1), suspended=suspended)


@pytest.mark.parametrize(
    ("visibility", "seen_by"),
    [(Visibility.PUBLIC, [None, ADA, BOB]), (Visibility.UNLISTED, [None, ADA, BOB]),
     (Visibility.FOLLOWERS, [ADA]), (Visibility.DIRECT, [ADA])],
)  # fmt: skip
def test_who_sees_a_tweet(visibility: Visibility, seen_by: list[UserId | None]) -> None:
    found = [who for who in (None, ADA, BOB) if visible(Sight(who), tweet(visibility), user())]
    assert found == seen_by


@given(VIEWERS, st.sampled_from(Visibility))
def test_nobody_sees_tweets_of_the_suspended(viewer: UserId | None, how: Visibility) -> None:
    assert not visible(Sight(viewer), tweet(how), user(suspended=True))


@given(
    VIEWERS,
    st.booleans(),
    st.lists(st.none() | st.tuples(st.sampled_from(Visibility), st.booleans()), max_size=6),
)
def test_a_list_keeps_exactly_what_is_visible_in_order(
    viewer: UserId | None, blocks: bool, cases: list[tuple[Visibility, bool] | None]
) -> None:
    sight = Sight(viewer, frozenset({ADA}) if blocks else frozenset())
    found = [
        case and CachedTweet(tweet(case[0]), CachedUser(user(suspended=case[1])), NO_COUNTS)
        for case in cases
    ]
    wanted = [c for c in found if c and visible(sight, c.tweet, c.author.user)]
    assert only_visible(sight, found) == wanted


def test_only_public_tweets_are_listed() -> None:
    assert [how for how in Visibility if listed(tweet(how))] == [Visibility.PUBLIC]


def test_only_authors_delete_and_nobody_follows_themselves() -> None:
    assert may_change(ADA, tweet())
    assert not may_change(BOB, tweet())
    assert may_relate(ADA, BOB)
    assert not may_relate(ADA, ADA)


def test_the_suspended_have_no_profile() -> None:
    assert profile_visible(user())
    assert not profile_visible(user(suspended=True))


@pytest.mark.parametrize(
    ("actor", "targets"),
    [(Role.USER, set()), (Role.MODERATOR, {Role.USER}), (Role.ADMIN, set(Role))],
)
def test_moderators_act_on_plain_users_and_admins_on_all(actor: Role, targets: set[Role]) -> None:
    assert {target for target in Role if may_moderate(actor, target)} == targets
