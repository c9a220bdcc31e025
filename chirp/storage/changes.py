"""The truths: for each thing that people do, the one batch that makes it so, with its event.

Whoever writes them (services, the demo community) commits what these return; what follows in
other partitions is the index consumer's work.
"""

from __future__ import annotations

from collections.abc import Sequence

from chirp.model import Account, ApiKey, Tweet, UnixMs, User, UserId
from chirp.storage.engine import Batch
from chirp.storage.events import (
    AccountCreated,
    AccountDeleted,
    Followed,
    ProfileWritten,
    RegistrationApproved,
    RegistrationHeld,
    RegistrationRejected,
    TweetDeleted,
    TweetPosted,
    Unfollowed,
    pack_event,
)
from chirp.storage.keys import DIRECTORY
from chirp.storage.store import Store
from chirp.storage.tables.users import Counter


def account_created(store: Store, user: User, account: Account, key: ApiKey | None) -> Batch:
    """Claim the name and the e-mail of a new account; conflicts when either is taken."""
    batch = Batch(DIRECTORY, event=pack_event(AccountCreated(user, account, key)))
    store.directory.claim(batch, account)
    if key is not None:
        store.directory.put_key(batch, key)
    return batch


def profile_written(store: Store, user: User, before: Account, after: Account) -> Batch:
    """Change an account and its profile; conflicts unless the account is as `before` says."""
    batch = Batch(DIRECTORY, event=pack_event(ProfileWritten(user)))
    store.directory.expect_account(batch, before)
    store.directory.put_account(batch, after)
    return batch


def account_deleted(store: Store, account: Account, keys: Sequence[ApiKey]) -> Batch:
    """Forget an account that has no tweets and follows left; its names become free."""
    batch = Batch(DIRECTORY, event=pack_event(AccountDeleted(account.user_id)))
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
    batch = Batch(tweet.tweet_id, event=pack_event(TweetPosted(tweet)))
    store.tweets.put(batch, tweet)
    return batch


def tweet_deleted(store: Store, tweet: Tweet, at: UnixMs) -> Batch:
    """Leave a tombstone; conflicts unless the row is that of `tweet`."""
    event = TweetDeleted(tweet.tweet_id, tweet.author_id, at)
    batch = Batch(tweet.tweet_id, event=pack_event(event))
    store.tweets.delete(batch, tweet)
    return batch


def followed(store: Store, follower: UserId, followee: UserId, at: UnixMs) -> Batch:
    """Begin a follow; conflicts when it stands already."""
    batch = Batch(follower, event=pack_event(Followed(follower, followee, at)))
    store.following.expect(batch, followee, None)
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
