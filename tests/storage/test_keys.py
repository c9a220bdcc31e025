"""Keys: the order of bytes is the order of numbers, and ranges hold what they say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chirp.model import MAX_ID
from chirp.storage import keys
from chirp.storage.keys import DIRECTORY, MAX_KEY_BYTES, Table, Tag

ids = st.integers(0, MAX_ID)
pairs = st.tuples(ids, ids)
triples = st.tuples(ids, ids, ids)


@given(ids, ids)
def test_ids_sort_as_numbers(one: int, two: int) -> None:
    assert (keys.id_key(one) < keys.id_key(two)) == (one < two)


@given(pairs, pairs)
def test_pairs_sort_as_numbers(one: tuple[int, int], two: tuple[int, int]) -> None:
    assert (keys.pair_key(*one) < keys.pair_key(*two)) == (one < two)
    assert (keys.member_key(*one) < keys.member_key(*two)) == (one < two)


@given(triples, triples)
def test_triples_sort_as_numbers(one: tuple[int, int, int], two: tuple[int, int, int]) -> None:
    assert (keys.triple_key(*one) < keys.triple_key(*two)) == (one < two)
    assert (keys.order_key(*one) < keys.order_key(*two)) == (one < two)


@given(ids, ids, ids, st.binary(max_size=320), st.binary(min_size=32, max_size=32))
def test_every_key_begins_with_its_partition(
    partition: int, two: int, three: int, text: bytes, digest: bytes
) -> None:
    made = [
        keys.id_key(partition),
        keys.pair_key(partition, two),
        keys.counter_key(partition, 2),
        keys.member_key(partition, two),
        keys.order_key(partition, two, three),
        keys.text_key(partition, 1, text),
        keys.digest_key(partition, digest),
        keys.triple_key(partition, two, three),
    ]
    start, stop = keys.partition_range(partition)
    for key in made:
        assert keys.partition_of(key) == partition
        assert len(key) <= MAX_KEY_BYTES
        assert start <= key < stop
        assert keys.everything()[0] <= key < keys.everything()[1]


def test_a_digest_of_ones_is_in_its_partition() -> None:
    start, stop = keys.partition_range(DIRECTORY)
    assert start <= keys.digest_key(DIRECTORY, b"\xff" * 32) < stop


@given(triples, ids)
def test_ranges_hold_one_partition_only(triple: tuple[int, int, int], other: int) -> None:
    start, stop = keys.partition_range(other)
    assert (start <= keys.triple_key(*triple) < stop) == (triple[0] == other)


@given(ids, ids, ids)
def test_members_and_orders_are_apart(owner: int, other: int, at: int) -> None:
    members, orders = keys.member_range(owner), keys.order_range(owner)
    member, order = keys.member_key(owner, other), keys.order_key(owner, at, other)
    assert members[0] <= member < members[1] <= orders[0] <= order < orders[1]
    assert (member[8], order[8]) == (Tag.MEMBER, Tag.ORDER)


@given(ids, ids, ids)
def test_parts_are_read_back(owner: int, at: int, other: int) -> None:
    assert keys.split_order_key(keys.order_key(owner, at, other)) == (at, other)
    assert keys.last_id(keys.member_key(owner, other)) == other
    assert keys.last_id(keys.id_key(other)) == other


def test_tables_are_numbered_upward() -> None:
    numbers = [table.value for table in Table]
    assert numbers == sorted(set(numbers))
