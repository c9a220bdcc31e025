"""The truths: for each thing that people do, the one batch that makes it so, with its event.

Whoever writes them (services, the demo community) commits what these return; what follows in
other partitions is the index consumer's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from chirp.model import Account, ApiKey, Tweet, TweetId, UnixMs, User, UserId
from chirp.storage.codec import pack_tweet
from chirp.storage.engine import Batch
from chirp.storage.events import (
    AccountClosed,
    AccountCreated,
    AccountDeleted,
    Blocked,
    Bookmarked,
    Favorited,
    Followed,
    Muted,
    ProfileWritten,
    RegistrationApproved,
    RegistrationHeld,
    RegistrationRejected,
    TweetDeleted,
    TweetEdited,
    TweetReserved,
    TweetWithdrawn,
    Unblocked,
    Unbookmarked,
    Unfavorited,
    Unfollowed,
    Unmuted,
    pack_event,
    pack_posted,
)
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.storage.tables.answers import Answer
from chirp.storage.tables.marks import Mark, MarkKind
from chirp.storage.tables.users import Counter


class Claim(NamedTuple):
    """An answer to be kept (its tweet is known later), and what it takes the place of."""

    answer: Answer
    before: Answer | None
    expired: Sequence[Answer]


def account_created(store: Store, user: User, account: Account, key: ApiKey | None) -> Batch:
    """Claim the name and the e-mail of a new account; conflicts when either is taken."""
    batch = Batch(DIRECTORY, event=pack_event(AccountCreated(user, account, key)))
    store.directory.claim(batch, account)
    if key is not None:
        store.directory.put_key(batch, key)
    return batch


def profile_written(store: Store, user: User, before: Account, after: Account) -> Batch:
    """Change an account and its profile.

    Conflicts unless the account is as `before` says and a new e-mail is free.
    """
    batch = Batch(DIRECTORY, event=pack_event(ProfileWritten(user)))
    store.directory.expect_account(batch, before)
    store.directory.move_email(batch, before, after)
    store.directory.put_account(batch, after)
    return batch


def account_deleted(user_id: UserId) -> Batch:
    """Say that nothing is left of a closed account, so that its profile goes too."""
    return Batch(user_id, event=pack_event(AccountDeleted(user_id)))


def account_closed(store: Store, account: Account, keys: Sequence[ApiKey], hidden: User) -> Batch:
    """Forget an account, its names and keys, at once; what it did is swept away later.

    `hidden` is the profile until then. Conflicts unless the account is as given.
    """
    batch = Batch(DIRECTORY, event=pack_event(AccountClosed(hidden)))
    store.directory.expect_account(batch, account)
    store.directory.release(batch, account, keys)
    store.waiting.delete(batch, account.user_id)
    return batch


def registration_held(store: Store, user: User, account: Account, key: ApiKey) -> Batch:
    """Claim a name and an e-mail for somebody who waits; conflicts when either is taken."""
    batch = Batch(DIRECTORY, event=pack_event(RegistrationHeld(user, account, key)))
    store.directory.claim(batch, account)
    store.directory.put_key(batch, key)
    store.waiting.put(batch, user)
    return batch


def registration_approved(store: Store, user: User) -> Batch:
    """Let somebody in; conflicts unless they wait as `user` says."""
    batch = Batch(DIRECTORY, event=pack_event(RegistrationApproved(user)))
    store.waiting.expect(batch, user)
    store.waiting.delete(batch, user.user_id)
    return batch


def registration_rejected(
    store: Store, user: User, account: Account, keys: Sequence[ApiKey]
) -> Batch:
    """Forget somebody who waits, names and keys too; conflicts unless they still do."""
    batch = Batch(DIRECTORY, event=pack_event(RegistrationRejected(user.user_id)))
    store.waiting.expect(batch, user)
    store.waiting.delete(batch, user.user_id)
    store.directory.expect_account(batch, account)
    store.directory.release(batch, account, keys)
    return batch


def tweet_posted(store: Store, tweet: Tweet) -> Batch:
    """Write a new tweet; conflicts when its id was ever used."""
    row = pack_tweet(tweet)
    batch = Batch(tweet.tweet_id, event=pack_posted(row))
    store.tweets.put_new(batch, row)
    return batch


def tweet_reserved(store: Store, tweet: Tweet, claim: Claim) -> Batch:
    """Let the author's partition decide that `tweet` is posted; conflicts when its key is used."""
    batch = Batch(tweet.author_id, event=pack_event(TweetReserved(tweet)))
    _claim(store, batch, tweet, claim)
    return batch


