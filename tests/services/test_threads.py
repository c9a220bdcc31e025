"""Threads, quotes, retweets and edits, as they look when parts of them are gone."""

from __future__ import annotations

import pytest

from chirp.errors import Forbidden, Invalid, NotFound
from chirp.model import Tweet
from chirp.pages import ReadActions, ReadTweets
from chirp.views import TweetView, Viewer
from tests.support.driver import Driver, ids_of, older, tweet_ids


async def above(chirp: Driver, viewer: Viewer, tweet: Tweet) -> list[tuple[int, bool]]:
    """Return the ids of the ancestors, each with whether it is shown."""
    found = (await chirp.server.threads.thread(viewer, tweet.tweet_id, ReadTweets())).ancestors
    return [
        (one.cached.tweet.tweet_id, True) if isinstance(one, TweetView) else (one.tweet_id, False)
        for one in found
    ]


async def test_ancestors_run_from_the_root_with_tombstones(chirp: Driver) -> None:
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    root = await chirp.post(ada)
    one = await chirp.post(bob, reply_to=root)
    two = await chirp.post(eve, reply_to=one)
    three = await chirp.post(bob, reply_to=two)
    await chirp.delete(bob, one)
    await chirp.relate(ada, "block", eve)
    shown = [(root.tweet_id, True), (one.tweet_id, False), (two.tweet_id, False)]
    assert await above(chirp, ada, three) == shown
    assert (await above(chirp, bob, three))[2] == (two.tweet_id, True)
    assert {tweet.conversation_id for tweet in (one, two, three)} == {root.tweet_id}


async def test_replies_come_page_by_page(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    root = await chirp.post(ada)
    replies = [await chirp.post(ada, f"{n}", reply_to=root) for n in range(5)]
    await chirp.post(ada, reply_to=replies[0])
    thread = chirp.server.threads.thread
    first = (await thread(None, root.tweet_id, ReadTweets(3))).replies
    second = (await thread(None, root.tweet_id, older(first.next, 3))).replies
    assert ids_of(first) + ids_of(second) == tweet_ids(replies)
    assert second.next is None
    assert (await chirp.get(None, root)).cached.counts.replies == 5


async def test_a_quote_of_what_is_hidden_shows_nothing_of_it(chirp: Driver) -> None:
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    quoted = await chirp.post(ada)
    quote = await chirp.post(bob, quote=quoted)
    await chirp.relate(ada, "block", eve)
    assert (await chirp.get(bob, quote)).nested is not None
    assert (await chirp.get(eve, quote)).nested is None
    await chirp.delete(ada, quoted)
    assert (await chirp.get(bob, quote)).nested is None


async def test_a_retweet_goes_with_its_original(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    tweet = await chirp.post(ada)
    await chirp.react(bob, "retweet", tweet)
    retweet = (await chirp.tweets_of(bob))[0]
    await chirp.delete(ada, tweet)
    assert await chirp.tweets_of(bob) == []
    with pytest.raises(NotFound):
        await chirp.server.tweet_service.get(bob, retweet)


async def test_edits_are_kept_as_versions(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    tweet = await chirp.post(ada, "one")
    await chirp.edit(ada, tweet, "two")
    await chirp.edit(ada, tweet, "two")
    edited = await chirp.edit(ada, tweet, "three")
    assert (edited.version, edited.content, edited.tweet_id) == (3, "three", tweet.tweet_id)
    versions = chirp.server.tweet_service.versions
    page = await versions(bob, tweet.tweet_id, ReadActions(2))
    assert [one.content for one in page.items] == ["three", "two"]
    page = await versions(bob, tweet.tweet_id, ReadActions(2, below=page.next))
    assert ([one.content for one in page.items], page.next) == (["one"], None)
    await chirp.check()


async def test_only_the_author_edits_and_only_for_a_while(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    tweet = await chirp.post(ada)
    with pytest.raises(Forbidden):
        await chirp.edit(bob, tweet, "mine")
    chirp.clock.advance_ms(30 * 60_000 - 1)
    assert (await chirp.edit(ada, tweet, "in time")).version == 2
    chirp.clock.advance_ms(1)
    with pytest.raises(Forbidden):
        await chirp.edit(ada, tweet, "too late")


async def test_a_retweet_is_never_edited_and_a_deleted_tweet_not_answered(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    tweet = await chirp.post(ada)
    await chirp.react(ada, "retweet", tweet)
    retweet = (await chirp.store.tweets.find_many((await chirp.tweets_of(ada))[:1]))[0]
    assert retweet is not None
    assert retweet.retweet_of == tweet.tweet_id
    with pytest.raises(Forbidden):
        await chirp.edit(ada, retweet, "text")
    await chirp.delete(ada, tweet)
    with pytest.raises(Invalid):
        await chirp.post(ada, reply_to=tweet)
