"""The gate of scans: many inside, or one who has shut it; never both."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chirp.storage.scan_gate import ScanGate

SCANS, THREADS = 400, 8


def test_nobody_is_inside_while_it_is_shut() -> None:
    gate, moving = ScanGate(), False
    seen: list[bool] = []

    def scan(_: int) -> None:
        with gate.passing():
            seen.append(moving)
            time.sleep(1e-4)
            seen.append(moving)

    with ThreadPoolExecutor(THREADS) as pool:
        scans = pool.map(scan, range(SCANS))
        for _ in range(20):
            with gate.shut():
                moving = True
                assert gate.inside == 0
                time.sleep(1e-3)
                moving = False
        list(scans)
    assert seen == [False] * 2 * SCANS


def test_scans_run_side_by_side() -> None:
    gate, meeting = ScanGate(), threading.Barrier(THREADS, timeout=5)

    def scan(_: int) -> int:
        with gate.passing():
            return meeting.wait()

    with ThreadPoolExecutor(THREADS) as pool:
        assert sorted(pool.map(scan, range(THREADS))) == list(range(THREADS))


def test_who_shuts_it_goes_before_scans_that_come_later() -> None:
    gate, order = ScanGate(), list[str]()
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with gate.passing():
            entered.set()
            leave.wait(5)

    def shut() -> None:
        with gate.shut():
            order.append("shut")

    def later() -> None:
        with gate.passing():
            order.append("later")

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(first)]
        entered.wait(5)
        jobs.append(pool.submit(shut))
        time.sleep(0.02)
        jobs.append(pool.submit(later))
        time.sleep(0.02)
        assert order == []
        leave.set()
        for job in jobs:
            job.result(5)
    assert order == ["shut", "later"]


def test_an_error_inside_opens_it_again() -> None:
    gate = ScanGate()
    for way in (gate.passing, gate.shut):
        with pytest.raises(ValueError, match="inside"), way():
            raise ValueError("inside")
    with gate.shut():
        assert gate.inside == 0
