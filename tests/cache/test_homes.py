"""Home timelines: windows, pages, builds, versions; and all of it against a plain model."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chirp.cache import Build, HomeReading, HomeTimelines
from chirp.cache.homes import WINDOW_WEIGHT_BYTES

ADA, BOB = 1, 2
LARGE = 1_000_000


def homes_with(*ids: int, complete_from: int = 0, keep: int = 800) -> HomeTimelines:
    homes = HomeTimelines(LARGE, keep=keep)
    assert homes.begin_build(ADA).install(ids, complete_from)
    return homes


def complete(*ids: int) -> HomeReading:
    return HomeReading(list(ids), complete=True, rest_below=None)


def partial(*ids: int, rest_below: int | None) -> HomeReading:
    return HomeReading(list(ids), complete=False, rest_below=rest_below)


def test_nobody_without_a_build_has_a_window() -> None:
    homes = HomeTimelines(LARGE)
    assert not homes.push(ADA, 1)
    assert homes.read(ADA, None, 20) is None
    assert ADA not in homes
    assert homes.stats()["misses"] == 1


def test_pages_newest_first() -> None:
    homes = homes_with(3, 1, 2, 5, 4)
    assert homes.read(ADA, None, 2) == complete(5, 4)
    assert homes.read(ADA, 4, 2) == complete(3, 2)
    assert homes.read(ADA, 2, 2) == complete(1)
    assert homes.read(ADA, 1, 2) == complete()


def test_a_page_past_the_window() -> None:
    homes = homes_with(10, 20, complete_from=10)
    assert homes.read(ADA, None, 3) == partial(20, 10, rest_below=10)
    assert homes.read(ADA, 10, 3) == partial(rest_below=10)
    assert homes.read(ADA, 7, 3) == partial(rest_below=7)


def test_since_id_bounds_a_page() -> None:
    homes = homes_with(10, 20, 30, complete_from=10)
    assert homes.read(ADA, None, 9, above=10) == complete(30, 20)
    assert homes.read(ADA, None, 9, above=9) == complete(30, 20, 10)
    assert homes.read(ADA, None, 9, above=8) == partial(30, 20, 10, rest_below=10)
    assert homes.read(ADA, None, 1, above=8) == complete(30)


def test_min_id_gives_the_page_directly_above() -> None:
    homes = homes_with(10, 20, 30, 40, complete_from=10)
    assert homes.read_above(ADA, 10, 2) == complete(20, 30)
    assert homes.read_above(ADA, 10, 9, below=40) == complete(20, 30)
    assert homes.read_above(ADA, 40, 2) == complete()
    assert homes.read_above(ADA, 5, 2) == partial(rest_below=None)
    assert homes.read_above(BOB, 5, 2) is None


def test_pushes_in_any_order_and_twice() -> None:
    homes = homes_with(10, complete_from=5)
    assert [homes.push(ADA, i) for i in (30, 20, 20, 30, 5, 4)] == [1, 1, 0, 0, 1, 0]
    assert homes.read(ADA, None, 4) == complete(30, 20, 10, 5)
    homes.check()


def test_an_empty_window_takes_pushes() -> None:
    homes = homes_with(complete_from=5)
    assert homes.push_all([BOB, ADA], 5) == 1
    assert homes.read(ADA, None, 1) == complete(5)


def test_a_window_is_trimmed_to_the_newest() -> None:
    homes = homes_with(*range(1, 5), keep=4)
    for an_id in range(5, 100):
        homes.push(ADA, an_id)
        homes.check()
    assert homes.read(ADA, None, 4) == complete(99, 98, 97, 96)
    reading = homes.read(ADA, None, 9)
    assert reading is not None
    assert not reading.complete


def test_a_long_build_is_trimmed_too() -> None:
    homes = homes_with(*range(1, 1_001), keep=10)
    assert homes.read(ADA, None, 11) == partial(*range(1_000, 990, -1), rest_below=991)


def test_pushes_and_removals_during_a_build() -> None:
    homes = HomeTimelines(LARGE)
    build = homes.begin_build(ADA)
    homes.push(ADA, 9)
    homes.push(ADA, 1)
    homes.remove(ADA, 4)
    assert build.install([3, 4, 5], complete_from=3)
    assert homes.read(ADA, None, 3) == complete(9, 5, 3)


def test_a_build_of_an_old_graph_is_refused() -> None:
    homes = HomeTimelines(LARGE)
    build = homes.begin_build(ADA)
    homes.bump(ADA)
    assert not build.install([1], 0)
    assert homes.stats()["refused_builds"] == 1


def test_a_bump_drops_the_window() -> None:
    homes = homes_with(1)
    before = homes.graph_version(ADA)
    homes.bump(ADA)
    assert ADA not in homes
    assert homes.graph_version(ADA) != before


def test_the_version_outlives_the_window() -> None:
    homes = homes_with(1)
    before = homes.graph_version(ADA)
    homes.drop(ADA)
    assert homes.graph_version(ADA) == before


def test_forgetting_a_version_is_as_safe_as_a_bump() -> None:
    homes = HomeTimelines(LARGE, versions_kept=10)
    build, before = homes.begin_build(ADA), homes.graph_version(ADA)
    seen = {homes.graph_version(viewer) for viewer in range(100, 200)}
    assert homes.stats()["versions"] == 10
    assert not build.install([1], 0)
    assert homes.graph_version(ADA) not in {before, *seen}


def test_overlapping_builds_both_hold() -> None:
    homes = HomeTimelines(LARGE)
    one, other = homes.begin_build(ADA), homes.begin_build(ADA)
    assert one.install([5, 6], 5)
    homes.push(ADA, 7)
    assert other.install([3, 5, 6], 3)
    assert homes.read(ADA, None, 4) == complete(7, 6, 5, 3)
    with pytest.raises(RuntimeError, match="ended"):
        one.install([], 0)


def test_an_error_abandons_a_build() -> None:
    homes = HomeTimelines(LARGE)
    with pytest.raises(OSError, match="disk"), homes.begin_build(ADA):
        raise OSError("disk")
    assert homes.stats()["open_builds"] == 0


def test_the_least_recently_read_viewer_is_evicted() -> None:
    homes = HomeTimelines(2 * (WINDOW_WEIGHT_BYTES + 8 * 3))
    for viewer in (ADA, BOB):
        homes.begin_build(viewer).install([1, 2], 0)
    homes.read(ADA, None, 1)
    homes.push_all([ADA, BOB], 3)
    homes.check()
    assert (ADA in homes, BOB in homes) == (True, False)


@dataclass
class Building:
    """A build that has looked at the timeline, or has not yet."""

    build: Build
    ids: list[int] | None = None
    complete_from: int = 0


class HomesBesideModel(RuleBasedStateMachine):
    """Two viewers. The truth is a set of ids each; pushes, removals and bumps arrive later.

    The promise: a complete page lacks no id whose push has arrived, and shows none whose removal
    has; what shows early or late is what a moment earlier would have shown.
    """

    viewers = st.sampled_from([1, 1, 1, 2])
    ids = st.integers(1, 30)

    @initialize(
        keep=st.integers(1, 6),
        budget_bytes=st.sampled_from([0, 400, 700, 2_000]),
        old=st.sets(ids, max_size=9),
        kept=st.integers(1, 9),
    )
    def begin(self, keep: int, budget_bytes: int, old: set[int], kept: int) -> None:
        self.homes = HomeTimelines(budget_bytes, keep=keep, versions_kept=2)
        self.truth = {1: set(old), 2: set(old)}
        self.pushed = {1: set(old), 2: set(old)}
        self.removed: dict[int, set[int]] = {1: set(), 2: set()}
        self.builds: list[Building] = []
        for viewer in (1, 2):
            self.begin_build(viewer, at_once=True, limit=kept)
            self.builds[0].build.install(self.builds[0].ids or (), self.builds[0].complete_from)
            self.builds.clear()

    @rule(viewer=viewers, an_id=ids, at_once=st.booleans())
    def post(self, viewer: int, an_id: int, *, at_once: bool) -> None:
        if an_id in self.removed[viewer] | self.truth[viewer]:
            return
        self.truth[viewer].add(an_id)
        if at_once:
            self.pushed[viewer].add(an_id)
            self.homes.push_all([viewer, 99], an_id)

    @rule(viewer=viewers, data=st.data())
    def push(self, viewer: int, data: st.DataObject) -> None:
        waiting = sorted(self.truth[viewer] - self.pushed[viewer])
        if waiting:
            an_id = data.draw(st.sampled_from(waiting))
            self.pushed[viewer].add(an_id)
            self.homes.push_all([viewer, 99], an_id)

    @rule(viewer=viewers, data=st.data())
    def remove(self, viewer: int, data: st.DataObject) -> None:
        if self.pushed[viewer] & self.truth[viewer]:
            an_id = data.draw(st.sampled_from(sorted(self.pushed[viewer] & self.truth[viewer])))
            self.truth[viewer].remove(an_id)
            self.removed[viewer].add(an_id)
            self.homes.remove(viewer, an_id)

    @rule(viewer=viewers, unfollowed=st.sets(ids, min_size=1, max_size=9))
    def change_the_graph(self, viewer: int, unfollowed: set[int]) -> None:
        unfollowed &= self.pushed[viewer]
        self.truth[viewer] -= unfollowed
        self.removed[viewer] |= unfollowed
        self.homes.bump(viewer)

    @rule(viewer=viewers, at_once=st.booleans(), limit=st.integers(1, 8))
    def begin_build(self, viewer: int, *, at_once: bool, limit: int) -> None:
        if len(self.builds) < 3:
            self.builds.append(Building(self.homes.begin_build(viewer)))
            if at_once:
                self.look(self.builds[-1], limit)

    @precondition(lambda self: self.builds)
    @rule(data=st.data(), limit=st.integers(1, 8))
    def look_later(self, data: st.DataObject, limit: int) -> None:
        self.look(data.draw(st.sampled_from(self.builds)), limit)

    def look(self, building: Building, limit: int) -> None:
        ids = sorted(self.truth[building.build.viewer], reverse=True)
        building.ids = ids[:limit]
        building.complete_from = ids[limit - 1] if len(ids) >= limit else 0

    @precondition(lambda self: self.builds)
    @rule(data=st.data())
    def install(self, data: st.DataObject) -> None:
        building = data.draw(st.sampled_from(self.builds))
        self.builds.remove(building)
        if building.ids is None:
            building.build.abandon()
        else:
            building.build.install(building.ids, building.complete_from)

    @rule(viewer=viewers)
    def drop(self, viewer: int) -> None:
        self.homes.drop(viewer)

    @rule(viewer=viewers, below=st.none() | ids, above=st.just(0) | ids, limit=st.integers(1, 5))
    def read(self, viewer: int, below: int | None, above: int, limit: int) -> None:
        reading = self.homes.read(viewer, below, limit, above=above)
        if reading is None:
            return
        self.judge(viewer, reading.ids, above, below)
        full = reading.complete and len(reading.ids) == limit
        down_to = reading.ids[-1] if full else above + 1
        if not reading.complete:
            down_to = reading.rest_below or 0
        self.lacks_none(viewer, reading.ids, down_to, below or 99)

    @rule(viewer=viewers, below=st.none() | ids, above=ids, limit=st.integers(1, 5))
    def read_above(self, viewer: int, below: int | None, above: int, limit: int) -> None:
        reading = self.homes.read_above(viewer, above, limit, below=below)
        if reading is None or not reading.complete:
            return
        self.judge(viewer, reading.ids[::-1], above, below)
        up_to = reading.ids[-1] if len(reading.ids) == limit else below or 99
        self.lacks_none(viewer, reading.ids, above + 1, up_to)

    def judge(self, viewer: int, page: list[int], above: int, below: int | None) -> None:
        assert page == sorted(set(page), reverse=True)
        assert set(page) <= self.truth[viewer]
        assert all(above < an_id < (below or 99) for an_id in page)

    def lacks_none(self, viewer: int, page: list[int], down_to: int, up_to: int) -> None:
        must = self.pushed[viewer] & self.truth[viewer]
        assert not {an_id for an_id in must if down_to <= an_id < up_to} - set(page)

    @invariant()
    def sound(self) -> None:
        if not hasattr(self, "homes"):
            return
        self.homes.check()
        for viewer, window in self.homes._windows.items():
            page = window[:0:-1].tolist()
            self.judge(viewer, page, 0, None)
            self.lacks_none(viewer, page, window[0], 99)


HomesBesideModel.TestCase.settings = settings(
    max_examples=250, stateful_step_count=50, deadline=None
)
TestHomesBesideModel = HomesBesideModel.TestCase