def _claim(store: Store, batch: Batch, tweet: Tweet, claim: Claim) -> None:
    answer = replace(claim.answer, tweet_id=tweet.tweet_id)
    store.answers.claim(batch, answer, claim.before, claim.expired)


def tweet_edited(store: Store, before: Tweet, after: Tweet) -> Batch:
    """Put a new version of a tweet, and keep the one before; conflicts unless it is `before`."""
    batch = Batch(before.tweet_id, event=pack_event(TweetEdited(after)))
    store.tweets.expect(batch, before)
    store.tweets.put(batch, after)
    store.tweets.keep_version(batch, before)
    return batch


def tweet_deleted(store: Store, tweet: Tweet, at: UnixMs) -> Batch:
    """Leave a tombstone; conflicts unless the row is that of `tweet`."""
    batch = Batch(tweet.tweet_id, event=pack_event(deletion_of(tweet, at)))
    store.tweets.expect(batch, tweet)
    store.tweets.delete(batch, tweet)
    return batch


def deletion_of(tweet: Tweet, at: UnixMs) -> TweetDeleted:
    """Return the event that tells of a tweet's end."""
    return TweetDeleted(
        tweet.tweet_id,
        tweet.author_id,
        at,
        tweet.in_reply_to_tweet_id,
        tweet.quote_of,
        tweet.retweet_of,
    )


def favorited(store: Store, user: UserId, tweet: TweetId, mark: Mark, at: UnixMs) -> Batch:
    """Favorite a tweet that is marked as `mark` says; conflicts when it no longer is."""
    batch = Batch(user, event=pack_event(Favorited(user, tweet, at)))
    store.marks.change(batch, tweet, mark, MarkKind.FAVORITE, at)
    return batch


def unfavorited(store: Store, user: UserId, tweet: TweetId, mark: Mark) -> Batch:
    """Take a favorite back; conflicts unless the tweet is marked as `mark` says."""
    event = Unfavorited(user, tweet, UnixMs(mark.favorited_at))
    batch = Batch(user, event=pack_event(event))
    store.marks.change(batch, tweet, mark, MarkKind.FAVORITE, 0)
    return batch


def bookmarked(store: Store, user: UserId, tweet: TweetId, mark: Mark, at: UnixMs) -> Batch:
    """Bookmark a tweet that is marked as `mark` says; conflicts when it no longer is."""
    batch = Batch(user, event=pack_event(Bookmarked(user, tweet, at)))
    store.marks.change(batch, tweet, mark, MarkKind.BOOKMARK, at)
    return batch


def unbookmarked(store: Store, user: UserId, tweet: TweetId, mark: Mark) -> Batch:
    """Take a bookmark back; conflicts unless the tweet is marked as `mark` says."""
    event = Unbookmarked(user, tweet, UnixMs(mark.bookmarked_at))
    batch = Batch(user, event=pack_event(event))
    store.marks.change(batch, tweet, mark, MarkKind.BOOKMARK, 0)
    return batch


