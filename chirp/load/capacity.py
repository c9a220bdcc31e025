"""Finds the greatest rate that a server bears: the 99th percentile stays within a bound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chirp.load.plan import Outcome

Measure = Callable[[float], Awaitable[Outcome]]
"""Given a rate (0: closed loop): what was measured."""

STEPS = 6
_KEPT_UP = 0.98
"""At least this part of what was due must have been answered."""
_LEAST_RATE = 1.0


@dataclass(frozen=True, slots=True)
class Try:
    """One rate that was tried, in requests a second, and what it gave."""

    rate: float
    per_s: float
    p99_ms: float
    borne: bool


@dataclass(frozen=True, slots=True)
class Capacity:
    """The greatest rate that was borne; 0 when none was. `tries` in the order of the search."""

    rate: float
    bound_ms: float
    tries: list[Try]


async def find_capacity(measure: Measure, bound_ms: float, steps: int = STEPS) -> Capacity:
    """Search between nothing and what a closed loop gets, halving the gap `steps` times.

    A rate is borne when its p99 is at most `bound_ms`, nothing failed, and the server kept up.
    """
    closed = await measure(0)
    above = max(closed.per_s, _LEAST_RATE) * 1.1
    below, tries = 0.0, [_try(0, closed, bound_ms)]
    rate = above * 0.7
    for _ in range(steps):
        one = _try(rate, await measure(rate), bound_ms)
        tries.append(one)
        if one.borne:
            below = rate
        else:
            above = rate
        rate = (below + above) / 2
    return Capacity(below, bound_ms, tries)


def _try(rate: float, outcome: Outcome, bound_ms: float) -> Try:
    p99_ms = outcome.whole.quantile(0.99) / 1000
    kept_up = outcome.per_s >= rate * _KEPT_UP
    borne = bool(rate) and kept_up and not outcome.error_count and p99_ms <= bound_ms
    return Try(rate, outcome.per_s, p99_ms, borne)
