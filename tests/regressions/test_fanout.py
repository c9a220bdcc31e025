"""What fan-out once got wrong: events trimmed under a slow consumer, windows full of dead ids."""

from __future__ import annotations

from chirp.cache.homes import HomeTimelines
from chirp.fanout.journal import TRIM_EVERY_S, JournalRunner
from chirp.model import UnixMs, UserId
from chirp.storage.engine import Batch
from chirp.storage.events import Followed, pack_event
from chirp.storage.memory import MemoryEngine
from chirp.tasks import TaskRunner
from tests.fanout.test_journal import Recorder, turns
from tests.support.clock import FixedClock
from tests.support.driver import Driver


async def test_events_are_kept_for_consumers_without_a_cursor(
    same_switch_interval: None,
) -> None:
    """The home consumer stores none; what the index consumer has passed it may yet need."""
    engine, tasks, clock = MemoryEngine(1), TaskRunner(), FixedClock()
    fast, slow = Recorder("fast"), Recorder("slow", durable=False)
    fast.gate.set()
    runner = JournalRunner(engine, tasks, clock, keep_events=0)
    runner.add(fast)
    runner.add(slow, after="fast")
    await runner.start()
    for number in range(5_000):
        event = Followed(UserId(1), UserId(100 + number), UnixMs(5))
        await engine.commit(Batch(1, event=pack_event(event)))
    await let_pass(clock, TRIM_EVERY_S + 2)
    slow.gate.set()
    await runner.wait_idle()
    assert len(slow.seen) == 5_000
    await tasks.close()


async def let_pass(clock: FixedClock, seconds: float) -> None:
    for _ in range(int(seconds)):
        clock.advance_ms(1_000)
        await turns(10)


async def test_deleted_tweets_do_not_push_live_ones_out_of_windows(chirp: Driver) -> None:
    ada, bob, eve = await chirp.register_many("ada", "bob", "eve")
    await chirp.follow(ada, bob, eve)
    kept = await chirp.post_many(bob, 20)
    assert len(await chirp.home(ada, 20)) == 20
    for number in range(50):
        await chirp.delete(eve, await chirp.post(eve, f"noise {number}"))
    await chirp.server.journal.wait_idle()
    window = chirp.server.caches.homes.read(ada.user_id, None, 100)
    assert window is not None
    assert window.ids == sorted((tweet.tweet_id for tweet in kept), reverse=True)


def test_a_window_that_removals_emptied_is_dropped() -> None:
    homes = HomeTimelines(budget_bytes=100_000, keep=10)
    with homes.begin_build(7) as build:
        build.install(range(100, 110), complete_from=100)
    for tweet_id in range(109, 105, -1):
        homes.remove(7, tweet_id)
    assert 7 in homes
    homes.remove(7, 105)
    assert 7 not in homes
    homes.check()


def test_a_window_with_nothing_below_it_stays() -> None:
    homes = HomeTimelines(budget_bytes=100_000, keep=10)
    with homes.begin_build(7) as build:
        build.install([100, 101], complete_from=0)
    homes.remove(7, 100)
    homes.remove(7, 101)
    assert homes.read(7, None, 5) == ([], True, None)
    homes.check()
