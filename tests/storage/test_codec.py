"""Rows: what is packed is unpacked, old rows get defaults, junk is a StorageError."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import astuple

from chirp.errors import StorageError
from chirp.model import (
    Account,
    Action,
    ApiKey,
    Flag,
    Invite,
    Tweet,
    TweetId,
    UnixMs,
    User,
    UserId,
)
from chirp.storage import codec
from tests.storage import records

UNPACKERS: list[Callable[[bytes], object]] = [
    codec.unpack_array,
    codec.unpack_user,
    codec.unpack_account,
    codec.unpack_key,
    codec.unpack_tweet,
]
TWEET = Tweet(TweetId(5), UserId(6), "hi", UnixMs(7), TweetId(5))
LONDON = Tweet(TweetId(5), UserId(6), "hi", UnixMs(7), TweetId(5), latitude=51.5, longitude=0.0)

junk = st.binary(max_size=200)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=25) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=30,
)


@given(records.tweets)
@example(LONDON)
def test_tweets_come_back(tweet: Tweet) -> None:
    assert codec.unpack_tweet(codec.pack_tweet(tweet)) == tweet


@given(records.users)
def test_users_come_back(user: User) -> None:
    assert codec.unpack_user(codec.pack_user(user)) == user


@given(records.accounts)
def test_accounts_come_back(account: Account) -> None:
    unpacked = codec.unpack_account(codec.pack_account(account))
    assert unpacked == account
    assert type(unpacked.role) is type(account.role)


@given(records.api_keys)
def test_keys_come_back(key: ApiKey) -> None:
    assert codec.unpack_key(codec.pack_key(key)) == key


@given(records.invites)
def test_invites_come_back(invite: Invite) -> None:
    assert codec.unpack_invite(codec.pack_invite(invite)) == invite


@given(records.flags)
def test_flags_come_back(flag: Flag) -> None:
    assert codec.unpack_flag(codec.pack_flag(flag)) == flag


@given(records.actions)
def test_actions_come_back(action: Action) -> None:
    unpacked = codec.unpack_action(codec.pack_action(action))
    assert unpacked == action
    assert type(unpacked.kind) is type(action.kind)


@given(records.tweets)
def test_packing_is_deterministic(tweet: Tweet) -> None:
    raw = codec.pack_tweet(tweet)
    assert codec.pack_tweet(codec.unpack_tweet(raw)) == raw
    assert not codec.is_tombstone(raw)


def test_the_first_of_a_conversation_has_one_object_for_both_ids() -> None:
    tweet = TweetId(5 << 40)
    first = Tweet(tweet, UserId(6), "hi", UnixMs(7), conversation_id=TweetId(tweet))
    found = codec.unpack_tweet(codec.pack_tweet(first))
    assert found == first
    assert found.conversation_id is found.tweet_id


def test_zero_degrees_are_a_place() -> None:
    assert codec.unpack_tweet(codec.pack_tweet(LONDON)).longitude == 0.0


def test_an_empty_place_is_not_none() -> None:
    tweet = Tweet(TweetId(5), UserId(6), "hi", UnixMs(7), TweetId(5), user_location="")
    assert codec.unpack_tweet(codec.pack_tweet(tweet)).user_location == ""


def test_short_rows_get_defaults() -> None:
    assert codec.unpack_tweet(codec.pack_array((5, 6, "hi", 7, 5, 0))) == TWEET
    assert codec.unpack_user(codec.pack_array((1, "ada", "Ada", 2))) == User(
        UserId(1), "ada", "Ada", UnixMs(2)
    )
    account = codec.unpack_account(codec.pack_array((1, "ada", "a@b.c")))
    assert account == Account(UserId(1), "ada", "a@b.c")


@pytest.mark.parametrize("name", ["session", "bot"])
def test_a_key_s_name_said_whether_it_is_a_session(name: str) -> None:
    raw = codec.pack_array((1, 2, name, b"d" * 32, 3, None))
    key = codec.unpack_key(raw)
    assert key.is_session == (name == "session")
    assert codec.pack_key(key) == raw


def test_fields_of_a_later_version_are_ignored() -> None:
    fields = (*astuple(User(UserId(1), "ada", "Ada", UnixMs(2))), "new", 5)
    assert codec.unpack_user(codec.pack_array(fields)).username == "ada"


def test_the_usual_tweet_ends_after_its_last_value() -> None:
    assert len(msgpack.unpackb(codec.pack_tweet(TWEET)[1:])) == 8


def test_a_tombstone_is_no_tweet() -> None:
    assert codec.is_tombstone(codec.pack_tombstone())
    with pytest.raises(StorageError):
        codec.unpack_tweet(codec.pack_tombstone())


@pytest.mark.parametrize("unpack", UNPACKERS)
@given(raw=junk)
@example(raw=b"\x01\x81\x90\x01")
@example(raw=b"\x01" + b"\x91" * 5_000)
@example(raw=b"\x01\xc7\x0c\xff" + b"\xff" * 12)
@example(raw=b"")
def test_junk_is_a_storage_error(unpack: Callable[[bytes], object], raw: bytes) -> None:
    for prefix in (b"", b"\x01"):
        with suppress(StorageError):
            unpack(prefix + raw)


@pytest.mark.parametrize("unpack", UNPACKERS)
@given(value=values)
@example(value=[1, 2, "", 3, 4, 9])
@example(value=[1, "a", "b", None, None, None, 77])
@example(value=[1, 2, "", 3, 4, 0, *[None] * 8, [], {"a": 1}])
def test_other_arrays_are_a_storage_error(unpack: Callable[[bytes], object], value: Any) -> None:
    with suppress(StorageError):
        unpack(b"\x01" + msgpack.packb(value))


@pytest.mark.parametrize("value", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_counters_come_back(value: int) -> None:
    assert codec.unpack_i64(codec.pack_i64(value)) == value
