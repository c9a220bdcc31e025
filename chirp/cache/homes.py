"""The newest tweet ids of each active viewer's home timeline, ready to be read.

A window is one array: `[complete_from, oldest id, ..., newest id]`. It holds all ids of the home
timeline at or above `complete_from` whose push has arrived or which its builder has seen; below,
the answer is merged from the followees' lists. Windows are unfiltered: policy filters on read. They
come into being by a build alone, never by a push, and a push below `complete_from` is ignored.

What the callers promise: `begin_build` comes before the builder's first read; a push or a removal
comes after what builders read shows it; those of one tweet come in order.

**graph_version.** Numbers come from one counter and are never used twice. A viewer has one as
soon as somebody asks; a bump forgets it, so that whoever asks next gets a new one. So forgetting
and bumping are the same, and forgetting for lack of room is always safe: whatever was keyed by the
old number, a build or a cached page, no longer matches. At worst it is made anew. Rejected: a
counter per viewer: forgotten, it would begin again at a number that old keys still carry.

Invariants:
  - a window is never empty: `complete_from` stands first, ids rise strictly after it;
  - `weight_bytes` is the sum over windows, and at most `budget_bytes` after every call;
  - at most `versions_kept` versions are remembered (about 200 B each, beside the budget);
  - an open build is registered for exactly its viewer.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import NamedTuple, Self

WINDOW_WEIGHT_BYTES = 240
"""What a window costs before its first id: the array and the ordered hash. Measured: 225."""

_ID_BYTES = 8
_LATE = 6
"""An id whose shard was slower is at most so many places late, nearly always."""


class HomeReading(NamedTuple):
    """What a window gave; when not `complete`, the rest is at ids below `rest_below`."""

    ids: list[int]
    complete: bool
    rest_below: int | None


class Build:
    """One builder's merge of one viewer's home timeline. Use it as a context."""

    def __init__(
        self,
        viewer: int,
        graph_version: int,
        install: Callable[[Build, list[int], int], bool],
        end: Callable[[Build], None],
    ) -> None:
        self.viewer = viewer
        self.graph_version = graph_version
        self.changes: dict[int, bool] = {}
        """What was pushed (True) or removed (False) since the build began."""
        self._install = install
        self._end = end
        self._ended = False

    def install(self, ids: Iterable[int], complete_from: int) -> bool:
        """Make these ids the viewer's window; return False when the graph has changed since.

        `ids`, in any order, are all of the timeline with an id at or above `complete_from`. What
        was pushed and removed during the build wins. O(n log n).
        Raises: RuntimeError when the build has ended already.
        """
        if self._ended:
            raise RuntimeError("this build has ended already")
        self.abandon()
        merged = set(ids)
        for tweet_id, present in self.changes.items():
            (merged.add if present else merged.discard)(tweet_id)
        return self._install(
            self, [an_id for an_id in merged if an_id >= complete_from], complete_from
        )

    def abandon(self) -> None:
        """End the build and install nothing. May be called again, and after `install`. O(1)."""
        if not self._ended:
            self._ended = True
            self._end(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abandon()


class HomeTimelines:
    """Windows of at least `keep` ids, by viewer; the least recently read viewers are evicted.

    >>> homes = HomeTimelines(budget_bytes=100_000)
    >>> with homes.begin_build(viewer=7) as build:
    ...     build.install([11, 12], complete_from=11)
    True
    >>> homes.push_all([7, 8, 9], 13)  # 8 and 9 are not active
    1
    >>> homes.read(7, below=None, limit=2)
    HomeReading(ids=[13, 12], complete=True, rest_below=None)
    >>> homes.read(7, below=12, limit=2)
    HomeReading(ids=[11], complete=False, rest_below=11)
    """

    def __init__(self, budget_bytes: int, *, keep: int = 800, versions_kept: int = 65_536) -> None:
        self.budget_bytes = budget_bytes
        self.keep = keep
        self.versions_kept = versions_kept
        # Trimmed once a quarter has come on top: 200 appends share the cost of one trim.
        self._longest = 1 + keep + max(1, keep // 4)
        self._windows: OrderedDict[int, array[int]] = OrderedDict()
        self._builds: dict[int, list[Build]] = {}
        self._versions: OrderedDict[int, int] = OrderedDict()
        self._last_version = 0
        self._weight_bytes = 0
        self._hits = self._partial_hits = self._misses = 0
        self._installed = self._refused = self._evictions = 0

    def __contains__(self, viewer: object) -> bool:
        """Return whether the viewer has a window. O(1)."""
        return viewer in self._windows

    def push(self, viewer: int, tweet_id: int) -> bool:
        """Insert an id, if the viewer has a window and it is absent; return whether it was.

        Builds of this viewer record it. O(1) for a new newest id, else O(window).
        """
        return self.push_all((viewer,), tweet_id) == 1

    def push_all(self, viewers: Iterable[int], tweet_id: int) -> int:
        """Insert an id for each viewer that has a window; return into how many. O(viewers).

        The innermost loop of fan-out: 0.05 µs a viewer without a window, 0.15 to 0.4 with one
        (the more viewers, the more of it waits for memory; bench/cache.py).
        """
        find, builds, longest = self._windows.get, self._builds, self._longest
        pushed = 0
        for viewer in viewers:
            if builds and viewer in builds:
                self._record(viewer, tweet_id, present=True)
            ids = find(viewer)
            if ids is None:
                continue
            if ids[-1] < tweet_id:
                ids.append(tweet_id)
                pushed += 1
            else:
                pushed += self._insert(ids, tweet_id)
            if len(ids) > longest:
                self._trim(ids)
        self._weight_bytes += pushed * _ID_BYTES
        self._evict()
        return pushed

    def _record(self, viewer: int, tweet_id: int, *, present: bool) -> None:
        for build in self._builds.get(viewer, ()):
            build.changes[tweet_id] = present

    @staticmethod
    def _insert(ids: array[int], tweet_id: int) -> bool:
        """Insert an id that is not the newest, only if absent and above the lower end."""
        # It comes a little late, from another shard: its place is among the last few.
        near = len(ids) - _LATE
        at = bisect_left(ids, tweet_id, near if near > 1 and ids[near] < tweet_id else 1)
        if tweet_id < ids[0] or (at < len(ids) and ids[at] == tweet_id):
            return False
        ids.insert(at, tweet_id)
        return True

    def _trim(self, ids: array[int]) -> None:
        surplus = len(ids) - 1 - self.keep
        if surplus > 0:
            ids[0] = ids[surplus] + 1
            del ids[1 : surplus + 1]
            self._weight_bytes -= surplus * _ID_BYTES

    def remove(self, viewer: int, tweet_id: int) -> bool:
        """Remove an id from the viewer's window; return whether it was there.

        Builds of this viewer will not bring it back. A window that removals have emptied to half
        of `keep` is dropped, unless there is nothing below it: it would send every page to a
        merge, and the next reader fills it anew. O(window).
        """
        self._record(viewer, tweet_id, present=False)
        ids = self._windows.get(viewer)
        if ids is None:
            return False
        at = bisect_left(ids, tweet_id, 1)
        if at == len(ids) or ids[at] != tweet_id:
            return False
        del ids[at]
        self._weight_bytes -= _ID_BYTES
        if ids[0] and len(ids) - 1 <= self.keep // 2:
            self.drop(viewer)
        return True

    def read(
        self, viewer: int, below: int | None, limit: int, *, above: int = 0
    ) -> HomeReading | None:
        """Return the newest `limit` ids with `above < id < below`, newest first; None: no window.

        `above` is a since_id: a page that reaches down to it is complete. O(log window + limit).
        """
        ids = self._used(viewer)
        if ids is None:
            return None
        end = len(ids) if below is None else bisect_left(ids, below, 1)
        start = max(bisect_right(ids, above, 1), end - limit)
        page = ids[start:end].tolist()
        page.reverse()
        complete = len(page) == limit or above + 1 >= ids[0]
        rest_below = ids[0] if below is None else min(below, ids[0])
        return self._counted(page, rest_below, complete=complete)

    def newest(self, viewer: int, below: int, limit: int) -> list[int] | None:
        """Return what `read` gives where that is complete, at a third of its time; else None."""
        ids = self._windows.get(viewer)
        if ids is None:
            return None
        end = len(ids) if ids[-1] < below else bisect_left(ids, below, 1)
        if end <= limit and ids[0] > 1:
            return None
        self._windows.move_to_end(viewer)
        self._hits += 1
        page = ids[max(1, end - limit) : end].tolist()
        page.reverse()
        return page

    def read_above(
        self, viewer: int, above: int, limit: int, *, below: int | None = None
    ) -> HomeReading | None:
        """Return the oldest `limit` ids with `above < id < below`, oldest first; None: no window.

        The page directly above a min_id. Where the window does not reach down to that, nothing
        is known of this page: no ids, not complete. O(log window + limit).
        """
        ids = self._used(viewer)
        if ids is None:
            return None
        if above + 1 < ids[0]:
            return self._counted([], below, complete=False)
        start = bisect_right(ids, above, 1)
        end = len(ids) if below is None else bisect_left(ids, below, 1)
        return self._counted(ids[start : min(end, start + limit)].tolist(), None, complete=True)

    def _used(self, viewer: int) -> array[int] | None:
        ids = self._windows.get(viewer)
        if ids is None:
            self._misses += 1
        else:
            self._windows.move_to_end(viewer)
        return ids

    def _counted(self, ids: list[int], rest_below: int | None, *, complete: bool) -> HomeReading:
        if complete:
            self._hits += 1
            return HomeReading(ids, complete=True, rest_below=None)
        if ids:
            self._partial_hits += 1
        else:
            self._misses += 1
        return HomeReading(ids, complete=False, rest_below=rest_below)

    def drop(self, viewer: int) -> None:
        """Forget the viewer's window; the version stays, and builds go on. O(1)."""
        ids = self._windows.pop(viewer, None)
        if ids is not None:
            self._weight_bytes -= WINDOW_WEIGHT_BYTES + len(ids) * _ID_BYTES

    def graph_version(self, viewer: int) -> int:
        """Return the number of the viewer's graph: another one after each `bump`. O(1)."""
        version = self._versions.get(viewer)
        if version is None:
            self._last_version += 1
            version = self._versions[viewer] = self._last_version
            if len(self._versions) > self.versions_kept:
                self._versions.popitem(last=False)
        else:
            self._versions.move_to_end(viewer)
        return version

    def bump(self, viewer: int) -> None:
        """Void all that was made of the viewer's graph: window, builds, version. O(1)."""
        self._versions.pop(viewer, None)
        self.drop(viewer)

    def begin_build(self, viewer: int) -> Build:
        """Register a build. Call it before its first read, of followees or tweets. O(1)."""
        build = Build(viewer, self.graph_version(viewer), self._install, self._end_build)
        self._builds.setdefault(viewer, []).append(build)
        return build

    def _end_build(self, build: Build) -> None:
        builds = self._builds[build.viewer]
        builds.remove(build)
        if not builds:
            del self._builds[build.viewer]

    def _install(self, build: Build, ids: list[int], complete_from: int) -> bool:
        viewer = build.viewer
        if self._versions.get(viewer) != build.graph_version:
            self._refused += 1
            return False
        old = self._windows.get(viewer)
        if old is not None:
            # Of an overlapping build. Both tell the truth; the lower one of the ends holds.
            complete_from = min(complete_from, old[0])
            ids = list(set(ids).union(old[1:]))
        self.drop(viewer)
        window = array("q", [complete_from])
        window.extend(sorted(ids))
        self._windows[viewer] = window  # at the end: used last
        self._weight_bytes += WINDOW_WEIGHT_BYTES + len(window) * _ID_BYTES
        self._installed += 1
        self._trim(window)
        self._evict()
        return True

    def _evict(self) -> None:
        while self._weight_bytes > self.budget_bytes:
            self.drop(next(iter(self._windows)))
            self._evictions += 1

    def stats(self) -> dict[str, int]:
        """Return sizes and counts. O(1)."""
        return {
            "viewers": len(self._windows),
            "weight_bytes": self._weight_bytes,
            "budget_bytes": self.budget_bytes,
            "hits": self._hits,
            "partial_hits": self._partial_hits,
            "misses": self._misses,
            "builds": self._installed,
            "refused_builds": self._refused,
            "evictions": self._evictions,
            "open_builds": sum(map(len, self._builds.values())),
            "versions": len(self._versions),
        }

    def check(self) -> None:
        """Assert the invariants. O(all)."""
        weight_bytes = 0
        for ids in self._windows.values():
            held = ids[1:].tolist()
            assert held == sorted(set(held)), "ids rise"
            assert not held or held[0] >= ids[0]
            assert len(ids) <= self._longest
            weight_bytes += WINDOW_WEIGHT_BYTES + len(ids) * _ID_BYTES
        assert self._weight_bytes == weight_bytes <= self.budget_bytes
        assert len(self._versions) <= self.versions_kept
        assert all(version <= self._last_version for version in self._versions.values())
        for viewer, builds in self._builds.items():
            assert builds
            assert all(build.viewer == viewer for build in builds)
