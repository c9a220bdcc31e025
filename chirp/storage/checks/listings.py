"""What a live tweet has elsewhere: the derived rows that name it, for the checks and the repair."""

from __future__ import annotations

from chirp.errors import StorageError
from chirp.model import MAX_ID, Tweet
from chirp.storage.checks.reading import typed
from chirp.storage.codec import is_tombstone, unpack_tweet
from chirp.storage.keys import Table, last_id, pair_key, split_triple_key, triple_key
from chirp.storage.tables.tweets import flags_of

LISTS = (Table.AUTHOR_INDEX, Table.REPLIES, Table.QUOTES, Table.RETWEETED_BY)
"""The tables of which each row says where one live tweet belongs."""


def tweet_in(table: Table, key: bytes) -> int:
    """Return the tweet that a row of one of the LISTS is about."""
    return split_triple_key(key)[0] if table is Table.RETWEETED_BY else last_id(key)


def listing_of(table: Table, tweet: Tweet) -> tuple[bytes, bytes] | None:
    """Return the row that a live tweet has in one of the LISTS, or None."""
    owner: int | None
    match table:
        case Table.AUTHOR_INDEX:
            owner = tweet.author_id
        case Table.REPLIES:
            owner = tweet.in_reply_to_tweet_id
        case Table.QUOTES:
            owner = tweet.quote_of
        case _:
            owner = tweet.retweet_of
    if owner is None or not all(map(is_id, (owner, tweet.tweet_id, tweet.author_id))):
        return None
    if table is Table.RETWEETED_BY:
        return triple_key(owner, tweet.tweet_id, tweet.author_id), b""
    value = bytes([flags_of(tweet)]) if table is Table.AUTHOR_INDEX else b""
    return pair_key(owner, tweet.tweet_id), value


def live_tweet(raw: bytes | None) -> Tweet | None:
    """Return the tweet of a row; None when it is not there or deleted. Raises: StorageError."""
    return None if raw is None or is_tombstone(raw) else typed(unpack_tweet(raw))


def may_be_listed(table: Table, key: bytes, raw: bytes | None) -> bool:
    """Say whether a tweet's row entails this row of a list; one that cannot be read might."""
    try:
        tweet = live_tweet(raw)
    except StorageError:
        return True
    listing = None if tweet is None else listing_of(table, tweet)
    return listing is not None and listing[0] == key


def is_id(number: int) -> bool:
    """Say whether a number can be the id of a tweet or a user."""
    return 0 < number <= MAX_ID
