"""A gate that many scans pass at once, and that who moves the map shuts: a shared lock.

Invariants:
- While the gate is shut, nobody is inside; while anybody is inside, it is not shut.
- Who wants to shut it goes first: no scan enters any more, and those inside are of bounded length,
  so that the wait is too, however many scans queue up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ScanGate:
    """Lets scans of one shard run side by side, but not beside a change of its map.

    >>> gate = ScanGate()
    >>> with gate.passing(), gate.passing():
    ...     gate.inside
    2
    >>> with gate.shut():
    ...     gate.inside
    0
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_shut = False
        self.inside = 0
        """How many scans run now."""

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Run a scan; waits while the gate is shut or about to be. Not to be nested in threads."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_shut)
            self.inside += 1
        try:
            yield
        finally:
            with self._changed:
                self.inside -= 1
                self._changed.notify_all()

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Wait until nobody is inside, and let nobody in. Blocks the caller's thread meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_shut)
            self._is_shut = True
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self.inside)
            yield
        finally:
            # Also when the wait was interrupted: a gate left shut would stop all scans for ever.
            with self._changed:
                self._is_shut = False
                self._changed.notify_all()
