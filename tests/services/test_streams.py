"""Streams tell what happens, in order and once, also to who was away for a while."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from chirp.errors import Invalid, RateLimited
from chirp.fanout.bus import Stream
from chirp.model import Tweet
from chirp.services.streams import StreamEvent, StreamKind
from chirp.views import Viewer
from tests.support.driver import Driver, memory_store
from tests.support.engines import UnevenEngine

TURNS = 400


@dataclass
class Reader:
    """Somebody with an open stream, and what they were told."""

    stream: Stream
    told: AsyncIterator[StreamEvent]
    place: str
    events: list[StreamEvent] = field(default_factory=list)

    def ids(self, kind: StreamKind = StreamKind.TWEET) -> list[int]:
        return [event.tweet_id for event in self.events if event.kind is kind]

    def kinds(self) -> list[StreamKind]:
        return [event.kind for event in self.events if event.kind is not StreamKind.COUNTS]

    async def read(self) -> None:
        """Take in events until the stream ends."""
        async for event in self.told:
            self.place = event.place
            if event.kind is not StreamKind.HEARTBEAT:
                self.events.append(event)


def opened(chirp: Driver, viewer: Viewer, place: str | None = None) -> Reader:
    streams = chirp.server.streams
    stream, after = streams.open(viewer, place)
    return Reader(stream, streams.follow(viewer, stream, after), place or "")


async def quiet(chirp: Driver) -> None:
    """Let all that has happened be told."""
    await chirp.server.journal.wait_idle()
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def heard(chirp: Driver, reader: Reader, *, leave: bool = True) -> Reader:
    """Read what there is to hear, and go away."""
    task = asyncio.create_task(reader.read())
    await quiet(chirp)
    if leave:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        chirp.server.streams.close(reader.stream)
    return reader


async def ada_and_bob(chirp: Driver) -> tuple[Viewer, Viewer]:
    """Bob follows Ada."""
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(bob, ada)
    return ada, bob


@pytest.mark.parametrize("seed", range(4))
async def test_tweets_are_told_in_the_order_of_their_ids(
    same_switch_interval: None, seed: int
) -> None:
    chirp = await Driver.open(memory_store(UnevenEngine(8, seed)))
    ada, bob = await ada_and_bob(chirp)
    reader = opened(chirp, bob)
    reading = asyncio.create_task(reader.read())
    posts = [chirp.post(ada, f"n {n}", key=str(n) if n % 3 else None) for n in range(40)]
    posted = await asyncio.gather(*posts, *(chirp.post(bob) for _ in range(10)))
    await quiet(chirp)
    reading.cancel()
    assert reader.ids() == sorted(tweet.tweet_id for tweet in posted)
    await chirp.close()


@pytest.mark.parametrize("crash", [False, True])
async def test_who_comes_back_has_missed_nothing(chirp: Driver, crash: bool) -> None:
    ada, bob = await ada_and_bob(chirp)
    reader = opened(chirp, bob)
    first = await chirp.post(ada, "first")
    await heard(chirp, reader)
    missed = [await chirp.post(ada, f"missed {n}") for n in range(3)]
    await chirp.edit(ada, first, "edited")
    await chirp.restart(crash=crash)
    await chirp.delete(ada, missed[0])
    again = await heard(chirp, opened(chirp, bob, reader.place))
    assert (reader.ids(), again.ids()) == ([first.tweet_id], [t.tweet_id for t in missed[1:]])
    assert again.ids(StreamKind.EDIT) == [first.tweet_id]
    assert again.ids(StreamKind.DELETE) == [missed[0].tweet_id]


async def cut(chirp: Driver, reader: Reader, dice: random.Random) -> None:
    """Read some events and lose the connection, anywhere."""
    task = asyncio.create_task(reader.read())
    for _ in range(dice.randrange(60)):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    chirp.server.streams.close(reader.stream)


@pytest.mark.parametrize("seed", range(8))
async def test_a_reader_who_is_cut_off_again_and_again_hears_every_tweet_once(
    same_switch_interval: None, seed: int
) -> None:
    chirp = await Driver.open(memory_store(UnevenEngine(8, seed)))
    ada, bob = await ada_and_bob(chirp)
    dice, place, ids = random.Random(seed), str(chirp.server.bus.place()), list[int]()
    posted: list[Tweet] = []

    async def write(number: int) -> None:
        for turn in range(10):
            posted.append(await chirp.post(ada, f"{number} {turn}"))
            await chirp.react(ada, "favorite", posted[-1])
            if turn % 4 == 0:
                await chirp.edit(ada, posted[-1], f"new {number} {turn}")

    writing = asyncio.gather(*(write(number) for number in range(4)))
    while not writing.done():
        reader = opened(chirp, bob, place)
        await cut(chirp, reader, dice)
        place, ids = reader.place, ids + reader.ids()
    ids += (await heard(chirp, opened(chirp, bob, place))).ids()
    assert ids == sorted(tweet.tweet_id for tweet in posted)
    await chirp.close()


async def test_what_happens_while_one_comes_back_is_told_once(chirp: Driver) -> None:
    ada, bob = await ada_and_bob(chirp)
    place = str(chirp.server.bus.place())
    reader = opened(chirp, bob, place)
    tweet = await chirp.post(ada)
    await quiet(chirp)
    await heard(chirp, reader)
    assert reader.ids() == [tweet.tweet_id]
    assert (await heard(chirp, opened(chirp, bob, reader.place))).events == []


async def test_a_place_that_is_too_old_begins_anew(
    chirp: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await ada_and_bob(chirp)
    place = str(chirp.server.bus.place())
    await chirp.post_many(ada, 3)
    monkeypatch.setattr("chirp.fanout.bus.MOST_RESUMED", 2)
    again = await heard(chirp, opened(chirp, bob, place))
    assert again.kinds() == [StreamKind.RESET]
    assert (await heard(chirp, opened(chirp, bob, again.place))).events == []


async def test_a_place_that_was_trimmed_begins_anew(chirp: Driver) -> None:
    ada, bob = await ada_and_bob(chirp)
    place = str(chirp.server.bus.place())
    await chirp.post_many(ada, 3)
    await chirp.server.journal.wait_idle()
    await chirp.restart()
    for source in range(chirp.engine.sources):
        await chirp.engine.trim(source, chirp.engine.last_sequence(source) + 1)
    again = await heard(chirp, opened(chirp, bob, place))
    assert again.kinds() == [StreamKind.RESET]


async def test_a_reader_who_does_not_keep_up_is_dropped_and_comes_back(chirp: Driver) -> None:
    ada, bob = await ada_and_bob(chirp)
    reader = opened(chirp, bob)
    posted = await chirp.post_many(ada, 1_001)
    await quiet(chirp)
    await heard(chirp, reader)
    assert reader.kinds() == [StreamKind.END]
    assert reader.events[0].why == "too slow: more than 1,000 events were waiting"
    assert chirp.server.bus.stats()["dropped"] == 1
    again = await heard(chirp, opened(chirp, bob, reader.place))
    assert again.ids() == [tweet.tweet_id for tweet in posted]


async def test_a_suspension_ends_the_streams(chirp: Driver) -> None:
    _, bob = await ada_and_bob(chirp)
    reader = opened(chirp, bob)
    await chirp.suspend(bob)
    await heard(chirp, reader)
    assert reader.events[-1].why == "the account is suspended or closed"


async def test_the_end_of_an_account_ends_its_streams(chirp: Driver) -> None:
    _, bob = await ada_and_bob(chirp)
    readers = [opened(chirp, bob), opened(chirp, bob)]
    await chirp.server.administration.delete("bob")
    for reader in readers:
        assert (await heard(chirp, reader)).kinds() == [StreamKind.END]


async def test_the_blocked_and_the_muted_are_not_told_of(chirp: Driver) -> None:
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    await chirp.follow(bob, ada, eve)
    await chirp.follow(ada, bob)
    readers = [opened(chirp, bob), opened(chirp, ada)]
    old = await chirp.post(eve, "old")
    await chirp.relate(ada, "block", bob)
    await chirp.relate(bob, "mute", eve)
    mine = [await chirp.post(who) for who in (bob, ada)]
    await chirp.post(eve)
    await chirp.edit(eve, old, "new")
    for reader, tweet in zip(readers, mine, strict=True):
        assert set((await heard(chirp, reader)).ids()) == {tweet.tweet_id}


async def test_deletions_of_whom_one_blocks_are_not_told(chirp: Driver) -> None:
    ada, bob = await ada_and_bob(chirp)
    tweet = await chirp.post(ada)
    await chirp.relate(ada, "block", bob)
    reader = opened(chirp, bob)
    await chirp.delete(ada, tweet)
    assert (await heard(chirp, reader)).events == []


async def test_strangers_are_not_told_of(chirp: Driver) -> None:
    ada, bob = await ada_and_bob(chirp)
    reader = opened(chirp, ada)
    await chirp.post(bob)
    assert (await heard(chirp, reader)).events == []


async def test_counts_come_together_after_a_while(chirp: Driver) -> None:
    ada, bob = await ada_and_bob(chirp)
    tweet = await chirp.post(ada)
    reader = opened(chirp, bob)
    for who in (ada, bob):
        await chirp.react(who, "favorite", tweet)
    await heard(chirp, reader, leave=False)
    chirp.clock.advance_ms(500)
    await quiet(chirp)
    views = [event.view for event in reader.events if event.kind is StreamKind.COUNTS]
    assert views[-1] is not None
    assert views[-1].cached.counts.favorites == 2
    assert views[-1].flags.favorited


@pytest.mark.parametrize("place", ["x", "1", "1.2", "1.2.3.4", "-1.0.0", "f" * 16 + ".0.0", " "])
async def test_a_foreign_place_is_refused(chirp: Driver, place: str) -> None:
    bob = await chirp.register("bob")
    with pytest.raises(Invalid):
        chirp.server.streams.open(bob, place)
    assert len(chirp.server.bus) == 0


async def test_one_account_opens_so_many_streams(chirp: Driver) -> None:
    bob = await chirp.register("bob")
    most = chirp.server.config.server.max_streams_per_user
    for _ in range(most):
        chirp.server.streams.open(bob, None)
    with pytest.raises(RateLimited):
        chirp.server.streams.open(bob, None)
