"""The rule that hit ratios are compared with is the best there is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.hits import EACH_BYTES, belady_hits, lru_hits


def best(trace: list[int], held: frozenset[int], entries: int) -> int:
    """Return the most hits that any choice of victims gives."""
    if not trace:
        return 0
    tweet, rest = trace[0], trace[1:]
    if tweet in held:
        return 1 + best(rest, held, entries)
    if len(held) < entries:
        return best(rest, held | {tweet}, entries)
    return max(best(rest, held - {victim} | {tweet}, entries) for victim in held)


@given(st.lists(st.integers(1, 4), max_size=9), st.integers(1, 3))
def test_no_choice_of_victims_beats_belady(trace: list[int], entries: int) -> None:
    # The first half, which is not counted, puts one id into the cache that never comes again.
    filling = [0] * len(trace)
    hits = belady_hits(filling + trace, entries)
    assert hits == best(trace, frozenset(filling), entries)


def test_an_exact_lru_keeps_what_was_read_last() -> None:
    trace = [1, 2, 3, 1, 2, 3, 3, 3]
    assert lru_hits(trace, 2 * EACH_BYTES) == 2
    assert belady_hits(trace, 2) == 3
