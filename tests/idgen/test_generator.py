"""The generator under every kind of clock: ids only grow, lanes never meet, nobody waits long."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp.clock import ManualClock, SystemClock
from chirp.idgen import LAYOUT_48, LAYOUT_64, ClockOutOfRange, IdGenerator, Layout
from chirp.model import UnixMs

EPOCH_48_MS = 1_483_228_800_000
NOON_MS = UnixMs(1_700_000_000_000)
HOUR_MS = 3_600_000

layouts = st.sampled_from([LAYOUT_48, LAYOUT_64])
# (kind, amount): let time pass, set the wall clock off, take some ids, restart.
steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1, 5_000)),
        st.tuples(st.just("step"), st.integers(-2 * HOUR_MS, 2 * HOUR_MS)),
        st.tuples(st.just("take"), st.integers(1, 20)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=40,
)


def spend(ids: IdGenerator) -> int:
    """Take ids until the tick has none left; return how many there were."""
    taken = 0
    while ids.try_next() is not None:
        taken += 1
    return taken


def test_first_ids_of_the_48_bit_layout() -> None:
    ids = IdGenerator(LAYOUT_48, ManualClock(UnixMs(EPOCH_48_MS)))
    assert [ids.try_next() for _ in range(3)] == [1, 2, 3]


def test_a_tick_ends_when_its_sequence_is_spent() -> None:
    ids = IdGenerator(LAYOUT_64, ManualClock(NOON_MS), lane=2, lanes=3)
    assert spend(ids) == 4096
    ids.check()


def test_a_lane_spends_only_its_own_share() -> None:
    assert spend(IdGenerator(LAYOUT_48, ManualClock(NOON_MS), lane=2, lanes=3)) == 43_690


async def test_next_waits_for_the_tick_to_end() -> None:
    clock = ManualClock(UnixMs(NOON_MS + 300))
    ids = IdGenerator(LAYOUT_48, clock)
    spend(ids)
    assert LAYOUT_48.time_of(await ids.next()) == NOON_MS + 1_000
    assert clock.now_ms() == NOON_MS + 1_000
    assert ids.stats()["waits"] == 1


async def test_next_takes_at_once_while_there_is_any() -> None:
    ids = IdGenerator(LAYOUT_64, ManualClock(NOON_MS))
    coroutine = ids.next()
    with pytest.raises(StopIteration) as stop:  # it returned without suspending
        coroutine.send(None)
    assert stop.value.value == ids.last


async def test_many_waiters_get_different_ids() -> None:
    ids = IdGenerator(LAYOUT_64, ManualClock(NOON_MS))
    spend(ids)
    taken = await asyncio.gather(*(ids.next() for _ in range(9_000)))
    assert len(set(taken)) == 9_000


async def test_the_machines_clock_drives_both_layouts() -> None:
    for layout in (LAYOUT_48, LAYOUT_64):
        ids = IdGenerator(layout, SystemClock())
        taken = [await ids.next() for _ in range(10_000)]
        assert taken == sorted(set(taken))


def test_restart_goes_on_above_the_greatest_id_on_disk() -> None:
    after = LAYOUT_48.compose(LAYOUT_48.tick_at(NOON_MS), 0, 1, 41)
    ids = IdGenerator(LAYOUT_48, ManualClock(NOON_MS), after=after)
    assert ids.try_next() == after + 1


def test_restart_above_an_id_of_another_lane() -> None:
    after = LAYOUT_64.compose(NOON_MS, 3, 4, 7)
    below = IdGenerator(LAYOUT_64, ManualClock(NOON_MS), lane=1, lanes=4, after=after)
    assert below.try_next() is None, "lane 1 stands below lane 3: nothing left in this tick"
    above = IdGenerator(LAYOUT_64, ManualClock(NOON_MS), lane=3, lanes=4, after=after)
    assert above.try_next() == after + 1


async def test_an_id_from_the_future_blocks_for_a_tick_at_most() -> None:
    clock = ManualClock(NOON_MS)
    after = LAYOUT_64.compose(NOON_MS + HOUR_MS, 0, 1, 4095)
    ids = IdGenerator(LAYOUT_64, clock, after=after)
    assert await ids.next() > after
    assert clock.now_ms() - NOON_MS <= 2


def test_after_a_step_back_time_goes_on_at_half_the_rate() -> None:
    clock = ManualClock(NOON_MS)
    ids = IdGenerator(LAYOUT_64, clock)
    assert ids.try_next() is not None
    clock.set_ms(UnixMs(NOON_MS - HOUR_MS))
    clock.advance_ms(10_000)
    assert LAYOUT_64.time_of(ids.try_next() or 0) == NOON_MS + 5_000
    assert ids.stats()["behind_ms"] == HOUR_MS - 5_000


def test_the_wall_clock_catches_up_after_twice_the_step() -> None:
    clock = ManualClock(NOON_MS)
    ids = IdGenerator(LAYOUT_48, clock)
    assert ids.try_next() is not None
    clock.set_ms(UnixMs(NOON_MS - 60_000))
    for _ in range(125):
        clock.advance_ms(1_000)
        assert ids.try_next() is not None
    assert ids.stats()["behind_ms"] == 0
    assert LAYOUT_48.time_of(ids.last) == clock.now_ms()


async def test_a_step_back_under_full_load_never_blocks_longer_than_a_tick() -> None:
    clock = ManualClock(NOON_MS)
    ids = IdGenerator(LAYOUT_64, clock)
    clock.set_ms(UnixMs(NOON_MS - HOUR_MS))
    for _ in range(3):
        spend(ids)
        before_s = clock.monotonic_s()
        await ids.next()
        assert clock.monotonic_s() - before_s <= 0.0021


def test_a_clock_before_the_epoch_is_refused() -> None:
    ids = IdGenerator(LAYOUT_48, ManualClock(UnixMs(EPOCH_48_MS - 1)))
    with pytest.raises(ClockOutOfRange, match="before the first of the 48-bit layout"):
        ids.try_next()


def test_a_clock_after_the_end_is_refused() -> None:
    ids = IdGenerator(LAYOUT_48, ManualClock(LAYOUT_48.end_ms))
    with pytest.raises(ClockOutOfRange, match="after the last"):
        ids.try_next()
    assert ids.stats()["issued"] == 0


def test_after_must_be_an_id_of_the_layout() -> None:
    with pytest.raises(ValueError, match="no id of the 48-bit layout"):
        IdGenerator(LAYOUT_48, ManualClock(NOON_MS), after=1 << 48)


class Machine:
    """One lane's generator on its own clock, restarted now and then from what is on disk."""

    def __init__(self, layout: Layout, lane: int, lanes: int) -> None:
        self.clock = ManualClock(NOON_MS)
        self.ids = IdGenerator(layout, self.clock, lane=lane, lanes=lanes)
        self.taken: list[int] = []

    def do(self, kind: str, amount: int) -> None:
        if kind == "pass":
            self.clock.advance_ms(amount)
        elif kind == "step":
            self.clock.set_ms(UnixMs(self.clock.now_ms() + amount))
        elif kind == "take":
            self.taken += [i for i in (self.ids.try_next() for _ in range(amount)) if i]
        else:
            old = self.ids
            self.ids = IdGenerator(
                old.layout, self.clock, lane=old.lane, lanes=old.lanes, after=old.last
            )
        self.ids.check()


