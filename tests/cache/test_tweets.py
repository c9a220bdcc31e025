"""The tweet cache, promise by promise."""

from __future__ import annotations

import pytest

from chirp.cache.lists import ENTRY_WEIGHT_BYTES, OWNER_WEIGHT_BYTES
from chirp.cache.loads import Row
from chirp.cache.lookup import SAMPLE, Reading
from chirp.cache.tweets import TweetCache

ADA, BOB = 1, 2
LARGE = 1_000_000


def rows(*ids: int, weight_bytes: int = 1) -> list[Row[str]]:
    return [Row(an_id, str(an_id), weight_bytes) for an_id in ids]


def cache_with(*ids: int, owner: int = ADA, complete_from: int = 0) -> TweetCache[str]:
    cache: TweetCache[str] = TweetCache(LARGE)
    cache.begin_load(owner).finish(rows(*ids), complete_from)
    return cache


def budget_for(entries: int, owners: int = 1) -> int:
    return entries * (ENTRY_WEIGHT_BYTES + 1) + owners * OWNER_WEIGHT_BYTES


def complete(*values: str) -> Reading[str]:
    return Reading(list(values), complete=True, rest_below=None)


def partial(*values: str, rest_below: int | None) -> Reading[str]:
    return Reading(list(values), complete=False, rest_below=rest_below)


def test_an_unknown_owner_is_a_miss() -> None:
    cache: TweetCache[str] = TweetCache(LARGE)
    assert cache.read(ADA, None, 20) == partial(rest_below=None)
    assert cache.stats()["misses"] == 1


def test_a_page_and_the_next_one() -> None:
    cache = cache_with(1, 2, 3, 4, 5)
    assert cache.read(ADA, None, 2) == complete("5", "4")
    assert cache.read(ADA, 4, 2) == complete("3", "2")
    assert cache.read(ADA, 2, 2) == complete("1")
    assert cache.stats()["hits"] == 3


def test_a_cursor_that_is_in_no_list() -> None:
    cache = cache_with(10, 20, 30, 40)
    assert cache.read(ADA, 35, 2) == complete("30", "20")
    assert cache.read(ADA, 15, 2) == complete("10")
    assert cache.read(ADA, 5, 2) == complete()


def test_a_partial_hit_says_where_the_rest_begins() -> None:
    cache = cache_with(10, 20, 30, complete_from=10)
    assert cache.read(ADA, None, 9) == partial("30", "20", "10", rest_below=10)
    assert cache.read(ADA, 10, 9) == partial(rest_below=10)
    assert cache.read(ADA, 7, 9) == partial(rest_below=7)
    assert cache.stats()["partial_hits"] == 1
    assert cache.stats()["misses"] == 2


def test_an_author_without_tweets_is_known_to_have_none() -> None:
    cache = cache_with()
    assert cache.read(ADA, None, 20) == complete()


def test_a_push_makes_a_list_complete_from_itself() -> None:
    cache: TweetCache[str] = TweetCache(LARGE)
    assert cache.push(ADA, 5, "5", 1)
    assert cache.read(ADA, None, 1) == complete("5")
    assert cache.read(ADA, None, 2) == partial("5", rest_below=5)


def test_pushes_in_any_order() -> None:
    cache = cache_with(1)
    for an_id in (5, 3, 4, 3):
        cache.push(ADA, an_id, str(an_id), 1)
    assert cache.read(ADA, None, 9) == complete("5", "4", "3", "1")


def test_a_push_below_complete_from_is_ignored() -> None:
    cache = cache_with(10, complete_from=10)
    assert not cache.push(ADA, 9, "9", 1)
    assert cache.get(9) is None


def test_a_late_push_does_not_hide_a_forgotten_newer_tweet() -> None:
    cache: TweetCache[str] = TweetCache(LARGE)
    cache.push(ADA, 6, "6", 1)
    cache.drop_owner(ADA)
    assert not cache.push(ADA, 5, "5", 1)
    assert not cache.read(ADA, None, 1).complete


