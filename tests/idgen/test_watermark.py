"""The watermark against a model that looks at everything each time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chirp.idgen import Watermark


def opened(*ids: int, start: int = 0) -> Watermark:
    mark = Watermark(start=start)
    for an_id in ids:
        mark.open(an_id)
    return mark


def test_the_value_rises_in_order() -> None:
    mark = opened(3, 5, 8)
    mark.settle(5)
    assert mark.value == 0
    mark.settle(3)
    assert mark.value == 5
    mark.settle(8)
    assert mark.value == 8


def test_ids_open_in_order() -> None:
    mark = opened(5, start=4)
    for late in (4, 5):
        with pytest.raises(ValueError, match="in order"):
            mark.open(late)
    mark.check()


def test_settling_what_is_not_open() -> None:
    mark = opened(5)
    mark.settle(5)
    for unknown in (5, 6):
        with pytest.raises(KeyError):
            mark.settle(unknown)
    mark.check()


async def test_waiting_for_what_is_settled_does_not_suspend() -> None:
    mark = opened(5)
    mark.settle(5)
    with pytest.raises(StopIteration):
        mark.wait_settled(5).send(None)


async def test_waiting_until_all_smaller_ids_are_settled() -> None:
    mark = opened(5, 6)
    waiter = asyncio.ensure_future(mark.wait_settled(6))
    mark.settle(6)
    await asyncio.sleep(0)
    assert not waiter.done()
    mark.settle(5)
    await asyncio.wait_for(waiter, 1)
    assert mark.stats() == {"open": 0, "held": 0, "waiting": 0, "value": 6}


async def test_who_waits_for_an_id_that_fails_waits_for_no_smaller_one() -> None:
    mark = opened(5, 6, 7)
    failed, other = (asyncio.ensure_future(mark.wait_settled(one)) for one in (6, 7))
    await asyncio.sleep(0)
    mark.fail(6)
    mark.settle(7)
    await asyncio.sleep(0)
    assert failed.done()
    assert not other.done()
    assert mark.value == 0
    mark.check()
    mark.settle(5)
    await other
    assert mark.value == 7


async def test_waiting_for_an_id_nobody_opened() -> None:
    with pytest.raises(KeyError):
        await opened(5, 7).wait_settled(6)


async def test_a_cancelled_waiter_leaves_nothing_behind() -> None:
    mark = opened(5)
    waiters = [asyncio.ensure_future(mark.wait_settled(5)) for _ in range(2)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    await asyncio.sleep(0)
    mark.check()
    assert mark.stats()["waiting"] == 1
    mark.settle(5)
    await asyncio.wait_for(waiters[1], 1)
    assert waiters[0].cancelled()


async def test_cancelled_in_the_round_in_which_it_was_woken() -> None:
    mark = opened(5)
    waiter = asyncio.ensure_future(mark.wait_settled(5))
    await asyncio.sleep(0)
    mark.settle(5)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    mark.check()


def test_subscribers_hear_each_rise_once() -> None:
    mark, heard = opened(1, 2, 3), list[int]()
    end = mark.subscribe(heard.append)
    mark.settle(2)
    mark.settle(1)
    end()
    mark.settle(3)
    assert heard == [2]


def test_a_subscriber_may_settle() -> None:
    mark, heard = opened(1, 2), list[int]()

    def settle_the_next(value: int) -> None:
        if value == 1:
            mark.settle(2)

    mark.subscribe(settle_the_next)
    mark.subscribe(heard.append)
    mark.settle(1)
    assert heard == [1, 2]


def test_a_subscribers_error_propagates_and_the_value_has_risen() -> None:
    mark = opened(1)
    mark.subscribe(lambda value: [][value])
    with pytest.raises(IndexError):
        mark.settle(1)
    assert mark.value == 1
    mark.check()


class AgainstModel(RuleBasedStateMachine):
    """Ids open in order and settle in any; the model keeps all of them for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = Watermark(start=10)
        self.heard = [10]
        self.mark.subscribe(self.heard.append)
        self.settled: dict[int, bool] = {}

    @rule(gap=st.integers(1, 5))
    def open(self, gap: int) -> None:
        new_id = max(self.settled, default=10) + gap
        self.mark.open(new_id)
        self.settled[new_id] = False

    @precondition(lambda self: not all(self.settled.values()))
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        an_id = data.draw(st.sampled_from([i for i, done in self.settled.items() if not done]))
        self.mark.settle(an_id)
        self.settled[an_id] = True

    @invariant()
    def agrees(self) -> None:
        self.mark.check()
        value = 10
        for an_id, done in sorted(self.settled.items()):
            if not done:
                break
            value = an_id
        assert self.mark.value == value == self.heard[-1]
        assert self.heard == sorted(set(self.heard))


TestAgainstModel = AgainstModel.TestCase
