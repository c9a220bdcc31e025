"""Events: what is packed is unpacked, each kind has its number for ever, junk is a StorageError."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, get_args

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chirp.errors import StorageError
from chirp.model import Tweet, TweetId, UnixMs, UserId
from chirp.storage.codec import pack_array, pack_tweet
from chirp.storage.events import (
    Event,
    TweetDeleted,
    TweetPosted,
    pack_event,
    pack_posted,
    unpack_event,
)
from tests.storage import records

KINDS = {
    "TweetPosted": 1,
    "TweetDeleted": 2,
    "Followed": 3,
    "Unfollowed": 4,
    "AccountCreated": 5,
    "ProfileWritten": 6,
    "AccountDeleted": 7,
    "TweetReserved": 8,
    "TweetWithdrawn": 9,
    "TweetEdited": 10,
    "Favorited": 11,
    "Unfavorited": 12,
    "Bookmarked": 13,
    "Unbookmarked": 14,
    "Blocked": 15,
    "Unblocked": 16,
    "Muted": 17,
    "Unmuted": 18,
    "AccountClosed": 19,
    "RegistrationHeld": 40,
    "RegistrationApproved": 41,
    "RegistrationRejected": 42,
}


@given(records.events)
def test_events_come_back(event: Event) -> None:
    raw = pack_event(event)
    assert unpack_event(raw) == event
    assert pack_event(unpack_event(raw)) == raw


@given(records.events)
def test_kinds_never_change(event: Event) -> None:
    assert msgpack.unpackb(pack_event(event)[1:])[0] == KINDS[type(event).__name__]


def test_every_kind_is_pinned() -> None:
    assert {kind.__name__ for kind in get_args(Event)} == set(KINDS)


@pytest.mark.parametrize(
    "fields", [(), (0,), (99, 1), ("x",), ([],), (None,), (2, 1), (5, b"x", b"y", None)]
)
def test_unknown_kinds_and_wrong_fields_are_refused(fields: tuple[Any, ...]) -> None:
    with pytest.raises(StorageError):
        unpack_event(pack_array(fields))


@pytest.mark.parametrize("kind", [*range(20), *range(40, 43)])
@given(fields=st.lists(st.none() | st.text() | st.integers(0, 9) | st.binary() | st.just([])))
@example(fields=["text", None, None])
@example(fields=[[], [], []])
def test_wrong_parts_are_a_storage_error(kind: int, fields: list[Any]) -> None:
    with suppress(StorageError):
        unpack_event(pack_array((kind, *fields)))


@given(st.binary(max_size=100))
def test_junk_is_a_storage_error(raw: bytes) -> None:
    with suppress(StorageError):
        unpack_event(b"\x01" + raw)


def test_a_flat_event_is_small() -> None:
    assert len(pack_event(TweetDeleted(TweetId(1), UserId(2), UnixMs(3)))) == 6


@given(records.tweets)
def test_a_post_is_packed_alike_from_its_row(tweet: Tweet) -> None:
    assert pack_posted(pack_tweet(tweet)) == pack_event(TweetPosted(tweet))