def retweeted(store: Store, retweet: Tweet, mark: Mark, claim: Claim | None) -> Batch:
    """Retweet: reserve `retweet`, whose row the index consumer writes.

    Conflicts unless the original is marked as `mark` says and the key, if any, is not in use.
    """
    original = _original_of(retweet)
    batch = Batch(retweet.author_id, event=pack_event(TweetReserved(retweet)))
    store.marks.change(batch, original, mark, MarkKind.RETWEET, retweet.tweet_id)
    if claim is not None:
        _claim(store, batch, retweet, claim)
    return batch


def unretweeted(store: Store, retweet: Tweet, mark: Mark, at: UnixMs) -> Batch:
    """Take a retweet back, whose row the index consumer deletes.

    Conflicts unless the original is marked as `mark` says.
    """
    original = _original_of(retweet)
    batch = Batch(retweet.author_id, event=pack_event(TweetWithdrawn(retweet, at)))
    store.marks.change(batch, original, mark, MarkKind.RETWEET, 0)
    return batch


def _original_of(retweet: Tweet) -> TweetId:
    if retweet.retweet_of is None:
        raise ValueError(f"{retweet.tweet_id} is no retweet")
    return retweet.retweet_of


def followed(store: Store, follower: UserId, followee: UserId, at: UnixMs) -> Batch:
    """Begin a follow; conflicts when it stands already, or when either blocks the other."""
    batch = Batch(follower, event=pack_event(Followed(follower, followee, at)))
    store.following.expect(batch, followee, None)
    store.blocking.expect(batch, followee, None)
    store.blocked_by.expect(batch, followee, None)
    store.following.put(batch, followee, at)
    store.users.count(batch, follower, Counter.FOLLOWING, 1)
    return batch


def unfollowed(store: Store, follower: UserId, followee: UserId, since: UnixMs) -> Batch:
    """End a follow; conflicts unless it stands since `since`."""
    batch = Batch(follower, event=pack_event(Unfollowed(follower, followee, since)))
    store.following.expect(batch, followee, since)
    store.following.delete(batch, followee, since)
    store.users.count(batch, follower, Counter.FOLLOWING, -1)
    return batch


def unfollowed_by_block(
    store: Store, follower: UserId, followee: UserId, since: UnixMs, blocked_at: UnixMs
) -> Batch:
    """End the follow of somebody who is blocked; conflicts unless both stand as told."""
    batch = unfollowed(store, follower, followee, since)
    store.blocked_by.expect(batch, followee, blocked_at)
    return batch


def blocked(
    store: Store, blocker: UserId, other: UserId, at: UnixMs, followed_at: UnixMs | None
) -> Batch:
    """Block somebody and end one's own follow of them; conflicts unless that is as told."""
    event = Blocked(blocker, other, at, followed_at or UnixMs(0))
    batch = Batch(blocker, event=pack_event(event))
    store.blocking.expect(batch, other, None)
    store.blocking.put(batch, other, at)
    store.following.expect(batch, other, followed_at)
    if followed_at is not None:
        store.following.delete(batch, other, followed_at)
        store.users.count(batch, blocker, Counter.FOLLOWING, -1)
    return batch


def unblocked(store: Store, blocker: UserId, other: UserId, since: UnixMs) -> Batch:
    """End a block; conflicts unless it stands since `since`."""
    batch = Batch(blocker, event=pack_event(Unblocked(blocker, other, since)))
    store.blocking.expect(batch, other, since)
    store.blocking.delete(batch, other, since)
    return batch


def muted(store: Store, muter: UserId, other: UserId, at: UnixMs) -> Batch:
    """Mute somebody; conflicts when that stands already."""
    batch = Batch(muter, event=pack_event(Muted(muter, other, at)))
    store.muting.expect(batch, other, None)
    store.muting.put(batch, other, at)
    return batch


def unmuted(store: Store, muter: UserId, other: UserId, since: UnixMs) -> Batch:
    """End a mute; conflicts unless it stands since `since`."""
    batch = Batch(muter, event=pack_event(Unmuted(muter, other, since)))
    store.muting.expect(batch, other, since)
    store.muting.delete(batch, other, since)
    return batch
