"""Keys: big-endian, fixed width, and always with the partition in the first eight bytes.

Invariants:
- The first eight bytes of every key are its partition: a tweet id, a user id, or DIRECTORY.
  Routing, batches and scans need nothing else to know where a key lives.
- Big-endian order of the bytes is the order of the numbers, so a range of ids is a range of keys.
- No key is longer than 511 bytes (LMDB's limit); the longest here has 48 + 320 bytes.

docs/formats/keys.md draws each of them.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

PARTITION_BYTES = 8
MAX_KEY_BYTES = 511

DIRECTORY = 0
"""The partition of names, e-mails, accounts and keys; no user or tweet has the id 0."""

_ONE = Struct(">Q")
_TWO = Struct(">QQ")
_TAGGED = Struct(">QB")
_TAGGED_ONE = Struct(">QBQ")
_TAGGED_TWO = Struct(">QBQQ")


class Table(IntEnum):
    """Every table of the store. The number is internal; the lower-case name is on disk."""

    TWEETS = 0
    USERS = 1
    USER_COUNTS = 2
    AUTHOR_INDEX = 3
    FOLLOWING = 4
    FOLLOWERS = 5
    NAMES = 6
    ACCOUNTS = 7
    KEYS = 8
    USER_KEYS = 9
    MARKS = 10
    FAVORITES = 11
    RETWEETS = 12
    BOOKMARKS = 13
    FAVORITED_BY = 14
    RETWEETED_BY = 15
    REPLIES = 16
    QUOTES = 17
    TWEET_COUNTS = 18
    VERSIONS = 19
    BLOCKING = 20
    BLOCKED_BY = 21
    MUTING = 22
    ANSWERS = 23
    WAITING = 40
    INVITES = 41
    FLAGS = 42
    ACTIONS = 43
    MEDIA = 44
    NEWEST = 45


class FlagTag(IntEnum):
    """The byte behind the partition in `flags`: the open ones are a range of their own."""

    OPEN = 0
    CLOSED = 1


class Tag(IntEnum):
    """The byte behind the partition in tables that hold two kinds of rows or counters."""

    MEMBER = 0
    ORDER = 1


def id_key(partition: int) -> bytes:
    """Return the key of a row that is alone in its partition's table: the id itself.

    >>> id_key(258).hex()
    '0000000000000102'
    """
    return _ONE.pack(partition)


def pair_key(partition: int, second: int) -> bytes:
    """Return the key of `second` within `partition`, ordered by `second`.

    >>> pair_key(1, 2).hex()
    '00000000000000010000000000000002'
    """
    return _TWO.pack(partition, second)


def counter_key(partition: int, which: int) -> bytes:
    """Return the key of one counter of `partition`.

    >>> counter_key(1, 2).hex()
    '000000000000000102'
    """
    return _TAGGED.pack(partition, which)


def member_key(partition: int, other: int) -> bytes:
    """Return the key that says whether `other` stands in a relation of `partition`."""
    return _TAGGED_ONE.pack(partition, Tag.MEMBER, other)


def order_key(partition: int, at: int, other: int) -> bytes:
    """Return the key that places `other` in the order of action of `partition`'s relation."""
    return _TAGGED_TWO.pack(partition, Tag.ORDER, at, other)


def tagged_key(partition: int, tag: int, other: int) -> bytes:
    """Return the key of `other` behind a tag within `partition`, ordered by tag, then by `other`.

    >>> tagged_key(1, 0, 2).hex()
    '0000000000000001000000000000000002'
    """
    return _TAGGED_ONE.pack(partition, tag, other)


def text_key(partition: int, tag: int, text: bytes) -> bytes:
    """Return the key of a text of at most 320 bytes within `partition`."""
    return _TAGGED.pack(partition, tag) + text


def digest_key(partition: int, digest: bytes) -> bytes:
    """Return the key of a 32-byte digest within `partition`."""
    return _ONE.pack(partition) + digest


def triple_key(partition: int, second: int, third: int) -> bytes:
    """Return the key of `third` below `second` within `partition`."""
    return _ONE.pack(partition) + _TWO.pack(second, third)


def split_triple_key(key: bytes) -> tuple[int, int]:
    """Return (second, third) of a triple key.

    >>> split_triple_key(triple_key(1, 5, 6))
    (5, 6)
    """
    return _TWO.unpack(key[PARTITION_BYTES:])


def partition_of(key: bytes) -> int:
    """Return the partition that `key` lives in.

    >>> partition_of(pair_key(7, 9))
    7
    """
    return int.from_bytes(key[:PARTITION_BYTES], "big")


def last_id(key: bytes) -> int:
    """Return the id in the last eight bytes of `key`.

    >>> last_id(pair_key(7, 9))
    9
    """
    return int.from_bytes(key[-8:], "big")


def member_range(partition: int) -> tuple[bytes, bytes]:
    """Return the range of all member keys of `partition`, by the other's id."""
    return _TAGGED.pack(partition, Tag.MEMBER), _TAGGED.pack(partition, Tag.ORDER)


def order_range(partition: int) -> tuple[bytes, bytes]:
    """Return the range of all order keys of `partition`, oldest action first."""
    return _TAGGED.pack(partition, Tag.ORDER), _TAGGED.pack(partition, Tag.ORDER + 1)


def partition_range(partition: int) -> tuple[bytes, bytes]:
    """Return the range of all keys of `partition` in a table."""
    return _ONE.pack(partition), _ONE.pack(partition + 1)


def everything() -> tuple[bytes, bytes]:
    """Return the range of all keys of a table, of all partitions."""
    return b"", b"\xff" * (PARTITION_BYTES + 1)


def split_order_key(key: bytes) -> tuple[int, int]:
    """Return (at, other) of an order key.

    >>> split_order_key(order_key(1, 5, 6))
    (5, 6)
    """
    _, _, at, other = _TAGGED_TWO.unpack(key)
    return at, other
