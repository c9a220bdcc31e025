"""The two layouts: worked examples, and that times and ids agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp.idgen import LAYOUT_48, LAYOUT_64, Layout, layout_named
from chirp.model import MAX_ID, UnixMs

EPOCH_48_MS = 1_483_228_800_000

layouts = st.sampled_from([LAYOUT_48, LAYOUT_64])


@st.composite
def lanes(draw: st.DrawFn) -> tuple[int, int]:
    count = draw(st.integers(1, 16))
    return draw(st.integers(0, count - 1)), count


@st.composite
def placed(draw: st.DrawFn) -> tuple[Layout, int]:
    """A layout and any id of it."""
    layout = draw(layouts)
    return layout, draw(st.integers(1, (1 << (layout.tick_bits + layout.low_bits)) - 1))


def test_second_1483228800_sequences_1_2_3() -> None:
    assert [LAYOUT_48.compose(0, 0, 1, n) for n in (1, 2, 3)] == [1, 2, 3]
    assert {LAYOUT_48.time_of(i) for i in (1, 2, 3)} == {EPOCH_48_MS}


def test_next_second_starts_at_131072() -> None:
    assert LAYOUT_48.compose(1, 0, 1, 0) == 131_072
    assert LAYOUT_48.time_of(131_072) == EPOCH_48_MS + 1_000


def test_worked_example_of_the_64_bit_layout() -> None:
    taken = LAYOUT_64.compose(1_700_000_000_123, lane=3, lanes=4, n=5)
    assert taken == 111_411_200_008_073_221
    assert LAYOUT_64.time_of(taken) == 1_700_000_000_123
    assert LAYOUT_64.lane_of(taken, 4) == 3


def test_even_and_odd_lanes() -> None:
    assert [LAYOUT_48.compose(0, 0, 2, n) for n in range(3)] == [0, 2, 4]
    assert [LAYOUT_48.compose(0, 1, 2, n) for n in range(3)] == [1, 3, 5]


def test_ids_fit_in_63_bits() -> None:
    for layout in (LAYOUT_48, LAYOUT_64):
        last = layout.capacity(0, 1) - 1
        assert layout.compose(layout.max_tick, 0, 1, last) <= MAX_ID


def test_last_moments() -> None:
    assert LAYOUT_48.end_ms == 3_630_712_448_000
    assert LAYOUT_64.end_ms == 1 << 47


def test_names() -> None:
    assert layout_named("48") is LAYOUT_48
    assert layout_named("64") is LAYOUT_64
    with pytest.raises(ValueError, match="'32'"):
        layout_named("32")


@pytest.mark.parametrize(("lane", "count"), [(0, 0), (0, 17), (2, 2), (-1, 2)])
def test_lanes_out_of_bounds(lane: int, count: int) -> None:
    with pytest.raises(ValueError, match="lane"):
        LAYOUT_64.check_lane(lane, count)


def test_the_lanes_of_the_48_bit_layout_share_the_whole_sequence() -> None:
    for count in range(1, 17):
        assert sum(LAYOUT_48.capacity(lane, count) for lane in range(count)) == 131_072


@given(placed(), st.integers(-10_000, 10_000), st.integers(0, 20_000))
def test_time_of_and_ids_between_agree(case: tuple[Layout, int], before: int, long: int) -> None:
    layout, an_id = case
    start = UnixMs(layout.time_of(an_id) + before)
    until = UnixMs(start + long)
    first, end = layout.ids_between(start, until)
    assert (first <= an_id < end) == (start <= layout.time_of(an_id) < until)


@given(layouts, st.integers(-(2**50), 2**50), st.integers(-(2**50), 2**50))
def test_ranges_of_any_times_are_well_formed(layout: Layout, one: int, other: int) -> None:
    first, end = layout.ids_between(UnixMs(one), UnixMs(other))
    assert 1 <= first <= end <= 1 << (layout.tick_bits + layout.low_bits)


@given(placed(), lanes())
def test_position_above_is_the_first_of_the_lane(
    case: tuple[Layout, int], where: tuple[int, int]
) -> None:
    layout, an_id = case
    tick, n = layout.position_above(an_id, *where)
    if n < layout.capacity(*where):
        assert layout.compose(tick, *where, n) > an_id
    if n:
        assert layout.compose(tick, *where, n - 1) <= an_id


@given(layouts, lanes(), st.integers(0, 2**31 - 1), st.integers(0, 4095))
def test_an_id_says_its_lane_and_its_tick(
    layout: Layout, where: tuple[int, int], tick: int, n: int
) -> None:
    lane, count = where
    taken = layout.compose(tick, lane, count, n)
    assert layout.lane_of(taken, count) == lane
    assert layout.time_of(taken) == layout.tick_starts_ms(tick)
