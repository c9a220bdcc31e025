"""How does the cost grow with tweets, people and followees?

Stores of 10^4 tweets, ten times as many and so on, with 10^2, 10^4 and 10^5 people, are filled by
the store's own batches. Home pages of 20 are then read in this process, through the service and
the renderer, without HTTP. Warm: stores and followees take turns, so that all meet the same noise.
Cold: before each read the store is opened anew, so that every cache is empty; once with the files
in the system's cache, once after they were dropped from it. Memory and start are those of
`chirp serve` on the largest store; a start is answered when /readyz is (looked at every 50 ms).
Bytes of a tweet are whole pages of the tables that grew while the tweets were written.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec
import uvloop

from bench.filling import CHARACTERS, Filler
from bench.harness import Bench, ForeignCpu, chirp_server, fetch, quantile
from chirp.api.render import Renderer
from chirp.app import Chirp
from chirp.clock import SystemClock
from chirp.config import Config
from chirp.http.paging import Links
from chirp.model import UserId
from chirp.pages import NEWEST, ReadTweets
from chirp.storage.engine import TableStats
from chirp.storage.store import Store, create_store, open_store
from chirp.views import Viewer

SMALLEST = 10_000
PEOPLE = {10_000: 100, 100_000: 10_000, 1_000_000: 100_000}
MOST_PEOPLE = 100_000
FOLLOWEES = (10, 500, 5_000)
ANEW = ReadTweets(since_id=1)
"""A page that is never kept: looked up, filtered and spliced each time."""

PORT = 18088
RENDERER = Renderer("https://chirp.example")
NO_LINKS = Links(None, None, "")
SETTLED_MIB, SETTLE_S = 0.5, 2.0
"""A server has settled when its memory grows by less than that in this time."""


@dataclass(slots=True)
class Filled:
    """A store on disk, who reads in it, and what its tweets take."""

    folder: Path
    tweets: int
    people: int
    viewers: dict[int, list[UserId]] = field(default_factory=dict)
    secret: str = ""
    fill_s: float = 0.0
    before: dict[str, TableStats] = field(default_factory=dict)
    after: dict[str, TableStats] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What rows call it; how many people it has is beside them."""
        return f"{self.tweets:,} tweets"


async def fill(folder: Path, tweets: int, viewers: int) -> Filled:
    """Make a store of that many tweets, read by so many with each number of followees."""
    people = PEOPLE.get(tweets, MOST_PEOPLE)
    filled, began_s = Filled(folder, tweets, people), time.perf_counter()
    clock = SystemClock()
    create_store(folder, clock)
    store = await open_store(folder)
    filler = Filler(store, clock.now_ms())
    followees = [count for count in FOLLOWEES if count + viewers * len(FOLLOWEES) <= people]
    await filler.people(people, viewers * len(followees))
    for number, count in enumerate(followees):
        places = range(number * viewers, (number + 1) * viewers)
        for place in places:
            await filler.follow(place, count)
        filled.viewers[count] = [filler.users[place] for place in places]
    await filler.flush()
    filled.before = store.engine.stats().tables
    await filler.tweets(tweets)
    filled.after = store.engine.stats().tables
    await filler.close()
    await store.close()
    filled.secret, filled.fill_s = filler.secrets[-1], time.perf_counter() - began_s
    return filled


async def kept_or_filled(folder: Path, tweets: int, viewers: int) -> Filled:
    """Return the store that an earlier run left in a folder, or make it."""
    note = folder.with_suffix(".json")
    if note.exists():
        kept = msgspec.json.decode(note.read_bytes(), type=Filled, dec_hook=_path)
        if all(len(those) == viewers for those in kept.viewers.values()):
            return kept
    shutil.rmtree(folder, ignore_errors=True)
    filled = await fill(folder, tweets, viewers)
    note.write_bytes(msgspec.json.encode(filled, enc_hook=str))
    return filled


def _path(kind: type, value: str) -> Path:
    assert kind is Path
    return Path(value)


async def opened(folder: Path) -> tuple[Store, Chirp]:
    """Open a store as `chirp serve` does, with empty caches."""
    store = await open_store(folder)
    return store, await Chirp.open(store, Config(), SystemClock())


