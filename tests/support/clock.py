"""A clock that stands still, and whose sleepers wait until the test lets time pass."""

from __future__ import annotations

import asyncio

from chirp.clock import ManualClock
from chirp.model import UnixMs

NOON = UnixMs(1_795_424_400_000)
"""2026-11-23T09:00:00Z."""

SHORT_S = 0.1


class FixedClock(ManualClock):
    """Stands at NOON. Waits for the next tick of the ids pass at once; longer ones do not.

    Keepers that sleep for seconds would spin on a clock that advances by itself.
    """

    def __init__(self, now_ms: UnixMs = NOON) -> None:
        super().__init__(now_ms)
        self._moved: list[asyncio.Future[None]] = []

    def advance_ms(self, ms: int) -> None:
        """Let time pass, and wake whoever waited for it."""
        super().advance_ms(ms)
        moved, self._moved = self._moved, []
        for future in moved:
            if not future.done() and not future.get_loop().is_closed():
                future.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced by `seconds`."""
        if seconds < SHORT_S:
            await super().sleep(seconds)
            return
        until_s = self.monotonic_s() + seconds
        while self.monotonic_s() < until_s - 1e-9:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._moved.append(future)
            await future
