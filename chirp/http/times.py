"""Times as programs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from chirp.model import UnixMs


def render_time(at: UnixMs | None) -> str | None:
    """Return RFC 3339 UTC with milliseconds.

    >>> render_time(UnixMs(1_483_228_800_001))
    '2017-01-01T00:00:00.001Z'
    """
    if at is None:
        return None
    return f"{_second(at // 1000)}.{at % 1000:03}Z"


@lru_cache(1024)
def _second(at_s: int) -> str:
    # isoformat is written in C: strftime took 3 % of a post.
    return datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None).isoformat()
