"""Time as an argument: what the clock says, how long something took, and waiting."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from chirp.model import UnixMs


class Clock(Protocol):
    """Where time comes from. Nothing else in Chirp asks the operating system."""

    def now_ms(self) -> UnixMs:
        """Return Unix time in milliseconds; it may step back when the operator sets it."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since some start; never steps back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, letting other tasks run."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> UnixMs:
        """Return Unix time in milliseconds."""
        return UnixMs(time.time_ns() // 1_000_000)

    def monotonic_s(self) -> float:
        """Return the machine's monotonic clock, in seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is told otherwise: for tests and for the demo's past.

    >>> clock = ManualClock(UnixMs(1_000))
    >>> clock.advance_ms(500)
    >>> clock.now_ms()
    1500
    """

    def __init__(self, now_ms: UnixMs) -> None:
        self._now_ms = now_ms
        self._monotonic_s = 0.0

    def now_ms(self) -> UnixMs:
        """Return the time that was last set, in milliseconds."""
        return self._now_ms

    def monotonic_s(self) -> float:
        """Return the seconds that this clock was advanced by; `set_ms` does not move it."""
        return self._monotonic_s

    def set_ms(self, now_ms: UnixMs) -> None:
        """Set the time, as an operator would: forward or back."""
        self._now_ms = now_ms

    def advance_ms(self, ms: int) -> None:
        """Let time pass on both clocks."""
        self._now_ms = UnixMs(self._now_ms + ms)
        self._monotonic_s += ms / 1000

    async def sleep(self, seconds: float) -> None:
        """Advance by `seconds` at once, and let other tasks run."""
        self.advance_ms(max(1, round(seconds * 1000)))
        await asyncio.sleep(0)
