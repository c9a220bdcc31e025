"""A real college's graph, a thousand verbs from sixteen clients at once: all lists of everybody."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from chirp.model import UserId
from chirp.storage.changes import followed
from chirp.storage.store import Options, create_store, open_store
from chirp.views import Viewer
from tests.simulation.acts import Acts
from tests.simulation.compare import Comparison
from tests.simulation.world import World
from tests.support.clock import FixedClock
from tests.support.driver import PASSWORD, Driver, memory_store
from tests.support.engines import UnevenEngine

GRAPH = Path(__file__).parent.parent / "data" / "graphs" / "socfb-Reed98.edges.gz"
CLIENTS = 16
VERBS = 1_000
WAVES = 20
ACTIVE = 60

pytestmark = pytest.mark.usefixtures("same_switch_interval")


def edges() -> list[tuple[int, int]]:
    """Return all follows of the graph: each friendship is two."""
    lines = gzip.decompress(GRAPH.read_bytes()).decode().splitlines()
    pairs = [(int(a), int(b)) for a, b in (line.split()[:2] for line in lines)]
    return sorted({edge for a, b in pairs if a != b for edge in ((a, b), (b, a))})


async def college(chirp: Driver) -> tuple[World, dict[int, Viewer]]:
    """Register everybody, with their follows; return the model and who they are."""
    world, people = World(), {}
    password_hash = await chirp.server.passwords.hash(PASSWORD)
    numbers: dict[int, int] = {}
    for number in sorted({who for edge in edges() for who in edge}):
        viewer = await chirp.register(f"u{number}", password_hash=password_hash)
        numbers[number] = viewer.user_id
        people[int(viewer.user_id)] = viewer
        world.names[viewer.user_id] = f"u{number}"
    now = chirp.clock.now_ms()
    commits = []
    for a, b in edges():
        one, two = UserId(numbers[a]), UserId(numbers[b])
        commits.append(chirp.store.engine.commit(followed(chirp.store, one, two, now)))
        world.follows[one, two] = now
    await asyncio.gather(*commits)
    await chirp.server.journal.wait_idle()
    return world, people


async def at_once(acts: Acts, dice: Random) -> None:
    """Let all clients act at the same time, in waves between which time passes."""
    # Most is done by few, so that they meet.
    everybody = dict(acts.people)
    busiest = sorted(everybody, key=lambda who: -acts.world.user_counts(who).followers)[:ACTIVE]
    active = {who: everybody[who] for who in busiest}
    acts.people = active
    for _ in range(WAVES):
        left = iter(range(VERBS // WAVES))

        async def client(left: object = left) -> None:
            for _ in left:  # type: ignore[attr-defined]
                await acts.any(dice)

        await asyncio.gather(*[client() for _ in range(CLIENTS)])
        acts.chirp.clock.advance_ms(dice.choice([1, 1_000]))
    acts.people = {who: everybody[who] for who in everybody if who in acts.world.names}


async def compare_all(
    chirp: Driver, world: World, people: dict[int, Viewer], *, every: int = 1
) -> None:
    """Compare all lists of `every` so many people and tweets, as all kinds of viewers see them."""
    await chirp.server.journal.wait_idle()
    comparison, dice = Comparison(chirp, world, people), Random(1)
    everybody = list(people)
    for who in everybody[::every]:
        await comparison.home(who)
        await comparison.bookmarks(who)
        for viewer in (who, None, dice.choice(everybody)):
            await comparison.person(viewer, who)
            for replies in (True, False):
                await comparison.of_user(viewer, who, replies=replies)
    for tweet in list(world.ever)[::every]:
        author = world.ever[tweet].author
        for viewer in {None, author if author in people else None, dice.choice(everybody)}:
            await comparison.tweet(viewer, tweet)
    for viewer in (None, *dice.sample(everybody, 50)):
        await comparison.public(viewer)


async def live(chirp: Driver, restart: Callable[..., Awaitable[Driver]], seed: int) -> None:
    """Do a thousand verbs, and compare before and after a restart and a crash."""
    world, people = await college(chirp)
    acts = Acts(chirp, world, people)
    await at_once(acts, Random(seed))
    people = acts.people
    assert {"post", "edit", "delete", "block", "close", "suspend"} <= set(acts.done)
    assert acts.refused
    await compare_all(chirp, world, people)
    await chirp.check()
    for crash in (False, True):
        chirp = await restart(chirp, crash=crash)
        await compare_all(chirp, world, people, every=9)
        await chirp.check()
    await chirp.close()


@pytest.mark.timeout(400)
async def test_all_lists_of_everybody_on_uneven_disks() -> None:
    async def restart(chirp: Driver, *, crash: bool) -> Driver:
        await chirp.restart(crash=crash)
        return chirp

    await live(await Driver.open(memory_store(UnevenEngine(8, 98))), restart, 98)


@pytest.mark.timeout(400)
async def test_all_lists_of_everybody_on_files(tmp_path: Path) -> None:
    folder, clock = tmp_path / "data", FixedClock()
    options = Options(map_bytes=1 << 28)

    async def restart(chirp: Driver, *, crash: bool) -> Driver:
        if crash:
            await chirp.server.tasks.close()
            chirp.server.passwords.close()
        else:
            await chirp.server.close()
        await chirp.store.close()
        return await Driver.open(await open_store(folder, options), clock=clock)

    create_store(folder, clock, shards=2)
    await live(await Driver.open(await open_store(folder, options), clock=clock), restart, 7)