async def read(chirp: Chirp, user: UserId, command: ReadTweets) -> float:
    """Read a home page as bytes; return how long that took, in seconds."""
    viewer = Viewer(user, b"")
    began_s = time.perf_counter()
    page = await chirp.timelines.home(viewer, command)
    if page.json is None:
        page.json = RENDERER.tweets(page.items)
    RENDERER.page(page.json, NO_LINKS).whole()
    took_s = time.perf_counter() - began_s
    assert len(page.items) == 20, "a full page"
    return took_s


def chill(folder: Path) -> None:
    """Drop the store's files from the system's cache."""
    for path in folder.glob("*.lmdb"):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def bring(folder: Path) -> None:
    """Bring the store's files into the system's cache."""
    for path in folder.glob("*.lmdb"):
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


async def cold(filled: Filled, count: int, reads: int, *, chilled: bool) -> list[float]:
    """Return what first pages take in ms, each after a start of its own."""
    took = []
    viewers = filled.viewers[count]
    if not chilled:
        bring(filled.folder)
    for number in range(reads):
        if chilled:
            chill(filled.folder)
        store, chirp = await opened(filled.folder)
        # As `chirp serve` does: else the collector walks what filling left, for 0.1 s and more.
        gc.collect()
        gc.freeze()
        took.append(1000 * await read(chirp, viewers[number % len(viewers)], NEWEST))
        gc.unfreeze()
        await chirp.close()
        await store.close()
    return took


async def one_round(filled: Filled, chirp: Chirp) -> dict[tuple[str, int, str], list[float]]:
    """Read every viewer's pages twenty times; return the times in seconds."""
    return {
        (filled.name, count, kind): [await read(chirp, user, command) for user in viewers * 20]
        for count, viewers in filled.viewers.items()
        for kind, command in (("kept", NEWEST), ("made anew", ANEW))
    }


async def warm(stores: Sequence[Filled], rounds: int) -> dict[tuple[str, int, str], float]:
    """Return the median of warm pages in µs, by store, followees and kind of page."""
    servers = [(filled, *await opened(filled.folder)) for filled in stores]
    took: dict[tuple[str, int, str], list[float]] = {}
    gc.freeze()
    for number in range(rounds + 1):
        for filled, _, chirp in servers:
            for key, times in (await one_round(filled, chirp)).items():
                if number:  # the first one warms
                    took.setdefault(key, []).extend(times)
    for _, store, chirp in servers:
        await chirp.close()
        await store.close()
    gc.unfreeze()
    return {key: 1e6 * quantile(times, 0.5) for key, times in took.items()}


def report_warm(bench: Bench, medians: dict[tuple[str, int, str], float]) -> None:
    """Add a row for each kind of page, store and number of followees, and how flat they are."""
    for kind in ("kept", "made anew"):
        flat = {key: median for key, median in medians.items() if key[2] == kind}
        for (name, count, _), median in flat.items():
            bench.show(f"warm page {kind}, p50, {count:,} followees, {name}", median, "µs")
        ratio = max(flat.values()) / min(flat.values())
        bench.at_most(f"warm page {kind}, slowest against fastest of these", ratio, 1.2, "")


def report_cold(bench: Bench, filled: Filled, count: int, took: list[float], how: str) -> None:
    """Add the rows of cold reads of one kind."""
    what = f"{how}, {count:,} followees, {filled.name}"
    bench.show(f"cold page, p50, {what}", quantile(took, 0.5), "ms")
    bench.at_most(f"cold page, p99, {what}", quantile(took, 0.99), 200, "ms")


def report_disk(bench: Bench, filled: Filled) -> None:
    """Add the rows of bytes a tweet."""
    each = {
        name: (stats.bytes - filled.before[name].bytes) / filled.tweets
        for name, stats in filled.after.items()
        if stats.rows > filled.before[name].rows or name == "user_counts"
    }
    journal = each.pop("journal")
    what = f"of {CHARACTERS} characters, {filled.name}"
    bench.at_most(f"disk a tweet {what}, with all indexes", sum(each.values()), 400, "B")
    for name, size in each.items():
        bench.show(f"of that, table {name}, {filled.name}", size, "B")
    bench.show(f"journal, apart from that, a tweet, {filled.name}", journal, "B")
    files = sum(path.stat().st_size for path in filled.folder.glob("*.lmdb"))
    bench.show(f"all files, with people and journal, {filled.name}", files / 2**20, "MiB")