def test_what_was_stored_before_the_start_is_not_forgotten_either() -> None:
    cache: TweetCache[str] = TweetCache(LARGE, newest_stored=9)
    assert not cache.push(ADA, 9, "9", 1)
    assert cache.push(ADA, 10, "10", 1)


def test_get_many_keeps_the_order_and_counts() -> None:
    cache = cache_with(1, 2)
    assert cache.get_many([2, 7, 1]) == ["2", None, "1"]
    assert (cache.stats()["get_hits"], cache.stats()["get_misses"]) == (2, 1)


def test_loose_entries_are_for_get_and_not_for_lists() -> None:
    cache = cache_with(20, 30, complete_from=20)
    assert cache.put_loose(ADA, 10, "10", 1)
    assert cache.get(10) == "10"
    assert cache.read(ADA, None, 9) == partial("30", "20", rest_below=20)


def test_replace_and_delete() -> None:
    cache = cache_with(1, 2)
    assert cache.replace(ADA, 2, "two", 3)
    assert not cache.replace(ADA, 9, "nine", 4)
    assert cache.delete(ADA, 1)
    assert not cache.delete(ADA, 1)
    assert cache.read(ADA, None, 9) == complete("two")
    cache.check()


def test_a_push_during_a_load_is_not_lost() -> None:
    cache: TweetCache[str] = TweetCache(LARGE, newest_stored=5)
    load = cache.begin_load(ADA)
    cache.push(ADA, 4, "4", 1)
    load.finish(rows(3), 0)
    assert cache.read(ADA, None, 9) == complete("4", "3")


def test_a_delete_during_a_load_wins() -> None:
    cache = TweetCache[str](LARGE)
    load = cache.begin_load(ADA)
    cache.delete(ADA, 3)
    load.finish(rows(3, 2), 0)
    assert cache.read(ADA, None, 9) == complete("2")


def test_an_edit_during_a_load_wins() -> None:
    cache = TweetCache[str](LARGE)
    load, point_load = cache.begin_load(ADA), cache.begin_point_load()
    cache.replace(ADA, 3, "edited", 1)
    load.finish(rows(3), 0)
    assert cache.get(3) == "edited"
    cache.drop_owner(ADA)
    point_load.finish([(BOB, rows(3)[0])])
    assert cache.get(3) == "edited"


def test_a_delete_during_a_point_load_wins() -> None:
    cache = TweetCache[str](LARGE)
    load = cache.begin_point_load()
    cache.delete(ADA, 3)
    load.finish([(ADA, rows(3)[0]), (ADA, rows(4)[0])])
    assert cache.get_many([3, 4]) == [None, "4"]


def test_an_invalidated_owner_is_not_installed() -> None:
    cache = TweetCache[str](LARGE)
    load, point_load = cache.begin_load(ADA), cache.begin_point_load()
    cache.drop_owner(ADA)
    assert not load.finish(rows(3), 0)
    point_load.finish([(ADA, rows(3)[0])])
    assert cache.stats()["entries"] == 0


def test_a_load_extends_a_list_that_it_touches() -> None:
    cache = cache_with(30, 40, complete_from=30)
    cache.begin_load(ADA).finish(rows(20, 10), 10, below=30)
    assert cache.read(ADA, None, 4) == complete("40", "30", "20", "10")


def test_a_load_that_ends_below_the_list_stays_loose() -> None:
    cache = cache_with(30, 40, complete_from=30)
    cache.begin_load(ADA).finish(rows(20, 10), 10, below=25)
    assert cache.read(ADA, None, 4) == partial("40", "30", rest_below=30)
    assert cache.get(20) == "20"


def test_two_loads_of_one_owner() -> None:
    cache = TweetCache[str](LARGE)
    one, other = cache.begin_load(ADA), cache.begin_load(ADA)
    cache.push(ADA, 4, "4", 1)
    one.finish(rows(3, 2), 2)
    cache.delete(ADA, 3)
    other.finish(rows(3, 2, 1), 0)
    assert cache.read(ADA, None, 9) == complete("4", "2", "1")
    assert cache.stats()["open_loads"] == 0


