"""Sweeps: everybody's tweets, kept packed, and promised only at the end."""

from __future__ import annotations

import pytest

from chirp.cache.lists import ENTRY_WEIGHT_BYTES, OWNER_WEIGHT_BYTES
from chirp.cache.loads import Row
from chirp.cache.lookup import Reading
from chirp.cache.tweets import TweetCache

ADA, BOB = 1, 2
LARGE = 1_000_000
PACKED_BYTES = 34
"""What one byte weighs as an object."""


def swept(*tweets: tuple[int, int], newest_stored: int = 0) -> TweetCache[str]:
    """Return a cache with these (owner, id), newest first, complete from the last of them on."""
    cache: TweetCache[str] = TweetCache(LARGE, newest_stored=newest_stored)
    with cache.begin_sweep() as sweep:
        for owner, tweet_id in tweets:
            assert sweep.put(owner, tweet_id, b"%d" % tweet_id)
        sweep.finish(tweets[-1][1])
    return cache


def page(*values: str | None, complete: bool, rest_below: int | None) -> Reading[str]:
    return Reading(list(values), complete, rest_below)


def test_packed_tweets_are_none_to_readers_and_their_rows_are_there() -> None:
    cache = swept((ADA, 30), (BOB, 20), (ADA, 10))
    assert cache.get_many([30, 20, 5]) == cache.peek_many([30, 20, 5]) == [None, None, None]
    assert cache.packed_many([30, 20, 5]) == [b"30", b"20", None]
    assert cache.stats()["get_hits"] == 2
    cache.check()


def test_all_lists_are_complete_from_where_the_sweep_came_to() -> None:
    cache = swept((ADA, 30), (BOB, 20), (ADA, 10))
    assert cache.read(ADA, None, 2) == page(None, None, complete=True, rest_below=None)
    assert cache.ids_of(ADA, None, 2) == [30, 10]
    assert cache.read(BOB, None, 2) == page(None, complete=False, rest_below=10)


def test_a_list_that_was_there_is_promised_too() -> None:
    cache: TweetCache[str] = TweetCache(LARGE)
    cache.begin_load(ADA).finish([Row(40, "40", 1)], 40)
    with cache.begin_sweep() as sweep:
        assert not sweep.put(ADA, 40, b"40")
        assert sweep.put(ADA, 30, b"30")
        sweep.finish(5)
    assert cache.read(ADA, None, 9) == page("40", None, complete=False, rest_below=5)


@pytest.mark.parametrize("by_list", [False, True])
def test_what_was_made_of_a_row_takes_its_place(*, by_list: bool) -> None:
    cache = swept((ADA, 30), (ADA, 10))
    before = cache.stats()["weight_bytes"]
    if by_list:
        cache.begin_load(ADA).finish([Row(30, "30", 100)], 30)
    else:
        assert cache.put_loose(ADA, 30, "30", 100)
        assert not cache.put_loose(ADA, 30, "other", 100)
    assert cache.get_many([30, 10]) == ["30", None]
    assert cache.packed_many([30, 10]) == [None, b"10"]
    assert cache.stats()["weight_bytes"] == before + 100 - PACKED_BYTES - 1
    cache.check()


def test_what_is_heavier_than_the_budget_stays_packed() -> None:
    cache = swept((ADA, 30))
    assert not cache.put_loose(ADA, 30, "30", LARGE)
    assert cache.packed_many([30]) == [b"30"]


def test_edits_and_deletes_take_the_place_of_packed_tweets() -> None:
    cache = swept((ADA, 30), (ADA, 20))
    assert cache.replace(ADA, 30, "new", 1)
    assert cache.delete(ADA, 20)
    assert cache.peek_many([30, 20]) == ["new", None]
    assert cache.packed_many([30, 20]) == [None, None]
    cache.check()


def test_nothing_is_promised_before_the_end_or_without_one() -> None:
    cache: TweetCache[str] = TweetCache(LARGE)
    with cache.begin_sweep() as sweep:
        sweep.put(ADA, 30, b"30")
        assert cache.read(ADA, None, 1).rest_below is None
    assert cache.read(ADA, None, 1).rest_below is None
    assert cache.stats()["open_loads"] == 0
    with pytest.raises(RuntimeError, match="ended"):
        sweep.finish(30)


def test_what_changed_since_it_was_read_is_not_put() -> None:
    cache: TweetCache[str] = TweetCache(LARGE)
    with cache.begin_sweep() as sweep:
        cache.delete(ADA, 30)
        cache.replace(ADA, 20, "new", 1)
        assert not sweep.put(ADA, 30, b"30")
        assert not sweep.put(ADA, 20, b"20")
        assert sweep.put(ADA, 10, b"10")
        sweep.finish(10)
    assert cache.read(ADA, None, 2) == page("new", None, complete=True, rest_below=None)


def test_a_push_that_no_list_took_is_there_at_the_end() -> None:
    cache: TweetCache[str] = TweetCache(LARGE, newest_stored=50)
    with cache.begin_sweep() as sweep:
        sweep.put(ADA, 30, b"30")
        assert not cache.push(ADA, 40, "40", 1)
        sweep.finish(10)
    assert cache.read(ADA, None, 2) == page("40", None, complete=True, rest_below=None)


def test_what_was_let_go_of_meanwhile_is_not_promised() -> None:
    entry = ENTRY_WEIGHT_BYTES + PACKED_BYTES
    cache: TweetCache[str] = TweetCache(2 * OWNER_WEIGHT_BYTES + 2 * entry)
    with cache.begin_sweep() as sweep:
        for owner, tweet_id in ((ADA, 30), (BOB, 25), (ADA, 20)):
            sweep.put(owner, tweet_id, b"1")
        sweep.finish(10)
    assert cache.stats()["evictions"] == 1
    assert cache.read(ADA, None, 9) == page(None, complete=False, rest_below=26)
    cache.check()


def test_what_is_too_heavy_is_not_promised() -> None:
    cache: TweetCache[str] = TweetCache(1_000)
    with cache.begin_sweep() as sweep:
        sweep.put(ADA, 30, b"1")
        assert not sweep.put(ADA, 20, bytes(1_000))
        sweep.finish(10)
    assert cache.read(ADA, None, 9).rest_below == 21


def test_an_owner_who_was_dropped_meanwhile_is_not_promised() -> None:
    cache: TweetCache[str] = TweetCache(LARGE)
    with cache.begin_sweep() as sweep:
        cache.replace(ADA, 40, "new", 1)
        sweep.put(ADA, 30, b"30")
        cache.drop_owner(ADA)
        sweep.put(ADA, 20, b"20")
        sweep.finish(10)
    assert cache.read(ADA, None, 1) == page(complete=False, rest_below=None)
    assert cache.peek(40) is None


def test_who_is_read_meanwhile_goes_after_everybody_who_is_swept() -> None:
    cache: TweetCache[str] = TweetCache(LARGE)
    cache.begin_load(ADA).finish([Row(40, "40", 1)], 40)
    with cache.begin_sweep() as sweep:
        sweep.put(BOB, 30, b"30")
        sweep.put(3, 20, b"20")
        sweep.finish(10)
    assert list(cache._lists.owners) == [3, BOB, ADA]
