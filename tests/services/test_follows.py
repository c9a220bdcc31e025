"""The graph: following twice changes nothing twice, and lists are in the order of the action."""

from __future__ import annotations

import asyncio

import pytest

from chirp.errors import Invalid, NotFound, WritesStopped
from chirp.model import UserCounts, UserId
from chirp.pages import ReadActions
from chirp.views import Page, Relationship, UserView, Viewer
from tests.support.driver import Driver, memory_store
from tests.support.engines import UnevenEngine


async def counts(chirp: Driver, who: Viewer) -> UserCounts:
    return (await chirp.profile(None, who)).counts


async def test_a_follow_is_seen_from_both_sides(any_chirp: Driver) -> None:
    ada, bob = await any_chirp.register_many("ada", "bob")
    assert await any_chirp.follow(ada, bob) == [Relationship(following=True)]
    assert (await any_chirp.profile(bob, ada)).relationship == Relationship(followed_by=True)
    assert await any_chirp.followers(bob) == [ada.user_id]
    assert await any_chirp.following(ada) == [bob.user_id]
    await any_chirp.server.journal.wait_idle()


async def test_following_twice_counts_once(any_chirp: Driver) -> None:
    ada, bob = await any_chirp.register_many("ada", "bob")
    await any_chirp.follow(ada, bob, bob)
    assert (await counts(any_chirp, bob)).followers == 1
    assert (await counts(any_chirp, ada)).following == 1


async def test_unfollowing_twice_counts_once(any_chirp: Driver) -> None:
    ada, bob = await any_chirp.register_many("ada", "bob")
    await any_chirp.follow(ada, bob)
    assert await any_chirp.unfollow(ada, bob) == Relationship()
    assert await any_chirp.unfollow(ada, bob) == Relationship()
    assert await counts(any_chirp, ada) == await counts(any_chirp, bob) == UserCounts()
    assert await any_chirp.followers(bob) == await any_chirp.following(ada) == []


async def test_twenty_follows_at_once_count_once(any_chirp: Driver) -> None:
    ada, bob = await any_chirp.register_many("ada", "bob")
    found = await asyncio.gather(*[any_chirp.follow(ada, bob) for _ in range(20)])
    assert found == [[Relationship(following=True)]] * 20
    assert (await counts(any_chirp, bob)).followers == 1
    assert await any_chirp.followers(bob) == [ada.user_id]


@pytest.mark.parametrize("seed", range(5))
async def test_follows_and_unfollows_at_once_leave_both_sides_agreed(seed: int) -> None:
    chirp = await Driver.open(memory_store(UnevenEngine(8, seed)))
    ada, bob = await chirp.register_many("ada", "bob")
    both = [chirp.follow(ada, bob), chirp.unfollow(ada, bob), chirp.follow(ada, bob)]
    await asyncio.gather(*both)
    stands = await chirp.store.following.find(ada.user_id, bob.user_id) is not None
    assert await chirp.followers(bob) == [ada.user_id] * stands
    assert (await counts(chirp, bob)).followers == int(stands)
    await chirp.check()
    await chirp.close()


async def test_mutual_follows(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(ada, bob)
    found = await chirp.follow(bob, ada)
    assert found == [Relationship(following=True, followed_by=True)]


async def test_nobody_follows_themselves(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    for act in (chirp.server.follows.follow, chirp.server.follows.unfollow):
        with pytest.raises(Invalid):
            await act(ada, "ADA")


@pytest.mark.parametrize("name", ["eve", "", "a" * 16, "ádá", "\x00", "../x"])
async def test_nobody_follows_strangers_to_this_server(any_chirp: Driver, name: str) -> None:
    ada = await any_chirp.register("ada")
    follows = any_chirp.server.follows
    for act in (follows.follow, follows.unfollow):
        with pytest.raises(NotFound):
            await act(ada, name)
    for lists in (follows.followers, follows.following):
        with pytest.raises(NotFound):
            await lists(ada, name, ReadActions())


async def test_nobody_follows_the_suspended(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.suspend(bob)
    with pytest.raises(NotFound):
        await chirp.follow(ada, bob)


async def test_lists_are_newest_action_first(any_chirp: Driver) -> None:
    ada, *others = await any_chirp.register_many("ada", "bob", "eve", "joe")
    for other in (others[1], others[0], others[2]):
        any_chirp.clock.advance_ms(1)
        await any_chirp.follow(ada, other)
        await any_chirp.follow(other, ada)
    wanted = [others[place].user_id for place in (2, 0, 1)]
    assert await any_chirp.followers(ada) == await any_chirp.following(ada) == wanted


async def test_following_anew_moves_to_the_front(chirp: Driver) -> None:
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    await chirp.follow(ada, bob, eve)
    chirp.clock.advance_ms(1)
    await chirp.unfollow(ada, bob)
    await chirp.follow(ada, bob)
    assert await chirp.following(ada) == [bob.user_id, eve.user_id]


def ids(page: Page[UserView]) -> list[UserId]:
    return [view.user.user_id for view in page.items]


@pytest.mark.parametrize("limit", [1, 2, 5, 7, 100])
async def test_all_pages_are_the_whole_list_down_and_up(chirp: Driver, limit: int) -> None:
    ada, *fans = await chirp.register_many(*[f"user{n}" for n in range(8)])
    for place, fan in enumerate(fans):
        chirp.clock.advance_ms(place % 2)  # some at the same moment
        await chirp.follow(fan, ada)
    read, whole = chirp.server.follows.followers, await chirp.followers(ada)
    page = await read(None, "user0", ReadActions(limit))
    found = ids(page)
    while page.next is not None:
        page = await read(None, "user0", ReadActions(limit, below=page.next))
        assert page.items
        found += ids(page)
    assert found == whole
    upwards = ids(page)
    while page.prev is not None:
        page = await read(None, "user0", ReadActions(limit, above=page.prev))
        upwards = ids(page) + upwards
    assert upwards == whole


async def test_hidden_people_do_not_end_a_list(chirp: Driver) -> None:
    ada, bob, *fans = await chirp.register_many("ada", "bob", "eve", "joe", "sue")
    for fan in [bob, *fans]:
        chirp.clock.advance_ms(1)
        await chirp.follow(fan, ada)
    for fan in fans[1:]:
        await chirp.suspend(fan)
    page = await chirp.server.follows.followers(None, "ada", ReadActions(1))
    assert ids(page) == [fans[0].user_id]
    assert page.next is not None
    page = await chirp.server.follows.followers(None, "ada", ReadActions(1, below=page.next))
    assert (ids(page), page.next) == ([bob.user_id], None)


async def test_lists_say_how_the_viewer_stands_to_each(chirp: Driver) -> None:
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    await chirp.follow(bob, ada)
    await chirp.follow(ada, bob)
    await chirp.follow(eve, ada)
    page = await chirp.server.follows.followers(ada, "ada", ReadActions())
    found = {view.user.username: view.relationship for view in page.items}
    assert found == {
        "bob": Relationship(following=True, followed_by=True),
        "eve": Relationship(followed_by=True),
    }
    assert (await chirp.server.follows.followers(bob, "ada", ReadActions())).items[1] is not None
    page = await chirp.server.follows.followers(None, "ada", ReadActions())
    assert {view.relationship for view in page.items} == {None}


async def test_nothing_is_followed_while_writes_are_refused(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    chirp.engine.stop_writes("the disk is full")
    with pytest.raises(WritesStopped):
        await chirp.follow(ada, bob)
    assert await chirp.following(ada) == []
