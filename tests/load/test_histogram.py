"""Latencies in buckets: as near to the truth as is promised."""

from __future__ import annotations

import json
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from chirp.load.histogram import Histogram, merged

TIMES = st.lists(st.integers(0, 3_600_000_000), min_size=1, max_size=300)


def of(times: list[int]) -> Histogram:
    made = Histogram()
    for us in times:
        made.record(us)
    return made


@given(TIMES, st.floats(0.001, 1.0))
def test_quantiles_are_near_the_exact_ones(times: list[int], q: float) -> None:
    exact = sorted(times)[ceil(q * len(times)) - 1]
    found = of(times).quantile(q)
    assert exact <= found <= exact * 1.0079 + 1


@given(TIMES)
def test_counts_mean_and_most_are_exact(times: list[int]) -> None:
    made = of(times)
    assert (made.count, made.most) == (len(times), max(times))
    assert made.mean == sum(times) / len(times)
    assert sum(count for _, count in made.buckets()) == len(times)
    highest = [us for us, _ in made.buckets()]
    assert highest == sorted(set(highest))


@given(TIMES, TIMES)
def test_merged_is_as_if_counted_at_once(first: list[int], second: list[int]) -> None:
    assert merged([of(first), of(second)]).as_json() == of(first + second).as_json()


@given(TIMES)
def test_json_brings_all_of_it_back(times: list[int]) -> None:
    made = of(times)
    back = Histogram.from_json(json.loads(json.dumps(made.as_json())))
    assert back.as_json() == made.as_json()
    assert back.count == made.count


def test_nothing_has_no_quantiles() -> None:
    assert Histogram().quantile(0.99) == 0
    assert Histogram().mean == 0
