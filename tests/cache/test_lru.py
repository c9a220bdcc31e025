"""The map that forgets what was used least recently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chirp.cache import LruMap

KEYS = st.integers(0, 5)
STEPS = st.lists(st.tuples(st.sampled_from(["get", "put", "delete"]), KEYS, st.integers(0, 12)))


def test_the_least_recently_used_goes() -> None:
    lru: LruMap[str, int] = LruMap(2)
    lru.put("a", 1, 1)
    lru.put("b", 2, 1)
    lru.get("a")
    lru.put("c", 3, 1)
    assert (lru.get("a"), lru.get("b"), lru.get("c")) == (1, None, 3)


def test_what_is_too_heavy_replaces_and_is_not_kept() -> None:
    lru: LruMap[str, int] = LruMap(2)
    lru.put("a", 1, 1)
    lru.put("a", 2, 3)
    assert lru.get("a") is None
    assert len(lru) == 0


@given(STEPS)
def test_against_a_list_of_uses(steps: list[tuple[str, int, int]]) -> None:
    lru: LruMap[int, int] = LruMap(10)
    model: dict[int, int] = {}  # key to weight, the least recently used first
    for verb, key, weight in steps:
        if verb == "get" and key in model:
            model[key] = model.pop(key)
        if verb != "get":
            model.pop(key, None)
        if verb == "put" and weight <= 10:
            model[key] = weight
        while sum(model.values()) > 10:
            del model[next(iter(model))]
        if verb == "put":
            lru.put(key, weight, weight)
        else:
            (lru.get if verb == "get" else lru.delete)(key)
        lru.check()
        assert [(k, w) for k, (_, w) in lru._entries.items()] == list(model.items())
