"""The merge of many authors' lists equals sorting them all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp.readers import merge
from chirp.readers.merge import (
    MOST_FIRST,
    TOGETHER,
    merge_above,
    merge_latest,
    merge_newest,
)

LISTS = st.dictionaries(
    st.integers(1, 200), st.sets(st.integers(1, 60).map(lambda n: n), max_size=40), max_size=8
)


class Shelf:
    """Lists of ids by author, and how often they were asked."""

    def __init__(self, lists: dict[int, set[int]]) -> None:
        # No two authors have an id in common.
        self.lists = {a: sorted(n * 1_000 + a for n in ids) for a, ids in lists.items()}
        self.asked = 0

    async def below(self, authors: Sequence[int], below: int, limit: int) -> list[list[int]]:
        self.asked += len(authors)
        return [[i for i in reversed(self.lists[a]) if i < below][:limit] for a in authors]

    async def above(self, authors: Sequence[int], above: int, limit: int) -> list[list[int]]:
        self.asked += len(authors)
        return [[i for i in self.lists[a] if i > above][:limit] for a in authors]

    @property
    def all(self) -> list[int]:
        return sorted(i for ids in self.lists.values() for i in ids)


@given(LISTS, st.integers(0, 70_000), st.integers(1, 100))
async def test_the_newest_below_a_bound(lists: dict[int, set[int]], below: int, limit: int) -> None:
    shelf = Shelf(lists)
    wanted = [i for i in reversed(shelf.all) if i < below][:limit]
    assert await merge_newest(shelf.below, list(shelf.lists), below, limit) == wanted


@given(LISTS, st.integers(0, 70_000), st.integers(1, 100))
async def test_those_directly_above_a_bound(
    lists: dict[int, set[int]], above: int, limit: int
) -> None:
    shelf = Shelf(lists)
    wanted = [i for i in shelf.all if i > above][:limit]
    assert await merge_above(shelf.above, list(shelf.lists), above, limit) == wanted


@given(LISTS, st.lists(st.integers(0, 3), min_size=8, max_size=8), st.integers(1, 3))
async def test_the_latest_are_the_newest_of_all(
    lists: dict[int, set[int]], deleted: list[int], limit: int
) -> None:
    shelf = Shelf(lists)
    noted = {author: max(ids, default=0) for author, ids in shelf.lists.items()}
    # What is noted may be the id of a tweet that is gone.
    for (author, ids), count in zip(shelf.lists.items(), deleted, strict=False):
        shelf.lists[author] = ids[: len(ids) - count]

    async def newest_of(authors: Sequence[int]) -> list[int]:
        return [noted[author] for author in authors]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "TOGETHER", 2)
        patch.setattr(merge, "NOTED_TOGETHER", 3)
        found = await merge_latest(shelf.below, newest_of, list(shelf.lists), limit)
    assert found == shelf.all[::-1][:limit]


@pytest.mark.parametrize("gone", [0, 300, 900])
async def test_of_very_many_authors_those_are_asked_who_wrote_last(gone: int) -> None:
    shelf = Shelf({author: {author, author + 1} for author in range(1, 1_000)})
    noted = {author: ids[-1] for author, ids in shelf.lists.items()}
    for author in range(1_000 - gone, 1_000):
        shelf.lists[author] = []

    async def newest_of(authors: Sequence[int]) -> list[int]:
        return [noted[author] for author in authors]

    found = await merge_latest(shelf.below, newest_of, list(shelf.lists), 100)
    assert found == shelf.all[::-1][:100]
    asked = -(-(gone + 60) // TOGETHER) * TOGETHER
    assert shelf.asked == min(asked, 999)


async def test_of_very_many_who_never_wrote_nobody_is_asked() -> None:
    shelf = Shelf({author: set() for author in range(1, 1_000)})

    async def newest_of(authors: Sequence[int]) -> list[int]:
        return [0] * len(authors)

    assert await merge_latest(shelf.below, newest_of, list(shelf.lists), 100) == []
    assert shelf.asked == 0


async def test_each_author_is_asked_once_where_the_first_chunk_is_enough() -> None:
    shelf = Shelf({author: set(range(1, 50)) for author in range(1, 101)})
    await merge_newest(shelf.below, list(shelf.lists), 1 << 60, 20)
    assert shelf.asked == 100


async def test_many_authors_are_asked_together_and_all_are_merged() -> None:
    shelf = Shelf({author: {author % 7, author % 11} for author in range(1, 3 * TOGETHER + 5)})
    found = await merge_newest(shelf.below, list(shelf.lists), 1 << 60, 700)
    assert found == shelf.all[::-1][:700]


@pytest.mark.parametrize("limit", [MOST_FIRST, MOST_FIRST + 1, 800])
async def test_one_busy_author_is_asked_in_growing_chunks(limit: int) -> None:
    shelf = Shelf({1: set(range(1, 2_000)), 2: set()})
    found = await merge_newest(shelf.below, list(shelf.lists), 1 << 60, limit)
    assert found == shelf.all[::-1][:limit]
    assert shelf.asked < 12