@given(layouts, steps)
def test_ids_only_grow_whatever_the_clock_does(
    layout: Layout, script: list[tuple[str, int]]
) -> None:
    machine = Machine(layout, 0, 1)
    for kind, amount in script:
        machine.do(kind, amount)
    assert machine.taken == sorted(set(machine.taken))


@given(layouts, st.integers(2, 4), st.lists(st.tuples(st.integers(0, 3), steps), max_size=6))
def test_lanes_never_collide(
    layout: Layout, lanes: int, scripts: list[tuple[int, list[tuple[str, int]]]]
) -> None:
    machines = [Machine(layout, lane, lanes) for lane in range(lanes)]
    for lane, script in scripts:
        for kind, amount in script:
            machines[lane % lanes].do(kind, amount)
    taken = [an_id for machine in machines for an_id in machine.taken]
    assert len(taken) == len(set(taken))


@given(layouts, st.integers(-HOUR_MS, HOUR_MS), st.integers(0, 10 * HOUR_MS))
def test_no_id_is_behind_the_wall_clock(layout: Layout, step: int, passed: int) -> None:
    machine = Machine(layout, 0, 1)
    for kind, amount in (("take", 1), ("step", step), ("pass", passed), ("take", 1)):
        machine.do(kind, amount)
    now = machine.clock.now_ms()
    assert layout.time_of(machine.taken[-1]) > now - layout.tick_ms
