"""Rows to break by hand in the world of `checked`, and what the check says of each."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from chirp.model import TweetId, UnixMs, User, UserId
from chirp.storage.codec import (
    pack_account,
    pack_array,
    pack_i64,
    pack_key,
    pack_tombstone,
    pack_tweet,
    pack_user,
)
from chirp.storage.keys import (
    DIRECTORY,
    Table,
    counter_key,
    digest_key,
    id_key,
    member_key,
    order_key,
    pair_key,
    text_key,
    triple_key,
)
from chirp.storage.tables.answers import answer_row_key, answer_time_key, pack_answer
from chirp.storage.tables.marks import Mark, pack_mark
from tests.storage.checked import (
    ADA,
    ANSWER,
    BOB,
    EVE,
    account_of,
    key_of,
    tweet_of,
)


class Derived(NamedTuple):
    """A row to break by hand; None: delete it. `problems`: how many rows then disagree."""

    table: Table
    key: bytes
    value: bytes | None
    says: str
    problems: int = 1


DERIVED = {
    "index row missing": Derived(
        Table.AUTHOR_INDEX, pair_key(ADA, 1), None, "tweet 1 is missing from the index", 2
    ),
    "wrong flags": Derived(
        Table.AUTHOR_INDEX, pair_key(BOB, 6), b"\0", "tweet 6 has the wrong flags in the index"
    ),
    "flags of another size": Derived(
        Table.AUTHOR_INDEX, pair_key(BOB, 6), b"\1\1", "impossible size", 2
    ),
    "index of a deleted tweet": Derived(
        Table.AUTHOR_INDEX, pair_key(ADA, 2), b"\0", "holds 2, no live tweet of theirs", 2
    ),
    "index of another's tweet": Derived(
        Table.AUTHOR_INDEX, pair_key(BOB, 1), b"\0", "index of author 12 holds 1", 2
    ),
    "follower missing": Derived(
        Table.FOLLOWERS, member_key(ADA, BOB), None, "not listed with the followers", 3
    ),
    "follower since another time": Derived(
        Table.FOLLOWERS, member_key(ADA, BOB), pack_i64(5), "listed since another time", 3
    ),
    "follower since never": Derived(
        Table.FOLLOWERS, member_key(ADA, BOB), pack_i64(-5), "impossible time", 3
    ),
    "follower who does not follow": Derived(
        Table.FOLLOWERS, member_key(BOB, EVE), pack_i64(5), "listed with the followers only", 3
    ),
    "follower without order": Derived(
        Table.FOLLOWERS, order_key(ADA, 21, BOB), None, "no place in the order of time"
    ),
    "order without follower": Derived(
        Table.FOLLOWERS, order_key(ADA, 5, BOB), b"", "did not begin then"
    ),
    "following without order": Derived(
        Table.FOLLOWING, order_key(ADA, 20, BOB), None, "no place in the order of time"
    ),
    "order without following": Derived(
        Table.FOLLOWING, order_key(ADA, 5, EVE), b"", "did not begin then"
    ),
    "followers counter": Derived(
        Table.USER_COUNTS, counter_key(ADA, 0), pack_i64(7), "followers of 11 are 2, but"
    ),
    "following counter missing": Derived(
        Table.USER_COUNTS,
        counter_key(ADA, 1),
        None,
        "following of 11 are 1, but the counter says 0",
    ),
    "tweets counter": Derived(
        Table.USER_COUNTS, counter_key(ADA, 2), pack_i64(-1), "tweets of 11 are 4, but"
    ),
    "counter of nobody": Derived(
        Table.USER_COUNTS, counter_key(99, 2), pack_i64(1), "tweets of 99 are 0, but"
    ),
    "counter of an unknown kind": Derived(
        Table.USER_COUNTS, counter_key(ADA, 9), pack_i64(1), "there is no counter 9"
    ),
    "counter of another size": Derived(
        Table.USER_COUNTS, counter_key(ADA, 2), b"1", "impossible size", 2
    ),
    "newest missing": Derived(Table.NEWEST, id_key(BOB), None, "of 12 is 9, but noted is 0"),
    "newest too old": Derived(Table.NEWEST, id_key(ADA), pack_i64(3), "but noted is 3"),
    "newest of another size": Derived(Table.NEWEST, id_key(ADA), b"1", "impossible size", 2),
    "key not listed": Derived(
        Table.USER_KEYS, triple_key(DIRECTORY, ADA, 111), None, "key 111 is not listed"
    ),
    "listed key missing": Derived(
        Table.USER_KEYS, triple_key(DIRECTORY, ADA, 5), b"d" * 32, "names 5, which is not a key"
    ),
    "listed key of another": Derived(
        Table.USER_KEYS, triple_key(DIRECTORY, BOB, 111), key_of(ADA).digest, "not a key of that"
    ),
    "reply missing": Derived(
        Table.REPLIES, pair_key(1, 6), None, "tweet 6 is missing from the replies to 1", 2
    ),
    "reply of nobody": Derived(
        Table.REPLIES, pair_key(1, 2), b"", "the replies to 1 holds 2, no live tweet", 2
    ),
    "quote missing": Derived(
        Table.QUOTES, pair_key(3, 8), None, "tweet 8 is missing from the quotes of 3", 2
    ),
    "quote of another": Derived(
        Table.QUOTES, pair_key(1, 8), b"", "the quotes of 1 holds 8, no live tweet", 2
    ),
    "retweet missing": Derived(
        Table.RETWEETED_BY, triple_key(1, 7, BOB), None, "7 is missing from the retweets of 1", 2
    ),
    "retweet by another": Derived(
        Table.RETWEETED_BY, triple_key(1, 7, EVE), b"", "the retweets of 1 holds 7", 2
    ),
    "favorite missing at the tweet": Derived(
        Table.FAVORITED_BY, triple_key(1, 30, BOB), None, "favorite of 1 by 12 in favorited_by", 2
    ),
    "favorite of nobody at a tweet": Derived(
        Table.FAVORITED_BY, triple_key(1, 30, ADA), b"", "was not made then", 2
    ),
    "favorite without order": Derived(
        Table.FAVORITES, triple_key(EVE, 31, 1), None, "of 1 by 13 in favorites is missing"
    ),
    "order of no retweet": Derived(
        Table.RETWEETS, triple_key(EVE, 7, 1), b"", "retweet of 1 by 13 in retweets is in the"
    ),
    "bookmark at another time": Derived(
        Table.BOOKMARKS, triple_key(EVE, 31, 1), b"", "was not made then"
    ),
    "order of time at zero": Derived(
        Table.FAVORITES, triple_key(EVE, 0, 5), b"", "was not made then"
    ),
    "order with a value": Derived(Table.FAVORITES, triple_key(EVE, 31, 1), b"x", "impossible size"),
    "favorites counter": Derived(
        Table.TWEET_COUNTS, counter_key(1, 0), pack_i64(7), "favorites of 1 are 2, but"
    ),
    "retweets counter missing": Derived(
        Table.TWEET_COUNTS, counter_key(1, 1), None, "retweets of 1 are 1, but the counter says 0"
    ),
    "replies counter": Derived(
        Table.TWEET_COUNTS, counter_key(1, 2), pack_i64(-1), "replies of 1 are 1, but"
    ),
    "quotes counter of nothing": Derived(
        Table.TWEET_COUNTS, counter_key(99, 3), pack_i64(1), "quotes of 99 are 0, but"
    ),
    "counter of a tweet of an unknown kind": Derived(
        Table.TWEET_COUNTS, counter_key(1, 4), pack_i64(1), "there is no counter 4"
    ),
    "zero of an unknown kind": Derived(
        Table.TWEET_COUNTS, counter_key(1, 4), pack_i64(0), "there is no counter 4"
    ),
    "counter of an impossible tweet": Derived(
        Table.TWEET_COUNTS, b"\xff" * 8 + b"\0", pack_i64(1), "but the counter says 1"
    ),
    "list of an impossible tweet": Derived(
        Table.REPLIES, b"\xff" * 8 + id_key(6), b"", "holds 6, no live tweet of theirs", 2
    ),
    "blocker missing": Derived(
        Table.BLOCKED_BY, member_key(BOB, EVE), None, "block of 12 by 13 is not listed with the", 2
    ),
    "blocker who does not block": Derived(
        Table.BLOCKED_BY, member_key(ADA, EVE), pack_i64(5), "is listed with the blockers only", 2
    ),
    "block without order": Derived(
        Table.BLOCKING, order_key(EVE, 40, BOB), None, "no place in the order of time"
    ),
    "order without mute": Derived(
        Table.MUTING, order_key(EVE, 40, BOB), b"", "the mute of 12 by 13 has a place"
    ),
    "answer without time": Derived(
        Table.ANSWERS, answer_time_key(BOB, ANSWER), None, "no place in the order of time"
    ),
    "time without answer": Derived(
        Table.ANSWERS,
        answer_time_key(BOB, replace(ANSWER, at=UnixMs(51))),
        b"",
        "has no answer of then",
    ),
    "key too long": Derived(
        Table.AUTHOR_INDEX, pair_key(ADA, 1) + b"x", b"\0", "impossible size", 2
    ),
}


class Truth(NamedTuple):
    """A row to break by hand that nothing can mend."""

    table: Table
    key: bytes
    value: bytes | None
    says: str


TRUTH = {
    "tweet unreadable": Truth(Table.TWEETS, id_key(1), b"junk", "the row cannot be read"),
    "tweet of wrong types": Truth(
        Table.TWEETS, id_key(1), pack_array(("a", ADA, "", 1, 1, 0)), "the row cannot be read"
    ),
    "another's tweet": Truth(
        Table.TWEETS, id_key(1), pack_tweet(tweet_of(9)), "the row is that of another tweet"
    ),
    "tweet of nobody": Truth(
        Table.TWEETS, id_key(9), pack_tweet(tweet_of(9, UserId(99))), "the author 99 of tweet 9"
    ),
    "short tweet key": Truth(Table.TWEETS, id_key(1) + b"x", b"", "impossible size"),
    "profile unreadable": Truth(Table.USERS, id_key(ADA), b"", "the row cannot be read"),
    "profile missing": Truth(Table.USERS, id_key(ADA), None, "account 11 has no profile"),
    "another's profile": Truth(
        Table.USERS, id_key(ADA), pack_user(User(BOB, "ada", "", UnixMs(1))), "of another user"
    ),
    "profile of another name": Truth(
        Table.USERS, id_key(ADA), pack_user(User(ADA, "adá", "", UnixMs(1))), "different names"
    ),
    "account unreadable": Truth(
        Table.ACCOUNTS, pair_key(DIRECTORY, ADA), b"\1", "the row cannot be read"
    ),
    "account missing": Truth(
        Table.ACCOUNTS, pair_key(DIRECTORY, ADA), None, "user 11 has a profile, but no account"
    ),
    "another's account": Truth(
        Table.ACCOUNTS, pair_key(DIRECTORY, ADA), pack_account(account_of(BOB)), "another account"
    ),
    "name missing": Truth(
        Table.NAMES,
        text_key(DIRECTORY, 0, b"ada"),
        None,
        "the name of account 11 is held by nobody",
    ),
    "e-mail held by another": Truth(
        Table.NAMES,
        text_key(DIRECTORY, 1, b"ada@example.org"),
        pack_i64(BOB),
        "the e-mail of account 11 is held by account 12",
    ),
    "name of nobody": Truth(
        Table.NAMES,
        text_key(DIRECTORY, 0, b"zoe"),
        pack_i64(99),
        "account 99, which does not exist",
    ),
    "second name": Truth(
        Table.NAMES, text_key(DIRECTORY, 0, b"zoe"), pack_i64(ADA), "which is called otherwise"
    ),
    "key of nobody": Truth(
        Table.KEYS,
        digest_key(DIRECTORY, key_of(UserId(99)).digest),
        pack_key(key_of(UserId(99))),
        "user 99, who has no account",
    ),
    "another's key": Truth(
        Table.KEYS, digest_key(DIRECTORY, key_of(ADA).digest), pack_key(key_of(BOB)), "another key"
    ),
    "mark of nothing": Truth(Table.MARKS, pair_key(BOB, 5), bytes(24), "the mark says nothing"),
    "mark of an impossible tweet": Truth(
        Table.MARKS, pair_key(BOB, 0), pack_mark(Mark(bookmarked_at=5)), "of an impossible id"
    ),
    "marked retweet missing": Truth(
        Table.MARKS,
        pair_key(ADA, 1),
        pack_mark(Mark(retweet_id=99)),
        "retweet 99 of 1 by 11 is marked, but is no such tweet",
    ),
    "marked retweet of another": Truth(
        Table.MARKS, pair_key(ADA, 1), pack_mark(Mark(retweet_id=7)), "retweet 7 of 1 by 11 is"
    ),
    "marked retweet deleted": Truth(Table.TWEETS, id_key(7), pack_tombstone(), "no such tweet"),
    "retweet not marked": Truth(
        Table.MARKS, pair_key(BOB, 1), None, "retweet 7 of 1 is not marked by its author"
    ),
    "mark of another size": Truth(Table.MARKS, pair_key(BOB, 1), bytes(23), "impossible size"),
    "reply to an impossible tweet": Truth(
        Table.TWEETS,
        id_key(5),
        pack_tweet(tweet_of(5, in_reply_to_tweet_id=TweetId(-1))),
        "refers to an impossible id",
    ),
    "version missing": Truth(Table.VERSIONS, pair_key(4, 1), None, "tweet 4 has no version 1"),
    "version after the newest": Truth(
        Table.VERSIONS, pair_key(4, 3), pack_tweet(tweet_of(4, version=3)), "version 3 of tweet 4"
    ),
    "version of a deleted tweet": Truth(
        Table.VERSIONS, pair_key(2, 1), pack_tweet(tweet_of(2)), "not before that of a live tweet"
    ),
    "another's version": Truth(
        Table.VERSIONS, pair_key(4, 1), pack_tweet(tweet_of(5)), "that of another version"
    ),
    "version below one": Truth(
        Table.TWEETS, id_key(5), pack_tweet(tweet_of(5, version=0)), "version is not positive"
    ),
    "follow of a blocker": Truth(
        Table.FOLLOWING, member_key(BOB, EVE), pack_i64(5), "follow of 13 by 12 stands although"
    ),
    "follow of somebody blocked": Truth(
        Table.FOLLOWING, member_key(EVE, BOB), pack_i64(5), "follow of 12 by 13 stands although"
    ),
    "block since never": Truth(
        Table.BLOCKING, member_key(EVE, BOB), pack_i64(-1), "impossible time"
    ),
    "answer unreadable": Truth(
        Table.ANSWERS, answer_row_key(BOB, ANSWER.digest), b"junk", "the row cannot be read"
    ),
    "answer from before time": Truth(
        Table.ANSWERS,
        answer_row_key(BOB, ANSWER.digest),
        pack_answer(replace(ANSWER, at=UnixMs(-1))),
        "impossible time",
    ),
    "following since never": Truth(
        Table.FOLLOWING, member_key(ADA, BOB), pack_i64(-1), "impossible time"
    ),
}
