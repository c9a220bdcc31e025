"""A short line for requests that are refused while the store stands still: at most one a second.

Why it stands still was logged when that happened. Whoever posts meanwhile would have that told
again with each try, and the log is on the disk that is full.
"""

from __future__ import annotations

import logging

from chirp.clock import Clock
from chirp.errors import ConsumerStopped, WritesStopped

log = logging.getLogger(__name__)

EVERY_S = 1.0


class RefusalLog:
    """Writes the lines. What it remembers is bounded by the number of shards and of consumers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_s: dict[str, float] = {}
        """When each reason may be logged again."""
        self._left_out: dict[str, int] = {}

    def write(self, error: Exception, request_id: str) -> bool:
        """Log why a request was refused, or count it; False: that is not a reason known before."""
        if not isinstance(error, WritesStopped | ConsumerStopped):
            return False
        why, now_s = str(error), self._clock.monotonic_s()
        if now_s < self._next_s.get(why, now_s):
            self._left_out[why] = self._left_out.get(why, 0) + 1
            return True
        self._next_s[why] = now_s + EVERY_S
        left_out = self._left_out.pop(why, 0)
        more = f"; so were {left_out} before it" if left_out else ""
        log.warning("request %s was refused: %s%s", request_id, why, more)
        return True
