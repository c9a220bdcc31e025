"""Followers and followees in arrays, with loads that changes overtake."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chirp.cache import AdjacencyCache, AdjacencyLoad
from chirp.cache.adjacency import USER_WEIGHT_BYTES

ADA, BOB = 1, 2
LARGE = 1_000_000


def cache_with(*others: int) -> AdjacencyCache:
    cache = AdjacencyCache(LARGE)
    cache.begin_load(ADA).finish(others)
    return cache


def held(cache: AdjacencyCache, user: int = ADA) -> list[int] | None:
    ids = cache.find(user)
    return None if ids is None else ids.tolist()


def test_arrays_are_sorted() -> None:
    assert held(cache_with(5, 3, 9, 3)) == [3, 5, 9]


def test_absent_is_not_empty() -> None:
    cache = cache_with()
    assert held(cache) == []
    assert held(cache, BOB) is None
    assert (cache.stats()["hits"], cache.stats()["misses"]) == (1, 1)


def test_add_and_remove() -> None:
    cache = cache_with(2, 4)
    assert cache.add(ADA, 3)
    assert not cache.add(ADA, 3)
    assert cache.remove(ADA, 2)
    assert not cache.remove(ADA, 2)
    assert held(cache) == [3, 4]
    assert not cache.add(BOB, 3)
    assert not cache.remove(BOB, 3)


def test_contains() -> None:
    cache = cache_with(2, 4)
    assert [cache.contains(ADA, i) for i in (1, 2, 5)] == [False, True, False]
    assert cache.contains(BOB, 2) is None


def test_changes_during_a_load_win() -> None:
    cache = AdjacencyCache(LARGE)
    load = cache.begin_load(ADA)
    cache.add(ADA, 7)
    cache.remove(ADA, 2)
    assert load.finish([1, 2]).tolist() == [1, 7]
    assert held(cache) == [1, 7]


def test_a_dropped_user_is_not_installed_by_an_older_load() -> None:
    cache = AdjacencyCache(LARGE)
    load = cache.begin_load(ADA)
    cache.drop(ADA)
    assert load.finish([1]).tolist() == [1], "the loader itself may use what it read"
    assert held(cache) is None


def test_an_array_heavier_than_the_budget_is_not_kept() -> None:
    cache = AdjacencyCache(1_000)
    cache.begin_load(ADA).finish([1])
    assert len(cache.begin_load(BOB).finish(range(100))) == 100
    assert held(cache) == [1]
    assert held(cache, BOB) is None


def test_the_least_recently_used_user_is_evicted() -> None:
    cache = AdjacencyCache(2 * (USER_WEIGHT_BYTES + 8))
    for user in (ADA, BOB):
        cache.begin_load(user).finish([5])
    cache.find(ADA)
    cache.add(ADA, 6)
    cache.check()
    assert held(cache) == [5, 6]
    assert held(cache, BOB) is None


def test_an_error_abandons_a_load() -> None:
    cache = AdjacencyCache(LARGE)
    with pytest.raises(OSError, match="disk"), cache.begin_load(ADA) as load:
        raise OSError("disk")
    assert cache.stats()["open_loads"] == 0
    with pytest.raises(RuntimeError, match="ended"):
        load.finish([])


class AdjacencyBesideModel(RuleBasedStateMachine):
    """Edges change in the table, and the cache hears of it in order per edge, in any otherwise."""

    users = st.sampled_from([1, 1, 2])
    others = st.integers(1, 6)

    @initialize(arrays=st.integers(0, 3))
    def begin(self, arrays: int) -> None:
        self.cache = AdjacencyCache(arrays * (USER_WEIGHT_BYTES + 30))
        self.table: dict[int, set[int]] = {1: set(), 2: set()}
        self.waiting: dict[tuple[int, int], list[bool]] = {}
        self.loads: list[tuple[AdjacencyLoad, set[int] | None]] = []

    @rule(user=users, other=others)
    def change(self, user: int, other: int) -> None:
        self.table[user] ^= {other}
        self.waiting.setdefault((user, other), []).append(other in self.table[user])

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        user, other = data.draw(st.sampled_from(sorted(self.waiting)))
        present = self.waiting[user, other].pop(0)
        if not self.waiting[user, other]:
            del self.waiting[user, other]
        (self.cache.add if present else self.cache.remove)(user, other)

    @rule(user=users)
    def begin_load(self, user: int) -> None:
        self.loads.append((self.cache.begin_load(user), None))

    @precondition(lambda self: self.loads)
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.loads) - 1))
        load, _ = self.loads[at]
        self.loads[at] = (load, set(self.table[load.user]))

    @precondition(lambda self: self.loads)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        load, seen = self.loads.pop(data.draw(st.integers(0, len(self.loads) - 1)))
        if seen is None:
            load.abandon()
        else:
            load.finish(seen)

    @rule(user=users)
    def drop(self, user: int) -> None:
        self.cache.drop(user)

    @invariant()
    def agrees_where_everything_has_arrived(self) -> None:
        if not hasattr(self, "cache"):
            return
        self.cache.check()
        for user, ids in self.cache._arrays.items():
            unsettled = {other for (who, other) in self.waiting if who == user}
            assert set(ids) - unsettled == self.table[user] - unsettled


AdjacencyBesideModel.TestCase.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None
)
TestAdjacencyBesideModel = AdjacencyBesideModel.TestCase
