"""What two at once once got wrong, on an engine whose shards answer in an order of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest

from chirp.commands import CreateKey, EditProfile, Register, SignIn
from chirp.errors import Refusal, Unauthorized
from chirp.model import MAX_ID, TweetId
from chirp.views import Viewer
from tests.support.driver import PASSWORD, Driver, memory_store
from tests.support.engines import UnevenEngine

SEEDS = pytest.mark.parametrize("seed", range(12))


@pytest.fixture
async def uneven(seed: int, same_switch_interval: None) -> AsyncIterator[Driver]:
    driver = await Driver.open(memory_store(UnevenEngine(seed=seed)))
    yield driver
    await driver.close()


async def together(*deeds: Awaitable[object]) -> None:
    """Do all at once; being refused is fine, failing is not."""
    for result in await asyncio.gather(*deeds, return_exceptions=True):
        assert not isinstance(result, BaseException) or isinstance(result, Refusal), result


async def agree(chirp: Driver, *people: Viewer) -> None:
    """Assert that counters and cached lists say what the tables say."""
    await chirp.check()
    for who in people:
        stored = await chirp.store.tweets.ids_of(who.user_id, MAX_ID + 1, 1_000)
        cached = await chirp.server.tweets.by_author(who.user_id, None, 1_000)
        assert [cell.tweet.tweet_id for cell in cached.items] == stored
        assert (await chirp.profile(None, who)).counts.tweets == len(stored)


@SEEDS
async def test_what_hangs_on_a_tweet_goes_with_it_however_late_it_comes(uneven: Driver) -> None:
    ada, *others = await uneven.register_many("ada", *(f"u{n}" for n in range(4)))
    for _ in range(6):
        tweet = await uneven.post(ada)
        verbs = [uneven.react(who, v, tweet) for who in others for v in ("retweet", "favorite")]
        await together(*verbs, uneven.delete(ada, tweet))
    await agree(uneven, ada, *others)
    rows = uneven.engine.stats().tables
    assert [rows[name].rows for name in ("marks", "retweeted_by", "favorited_by")] == [0, 0, 0]


async def delete_at_once(chirp: Driver) -> None:
    """Delete the next tweet as soon as its row is written, as a sweep or a moderator may."""
    last = max(await chirp.store.tweets.newest_ids(MAX_ID + 1, 1), default=0)
    found: list[TweetId] = []
    for _ in range(1_000):
        if found := await chirp.store.tweets.oldest_ids(last, 1):
            break
        await asyncio.sleep(0)
    tweet = (await chirp.store.tweets.find_many(found))[0]
    assert tweet is not None
    await chirp.server.tweet_service.remove(tweet)


@SEEDS
@pytest.mark.parametrize("verb", ["retweet", "keyed post", "post"])
async def test_no_cached_list_holds_what_was_deleted_before_it_settled(
    uneven: Driver, verb: str
) -> None:
    ada, bob = await uneven.register_many("ada", "bob")
    tweet = await uneven.post(bob)
    for number in range(6):
        await uneven.tweets_of(ada)
        key = str(number) if verb == "keyed post" else None
        deed = uneven.react(ada, verb, tweet) if verb == "retweet" else uneven.post(ada, key=key)
        await together(deed, delete_at_once(uneven))
    await agree(uneven, ada, bob)


async def signed_in(chirp: Driver) -> tuple[Viewer, str, str]:
    """Register Ada with a password; return her, her first session and a second one."""
    command = Register("ada", "Ada", "ada@example.org", PASSWORD)
    first = await chirp.server.registrations.register(command)
    second = await chirp.server.accounts.sign_in(SignIn("ada", PASSWORD))
    return Viewer(first.user.user.user_id, first.key.digest), first.secret, second.secret


@SEEDS
async def test_no_session_survives_a_new_password_however_it_is_used(uneven: Driver) -> None:
    accounts = uneven.server.accounts
    ada, kept, ended = await signed_in(uneven)
    command = EditProfile(new_password="battery-staple", password=PASSWORD)
    editing = asyncio.create_task(uneven.server.own_account.edit(ada, command))
    while not editing.done():
        await together(*(accounts.authenticate(ended) for _ in range(3)))
        await asyncio.sleep(0)
    await editing
    assert accounts.find_viewer(ended) is None
    with pytest.raises(Unauthorized):
        await accounts.authenticate(ended)
    assert (await accounts.authenticate(kept)).user_id == ada.user_id


@SEEDS
@pytest.mark.parametrize("by", ["sign_in", "create_key"])
async def test_no_key_is_made_for_an_account_that_is_being_closed(uneven: Driver, by: str) -> None:
    accounts = uneven.server.accounts
    ada, _, _ = await signed_in(uneven)
    closing = asyncio.create_task(uneven.server.own_account.close(ada, PASSWORD))
    while not closing.done():
        if by == "sign_in":
            await together(accounts.sign_in(SignIn("ada", PASSWORD)))
        else:
            await together(*(accounts.create_key(ada, CreateKey("bot")) for _ in range(2)))
        await asyncio.sleep(0)
    await closing
    await uneven.check()
    rows = uneven.engine.stats().tables
    assert [rows[name].rows for name in ("keys", "user_keys", "accounts", "names")] == [0] * 4