def test_an_error_abandons_a_load() -> None:
    cache = TweetCache[str](LARGE)
    with pytest.raises(OSError, match="disk"), cache.begin_load(ADA) as load:
        raise OSError("disk")
    assert cache.stats()["open_loads"] == 0
    with pytest.raises(RuntimeError, match="ended"):
        load.finish([], 0)


def test_eviction_shortens_from_the_tail_and_says_so() -> None:
    cache: TweetCache[str] = TweetCache(budget_for(3))
    cache.begin_load(ADA).finish(rows(1, 2, 3, 4), 0)
    cache.check()
    assert cache.read(ADA, None, 9) == partial("4", "3", "2", rest_below=2)


def test_least_recently_used_owners_lose_first() -> None:
    cache: TweetCache[str] = TweetCache(budget_for(4, owners=2))
    cache.begin_load(ADA).finish(rows(1, 3), 0)
    cache.begin_load(BOB).finish(rows(2, 4), 0)
    cache.read(ADA, None, 1)
    cache.push(ADA, 5, "5", 1)
    assert cache.get_many([1, 2]) == ["1", None]


def test_popular_tails_get_a_second_chance() -> None:
    cache: TweetCache[str] = TweetCache(budget_for(3, owners=2))
    cache.begin_load(ADA).finish(rows(1), 0)
    for _ in range(9):
        cache.get(1)
    cache.begin_load(BOB).finish(rows(2, 3), 0)
    cache.push(BOB, 4, "4", 1)
    assert cache.get_many([1, 2]) == ["1", None]


def test_pages_count_as_reads_once_in_a_while() -> None:
    cache: TweetCache[str] = TweetCache(budget_for(4, owners=2))
    cache.begin_load(ADA).finish(rows(1, 2), 0)
    for _ in range(9 * SAMPLE):
        cache.get_many([1, 2])
    cache.begin_load(BOB).finish(rows(3, 4), 0)
    cache.push(BOB, 5, "5", 1)
    assert cache.get_many([1, 2, 3]) == ["1", "2", None]


def test_recent_tweets_are_kept_longer() -> None:
    cache: TweetCache[str] = TweetCache(budget_for(3, owners=2))
    cache.begin_load(ADA).finish(rows(8), 0)
    cache.begin_load(BOB).finish(rows(2, 3), 0)
    cache.recent_from_id = 5
    cache.push(BOB, 9, "9", 1)
    assert cache.get_many([8, 2]) == ["8", None]


def test_an_owner_without_entries_is_dropped() -> None:
    cache: TweetCache[str] = TweetCache(budget_for(1))
    cache.push(ADA, 1, "1", 1)
    cache.push(BOB, 2, "2", 1)
    assert cache.stats()["owners"] == 1
    assert cache.stats()["evictions"] == 1


def test_an_entry_heavier_than_the_budget_is_not_kept() -> None:
    cache: TweetCache[str] = TweetCache(1_000)
    cache.push(ADA, 1, "1", 1)
    assert not cache.push(ADA, 2, "2", 1_000)
    assert cache.get(1) == "1", "nothing else had to go for it"
    assert not cache.read(ADA, None, 1).complete
    assert cache.push(ADA, 3, "3", 1)
    assert cache.read(ADA, None, 1) == complete("3")


def test_a_late_push_below_one_too_heavy_to_keep_promises_nothing() -> None:
    cache: TweetCache[str] = TweetCache(1_000)
    cache.push(ADA, 1, "1", 1)
    cache.push(ADA, 5, "5", 1_000)
    cache.drop_owner(ADA)
    assert not cache.push(ADA, 4, "4", 1)
    assert not cache.read(ADA, None, 1).complete


def test_slots_are_used_again() -> None:
    cache: TweetCache[str] = TweetCache(budget_for(10))
    for an_id in range(1, 1_000):
        cache.push(ADA, an_id, "x", 1)
    assert len(cache._lists.entries.ids) <= 11
    cache.check()
