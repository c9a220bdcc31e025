"""Moderation: flags, suspensions and removals take effect at once, and leave a trail."""

from __future__ import annotations

import asyncio

import pytest

from chirp.commands import Because
from chirp.errors import Forbidden, Invalid, NotFound, Unavailable
from chirp.model import ActionKind, Role, Tweet, TweetId
from chirp.pages import ReadActions, ReadTweets
from chirp.readers.roles import OPERATOR
from chirp.services.moderation import FlagState
from chirp.views import Viewer
from tests.support.admission import serving, staff
from tests.support.driver import Driver

WHY = Because("spam")
SPAM = "Buy these marvellous pills today"


async def flagged(chirp: Driver) -> tuple[Tweet, Viewer]:
    """Let three people post one text; return the third's tweet, which is flagged, and who it is."""
    people = [await chirp.register(f"robot{n}") for n in range(3)]
    tweets = [await chirp.post(robot, SPAM) for robot in people]
    await chirp.server.journal.wait_idle()
    return tweets[-1], people[-1]


async def flags(chirp: Driver, state: FlagState) -> list[TweetId]:
    page = await chirp.server.moderation.flags(OPERATOR, ReadActions(), state)
    return [view.flag.tweet_id for view in page.items]


async def trail(chirp: Driver) -> list[ActionKind]:
    page = await chirp.server.moderation.actions(OPERATOR, ReadActions())
    return [view.action.kind for view in page.items]


async def test_a_flag_is_closed_once_with_a_note() -> None:
    async with serving() as chirp:
        _, mod = await staff(chirp)
        tweet, _ = await flagged(chirp)
        assert await flags(chirp, FlagState.OPEN) == [tweet.tweet_id]
        close = chirp.server.moderation.close_flag
        closed = await close(mod, tweet.tweet_id, Because("a song"))
        assert (closed.flag.closed_by, closed.flag.note) == (mod.user_id, "a song")
        again = await close(OPERATOR, tweet.tweet_id, Because("no"))
        assert again.flag == closed.flag
        assert await flags(chirp, FlagState.OPEN) == []
        assert await flags(chirp, FlagState.CLOSED) == await flags(chirp, FlagState.ALL)
        assert await trail(chirp) == [ActionKind.CLOSE_FLAG]
        await chirp.check()


async def test_of_two_who_close_a_flag_at_once_one_is_told() -> None:
    async with serving() as chirp:
        tweet, _ = await flagged(chirp)
        close = chirp.server.moderation.close_flag
        both = [close(OPERATOR, tweet.tweet_id, Because(str(n))) for n in range(2)]
        results = await asyncio.gather(*both, return_exceptions=True)
        assert sum(isinstance(result, Unavailable) for result in results) == 1
        assert await trail(chirp) == [ActionKind.CLOSE_FLAG]


async def test_a_removed_tweet_is_gone_from_everywhere_at_once() -> None:
    async with serving() as chirp:
        _, mod = await staff(chirp)
        ada, bob = await chirp.register_many("ada", "bob")
        await chirp.follow(bob, ada)
        tweet, kept = await chirp.post(ada, "bad"), await chirp.post(ada, "good")
        assert len(await chirp.home(bob)) == 2
        await chirp.server.moderation.remove_tweet(mod, tweet.tweet_id, WHY)
        for page in (await chirp.home(bob), await chirp.tweets_of(ada)):
            assert page == [kept.tweet_id]
        with pytest.raises(NotFound):
            await chirp.get(bob, tweet)
        with pytest.raises(NotFound):
            await chirp.server.moderation.remove_tweet(mod, tweet.tweet_id, WHY)
        assert await trail(chirp) == [ActionKind.REMOVE_TWEET]
        await chirp.check()


async def test_deletes_by_the_operator_reach_the_cache_too(chirp: Driver) -> None:
    """They come with no service that knows the cache: the home consumer tells it."""
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(bob, ada)
    await chirp.post_many(ada, 3)
    assert len(await chirp.home(bob)) == 3
    await chirp.server.administration.delete("ada")
    assert await chirp.home(bob) == []
    assert chirp.server.caches.tweets.stats()["entries"] == 0
    await chirp.check()


async def test_a_suspension_hides_at_once_and_can_be_lifted() -> None:
    async with serving() as chirp:
        _, mod = await staff(chirp)
        ada, bob = await chirp.register_many("ada", "bob")
        await chirp.follow(bob, ada)
        tweet = await chirp.post(ada)
        first = await chirp.home_page(bob, ReadTweets())
        assert first.items
        suspend = chirp.server.moderation.suspend
        await suspend(mod, "ada", WHY, suspended=True)
        with pytest.raises(Forbidden):
            await chirp.server.accounts.authenticate(chirp.secrets[ada.user_id])
        assert chirp.server.accounts.find_viewer(chirp.secrets[ada.user_id]) is None
        assert await chirp.home(bob) == []
        await suspend(mod, "ada", WHY, suspended=False)
        assert await chirp.home(bob) == [tweet.tweet_id]
        await suspend(mod, "ada", WHY, suspended=False)
        assert await trail(chirp) == [ActionKind.UNSUSPEND, ActionKind.SUSPEND]
        await chirp.check()


@pytest.mark.parametrize(
    ("actor", "target", "may"),
    [(Role.MODERATOR, Role.USER, True), (Role.MODERATOR, Role.MODERATOR, False),
     (Role.MODERATOR, Role.ADMIN, False), (Role.ADMIN, Role.ADMIN, True),
     (Role.USER, Role.USER, False)],
)  # fmt: skip
async def test_who_may_act_on_whom(chirp: Driver, actor: Role, target: Role, may: bool) -> None:
    one, other = await staff(chirp, {"one": actor, "other": target})
    tweet = await chirp.post(other)
    moderation = chirp.server.moderation
    for deed in (moderation.remove_tweet(one, tweet.tweet_id, WHY),
                 moderation.suspend(one, "other", WHY, suspended=True)):  # fmt: skip
        if may:
            await deed
            continue
        with pytest.raises(Forbidden):
            await deed
    assert len(await trail(chirp)) == (2 if may else 0)


async def test_nobody_suspends_themselves(chirp: Driver) -> None:
    boss, _ = await staff(chirp)
    with pytest.raises(Forbidden, match="yourself"):
        await chirp.server.moderation.suspend(boss, "boss", WHY, suspended=True)


async def test_a_role_that_was_taken_away_is_gone_at_once(chirp: Driver) -> None:
    _, mod = await staff(chirp)
    await chirp.server.moderation.actions(mod, ReadActions())
    await chirp.server.administration.set_role("mod", Role.USER)
    with pytest.raises(Forbidden):
        await chirp.server.moderation.actions(mod, ReadActions())


async def test_the_trail_goes_on_after_a_restart_and_a_clock_set_back() -> None:
    async with serving() as chirp:
        await chirp.register("ada")
        for day in range(3):
            suspend = chirp.server.moderation.suspend
            await suspend(OPERATOR, "ada", Because(str(day)), suspended=day % 2 == 0)
            await chirp.restart()
            chirp.clock.set_ms(type(chirp.clock.now_ms())(chirp.clock.now_ms() - 5_000))
        page = await chirp.server.moderation.actions(OPERATOR, ReadActions())
        assert [view.action.why for view in page.items] == ["2", "1", "0"]
        await chirp.check()


@pytest.mark.parametrize("note", ["x" * 501, "two\nlines", "\ud800", "\u202e"])
def test_notes_are_one_line_of_text(note: str) -> None:
    with pytest.raises(Invalid):
        Because(note)
