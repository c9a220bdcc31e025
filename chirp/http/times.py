"""Times as programs write them."""

from __future__ import annotations

from datetime import UTC, datetime

from chirp.model import UnixMs


def render_time(at: UnixMs | None) -> str | None:
    """Return RFC 3339 UTC with milliseconds.

    >>> render_time(UnixMs(1_483_228_800_001))
    '2017-01-01T00:00:00.001Z'
    """
    if at is None:
        return None
    # isoformat is written in C: strftime took 3 % of a post.
    moment = datetime.fromtimestamp(at // 1000, UTC).replace(tzinfo=None)
    return f"{moment.isoformat()}.{at % 1000:03}Z"
