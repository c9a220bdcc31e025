"""The tweet cache against a plain store, in every interleaving of loads, pushes and evictions.

The store commits at once; the cache hears of each commit later: of one tweet in the order of its
commits, of different tweets in any. Loaders look at the store at any time between `begin_load`
and `finish`. The promise that is checked after each step, for a page that `read` calls complete:

  1. each value on it was in the store when its page was read, or its delete has not arrived yet;
  2. no tweet is missing that is in the store and whose post has arrived (or which was stored before
     the cache was made), and that belongs between the cursor and the end of the page;
  3. each value is at least as new as the last edit of it that arrived.

1 and 2 are what a reader who came a moment earlier might have seen. Once everything has arrived,
they say that the page equals the store's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from chirp.cache.lists import ENTRY_WEIGHT_BYTES, OWNER_WEIGHT_BYTES
from chirp.cache.loads import Load, PointLoad, Row, Sweep
from chirp.cache.lookup import Reading
from chirp.cache.tweets import TweetCache

OWNERS = st.sampled_from([0, 0, 0, 1])
LIMITS = st.integers(1, 5)
NEW_IDS = st.integers(8, 24)
IDS = st.integers(1, 24)
CURSORS = st.none() | st.none() | st.integers(1, 26)
WEIGHTS = st.sampled_from([1, 1, 1, 1, 50, 400, 5_000, 5_000])


@dataclass
class Stored:
    """A tweet in the store: its versions, and what the cache has not heard of yet."""

    owner: int
    version: int = 0
    deleted: bool = False
    posted_arrived: bool = False
    deleted_arrived: bool = False
    version_arrived: int = 0
    events: deque[str] = field(default_factory=deque)


@dataclass
class Loading:
    """A loader between its first read and `finish`."""

    load: Load[int]
    limit: int
    below: int | None
    rows: list[Row[int]] | None = None
    complete_from: int = 0


@dataclass
class Sweeping:
    """A sweep, and down to where it has come."""

    sweep: Sweep[int]
    down_to: int = 1_000


class CacheBesideStore(RuleBasedStateMachine):
    """Values are version numbers, a packed one is a byte. Ids of new tweets come in any order."""

    @initialize(
        old=st.dictionaries(st.integers(1, 14), OWNERS, max_size=5),
        entries=st.integers(0, 12),
    )
    def begin(self, old: dict[int, int], entries: int) -> None:
        self.store = {i: Stored(owner, posted_arrived=True) for i, owner in old.items()}
        budget_bytes = 2 * OWNER_WEIGHT_BYTES + entries * (ENTRY_WEIGHT_BYTES + 30)
        self.cache: TweetCache[int] = TweetCache(budget_bytes, newest_stored=max(old, default=0))
        self.loads: list[Loading] = []
        self.point_loads: list[tuple[PointLoad[int], list[tuple[int, Row[int]]]]] = []
        self.sweeps: list[Sweeping] = []

    def held(self, slot: int) -> int:
        """Return the version that an entry holds, packed or not."""
        entries = self.cache._lists.entries
        value, packed = entries.values[slot], entries.packed[slot]
        if value is not None:
            return value
        assert packed is not None
        return packed[0]

    def alive(self, owner: int) -> dict[int, Stored]:
        return {i: t for i, t in self.store.items() if t.owner == owner and not t.deleted}

    # What happens in the store; the cache hears of it by `arrive`.

    @rule(tweet_id=NEW_IDS, owner=OWNERS)
    def post(self, tweet_id: int, owner: int) -> None:
        if tweet_id not in self.store:
            self.store[tweet_id] = Stored(owner, events=deque(["post"]))

    @rule(data=st.data(), delete=st.booleans())
    def edit_or_delete(self, data: st.DataObject, *, delete: bool) -> None:
        alive = [i for i, tweet in self.store.items() if not tweet.deleted]
        if not alive:
            return
        tweet = self.store[data.draw(st.sampled_from(alive))]
        tweet.events.append("delete" if delete else "edit")
        tweet.deleted = delete
        tweet.version += not delete

    @rule(data=st.data(), weight_bytes=WEIGHTS)
    def arrive(self, data: st.DataObject, weight_bytes: int) -> None:
        waiting = [i for i, tweet in self.store.items() if tweet.events]
        if waiting:
            self.tell(data.draw(st.sampled_from(waiting)), weight_bytes)

    def tell(self, tweet_id: int, weight_bytes: int) -> None:
        tweet = self.store[tweet_id]
        kind = tweet.events.popleft()
        if kind == "post":
            tweet.posted_arrived = True
            self.cache.push(tweet.owner, tweet_id, 0, weight_bytes)
        elif kind == "edit":
            tweet.version_arrived += 1
            self.cache.replace(tweet.owner, tweet_id, tweet.version_arrived, weight_bytes)
        else:
            tweet.deleted_arrived = True
            self.cache.delete(tweet.owner, tweet_id)

    # Loads, in three steps: begin, look at the store, finish.

    @rule(owner=OWNERS, limit=LIMITS, below=CURSORS, at_once=st.booleans())
    def begin_load(self, owner: int, limit: int, below: int | None, *, at_once: bool) -> None:
        reading = self.cache.read(owner, below, limit)
        if not reading.complete and len(self.loads) < 3:
            below = reading.rest_below
            self.loads.append(Loading(self.cache.begin_load(owner), limit, below))
            if at_once:
                self.look(self.loads[-1], 1)

    @precondition(lambda self: self.loads)
    @rule(data=st.data(), weight_bytes=WEIGHTS)
    def look_later(self, data: st.DataObject, weight_bytes: int) -> None:
        self.look(data.draw(st.sampled_from(self.loads)), weight_bytes)

    def look(self, loading: Loading, weight_bytes: int) -> None:
        below = loading.below or 1_000
        ids = sorted((i for i in self.alive(loading.load.owner) if i < below), reverse=True)
        found = ids[: loading.limit]
        loading.rows = [Row(i, self.store[i].version, weight_bytes) for i in found]
        loading.complete_from = found[-1] if len(found) == loading.limit else 0

    @precondition(lambda self: self.loads)
    @rule(data=st.data())
    def finish_load(self, data: st.DataObject) -> None:
        loading = data.draw(st.sampled_from(self.loads))
        self.loads.remove(loading)
        if loading.rows is None:
            loading.load.abandon()
        else:
            loading.load.finish(loading.rows, loading.complete_from, below=loading.below)

    @rule(ids=st.lists(IDS, max_size=4), weight_bytes=WEIGHTS)
    def begin_point_load(self, ids: list[int], weight_bytes: int) -> None:
        if len(self.point_loads) < 2:
            load, rows = self.cache.begin_point_load(), []
            for i in ids:
                tweet = self.store.get(i)
                if tweet is not None and not tweet.deleted:
                    rows.append((tweet.owner, Row(i, tweet.version, weight_bytes)))
            self.point_loads.append((load, rows))

    @precondition(lambda self: self.point_loads)
    @rule(data=st.data())
    def finish_point_load(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.point_loads) - 1))
        load, rows = self.point_loads.pop(at)
        load.finish(rows)

    # Sweeps: what a step reads is put at once.

    @rule(down_to=st.integers(1, 20), finish=st.booleans())
    def begin_sweep(self, down_to: int, *, finish: bool) -> None:
        if len(self.sweeps) < 2:
            self.sweeps.append(Sweeping(self.cache.begin_sweep()))
            self.sweep(self.sweeps[-1], down_to, finish=finish and down_to < 8)

    @precondition(lambda self: self.sweeps)
    @rule(data=st.data(), down_to=st.integers(1, 20), finish=st.booleans())
    def sweep_on(self, data: st.DataObject, down_to: int, *, finish: bool) -> None:
        self.sweep(data.draw(st.sampled_from(self.sweeps)), down_to, finish=finish)

    def sweep(self, sweeping: Sweeping, down_to: int, *, finish: bool) -> None:
        below, sweeping.down_to = sweeping.down_to, min(sweeping.down_to, down_to)
        for i, tweet in sorted(self.store.items(), reverse=True):
            if down_to <= i < below and not tweet.deleted:
                sweeping.sweep.put(tweet.owner, i, bytes([tweet.version]))
        if finish:
            self.sweeps.remove(sweeping)
            sweeping.sweep.finish(sweeping.down_to)

    @rule(ids=st.lists(IDS, max_size=4), weight_bytes=WEIGHTS)
    def unpack(self, ids: list[int], weight_bytes: int) -> None:
        for i, packed in zip(ids, self.cache.packed_many(ids), strict=True):
            if packed is not None:
                self.cache.put_loose(self.store[i].owner, i, packed[0], weight_bytes)

    # What the cache may do at any time.

    @rule(owner=OWNERS)
    def drop_owner(self, owner: int) -> None:
        self.cache.drop_owner(owner)

    @rule(ids=st.lists(IDS, max_size=6), recent_from_id=IDS)
    def get_many(self, ids: list[int], recent_from_id: int) -> None:
        self.cache.recent_from_id = recent_from_id
        for i, value in zip(ids, self.cache.get_many(ids), strict=True):
            if value is not None:
                assert self.store[i].version_arrived <= value <= self.store[i].version
                assert not self.store[i].deleted_arrived

    @rule()
    def everything_arrives(self) -> None:
        for tweet_id, tweet in sorted(self.store.items()):
            while tweet.events:
                self.tell(tweet_id, 1)

    # The promise.

    @rule(owner=OWNERS, below=CURSORS, limit=LIMITS)
    def read(self, owner: int, below: int | None, limit: int) -> None:
        self.judge(owner, below, limit, self.cache.read(owner, below, limit))

    def judge(self, owner: int, below: int | None, limit: int, reading: Reading[int]) -> None:
        lists = self.cache._lists
        ids = []
        if owner in lists.owners:
            at = lists.owners[owner]
            known = [lists.entries.ids[slot] for slot in lists.walk(at)]
            from_id = lists.complete_from[at]
            ids = [i for i in known if from_id <= i < (below or 1_000)][:limit]
            assert not ids or self.cache.ids_of(owner, below, limit) == ids
        assert [self.cache._lists.entries.values[lists.by_id[i]] for i in ids] == reading.values
        for i in ids:
            assert not self.store[i].deleted_arrived
            version = self.held(lists.by_id[i])
            assert self.store[i].version_arrived <= version <= self.store[i].version
        if reading.complete:
            down_to = ids[-1] if len(ids) == limit else 0
        else:
            down_to = reading.rest_below or 1_000
        must = {i for i, tweet in self.alive(owner).items() if tweet.posted_arrived}
        assert not {i for i in must if down_to <= i < (below or 1_000)} - set(ids)

    @invariant()
    def all_lists_keep_the_promise(self) -> None:
        if not hasattr(self, "cache"):
            return
        self.cache.check()
        lists = self.cache._lists  # not by `read`: that would mark all owners as used
        for owner, at in lists.owners.items():
            held = {lists.entries.ids[slot] for slot in lists.walk(at)}
            must = {i for i, tweet in self.alive(owner).items() if tweet.posted_arrived}
            assert not {i for i in must if i >= lists.complete_from[at]} - held
        for i, slot in lists.by_id.items():
            assert not self.store[i].deleted_arrived
            assert self.held(slot) >= self.store[i].version_arrived


CacheBesideStore.TestCase.settings = settings(
    max_examples=400, stateful_step_count=60, deadline=None
)
TestCacheBesideStore = CacheBesideStore.TestCase
