"""Hypothesis strategies for every record and event that the store keeps."""

from __future__ import annotations

from hypothesis import strategies as st

from chirp.model import (
    MAX_ID,
    Account,
    Action,
    ActionId,
    ActionKind,
    ApiKey,
    Entity,
    EntityKind,
    Flag,
    FlagReason,
    Invite,
    InviteId,
    KeyId,
    Role,
    Tweet,
    TweetId,
    UnixMs,
    User,
    UserId,
    Visibility,
)
from chirp.storage.events import (
    AccountClosed,
    AccountCreated,
    AccountDeleted,
    Blocked,
    Bookmarked,
    Event,
    Favorited,
    Followed,
    Muted,
    ProfileWritten,
    RegistrationApproved,
    RegistrationHeld,
    RegistrationRejected,
    TweetDeleted,
    TweetEdited,
    TweetPosted,
    TweetReserved,
    TweetWithdrawn,
    Unblocked,
    Unbookmarked,
    Unfavorited,
    Unfollowed,
    Unmuted,
)

# What UTF-8 can say: everything but lone surrogates.
texts = st.text(st.characters(codec="utf-8"), max_size=280)
ids = st.integers(1, MAX_ID)
times = st.integers(0, 2**47).map(UnixMs)
user_ids, tweet_ids = ids.map(UserId), ids.map(TweetId)
degrees = st.floats(-180, 180)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Return a strategy of the same values and None."""
    return st.none() | strategy


entities = st.builds(
    Entity, st.sampled_from(EntityKind), st.integers(0, 280), st.integers(0, 280), ids | st.just(0)
)
tweets = st.builds(
    Tweet,
    tweet_id=tweet_ids,
    author_id=user_ids,
    content=texts,
    created_at=times,
    conversation_id=tweet_ids,
    visibility=st.sampled_from(Visibility),
    sensitive=st.booleans(),
    version=st.integers(1, 1000),
    edited_at=maybe(times),
    lang=maybe(st.sampled_from(["en", "pt-BR", ""])),
    tweet_location=maybe(texts),
    latitude=maybe(degrees),
    longitude=maybe(degrees),
    user_location=maybe(texts),
    media_ids=st.lists(ids, max_size=4).map(tuple),
    entities=st.lists(entities, max_size=5).map(tuple),
    in_reply_to_tweet_id=maybe(tweet_ids),
    in_reply_to_user_id=maybe(user_ids),
    retweet_of=maybe(tweet_ids),
    quote_of=maybe(tweet_ids),
)
users = st.builds(
    User,
    user_id=user_ids,
    username=texts,
    name=texts,
    created_at=times,
    bio=texts,
    location=texts,
    avatar_id=maybe(ids),
    header_id=maybe(ids),
    suspended=st.booleans(),
    version=st.integers(1, 1000),
)
accounts = st.builds(
    Account,
    user_id=user_ids,
    username=texts,
    email=texts,
    password_hash=maybe(texts),
    date_of_birth=maybe(texts),
    last_login=maybe(times),
    role=st.sampled_from(Role),
    suspended=st.booleans(),
)
api_keys = st.builds(
    ApiKey,
    key_id=ids.map(KeyId),
    user_id=user_ids,
    name=texts,
    digest=st.binary(min_size=32, max_size=32),
    created_at=times,
    last_used=maybe(times),
    session=maybe(st.booleans()),
)
EDGES: tuple[type[Event], ...] = (
    Favorited,
    Unfavorited,
    Bookmarked,
    Unbookmarked,
    Unblocked,
    Muted,
    Unmuted,
)
invites = st.builds(
    Invite,
    invite_id=ids.map(InviteId),
    digest=st.binary(min_size=32, max_size=32),
    created_by=st.integers(0, MAX_ID).map(UserId),
    created_at=times,
    expires_at=times,
    most_uses=st.integers(1, 10_000),
    uses=st.integers(0, 10_000),
)
flags = st.builds(
    Flag,
    tweet_id=tweet_ids,
    author_id=user_ids,
    raised_at=times,
    reasons=st.lists(st.builds(FlagReason, texts, texts), max_size=4).map(tuple),
    closed_by=maybe(user_ids),
    closed_at=maybe(times),
    note=texts,
)
actions = st.builds(
    Action,
    action_id=ids.map(ActionId),
    kind=st.sampled_from(ActionKind),
    actor_id=st.integers(0, MAX_ID).map(UserId),
    subject_id=ids,
    username=texts,
    at=times,
    why=texts,
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(TweetPosted, tweets),
    st.builds(TweetDeleted, tweet_ids, user_ids, times, maybe(ids), maybe(ids), maybe(ids)),
    st.builds(TweetReserved, tweets),
    st.builds(TweetWithdrawn, tweets, times),
    st.builds(TweetEdited, tweets),
    st.sampled_from(EDGES).flatmap(lambda kind: st.builds(kind, ids, ids, times)),
    st.builds(Blocked, user_ids, user_ids, times, times | st.just(0)),
    st.builds(AccountClosed, users),
    st.builds(Followed, user_ids, user_ids, times),
    st.builds(Unfollowed, user_ids, user_ids, times),
    st.builds(AccountCreated, users, accounts, st.none() | api_keys),
    st.builds(ProfileWritten, users),
    st.builds(AccountDeleted, ids),
    st.builds(RegistrationHeld, users, accounts, api_keys),
    st.builds(RegistrationApproved, users),
    st.builds(RegistrationRejected, user_ids),
)