def settled_memory(pid: int) -> tuple[float, float]:
    """Wait until a process grows no more; return what `memory` does."""
    resident, own = memory(pid)
    while True:
        time.sleep(SETTLE_S)
        before, (resident, own) = resident, memory(pid)
        if resident - before < SETTLED_MIB:
            return resident, own


def memory(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process and how much of it is its own, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    sizes = {line.split(":")[0]: line.split() for line in lines}
    return int(sizes["VmRSS"][1]) / 1024, int(sizes["RssAnon"][1]) / 1024


def report_server(bench: Bench, filled: Filled) -> None:
    """Start `chirp serve`, with its files dropped and not, warming and not; add the rows."""
    url = f"http://127.0.0.1:{PORT}/api/v1/timeline/home"
    for how, warms in (("without warming", "false"), ("tweets of 72 hours warmed", "true")):
        chill(filled.folder)
        began_s = time.perf_counter()
        with chirp_server(filled.folder, PORT, None, {"CHIRP_CACHE_WARM": warms}) as pid:
            start_s = time.perf_counter() - began_s
            resident, own = settled_memory(pid)
            fetch(url, filled.secret)
        if warms == "false":
            bench.at_most(f"start to first answer, files dropped, {filled.name}", start_s, 2, "s")
        bench.at_most(f"resident memory idle, {how}, {filled.name}", resident, 150, "MiB")
        bench.show("of that its own, the rest is files that the system may drop", own, "MiB")
    began_s = time.perf_counter()
    with chirp_server(filled.folder, PORT, None):
        start_s = time.perf_counter() - began_s
    bench.at_most(f"start to first answer, files in cache, {filled.name}", start_s, 2, "s")


@contextmanager
def folder_in(kept: Path | None) -> Iterator[Path]:
    """Give a folder that is gone afterwards, or that which is to be kept."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    folder = Path(tempfile.mkdtemp(prefix="chirp-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Dose:
    """How much is measured."""

    tweets: int
    viewers: int
    rounds: int
    reads: int


async def measure(bench: Bench, folder: Path, dose: Dose) -> Filled:
    """Fill the stores and add the rows of reading and disk; return the largest store."""
    stores, size = [], SMALLEST
    while size <= dose.tweets:
        stores.append(await kept_or_filled(folder / str(size), size, dose.viewers))
        bench.show(f"filling {stores[-1].name}", stores[-1].fill_s, "s")
        size *= 10
    bench.extra["people"] = {filled.name: filled.people for filled in stores}
    report_warm(bench, await warm(stores, dose.rounds))
    for filled in stores:
        for count in filled.viewers:
            for how, chilled in (("files in cache", False), ("files dropped", True)):
                took = await cold(filled, count, dose.reads, chilled=chilled)
                report_cold(bench, filled, count, took, how)
    for filled in stores:
        report_disk(bench, filled)
    return stores[-1]


def run(dose: Dose, kept: Path | None, path: Path | None) -> None:
    """Measure and report."""
    foreign = ForeignCpu()
    bench = Bench("scale", extra={"dose": asdict(dose)})
    with folder_in(kept) as folder:
        largest = uvloop.run(measure(bench, folder, dose))
        report_server(bench, largest)
    bench.finish(foreign.cores(), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--tweets", type=int, default=100_000, help="of the largest store")
    parser.add_argument("--viewers", type=int, default=2, help="with each number of followees")
    parser.add_argument("--rounds", type=int, default=5, help="of warm reads, 20 a viewer")
    parser.add_argument("--reads", type=int, default=4, help="cold ones of each kind")
    parser.add_argument("--folder", type=Path, help="keep the stores there, and use what is there")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    amount = Dose(given.tweets, given.viewers, given.rounds, given.reads)
    run(amount, given.folder, given.json)
