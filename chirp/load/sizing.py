"""How far measured figures reach: people and tweets on this machine, machines for the whole.

The whole is what Chirp was asked to bear (R22 to R32). Everything else is measured: the rate by
`chirp bench --mix requirements --capacity`, the bytes by the tables of a store. Copies for when a
machine fails, and machines for the media, are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

DAY_S = 86_400
DAYS_KEPT = 5 * 365
"""R29."""
ACTIVE = 200_000_000
"""R22: people who come each day."""
TWEETS_A_DAY = 100_000_000
"""R24."""
FAVORITES_A_DAY = 1_000_000_000
"""R25."""
PAGES_A_DAY = 1_400_000_000
"""R26: 200 million people times 7."""
PEAK = 3
"""R32: a million reads a second at the peak, 325,000 on average."""
LOAD = 0.7
"""How much of a machine's capacity is planned with."""

A_DAY = TWEETS_A_DAY + FAVORITES_A_DAY + PAGES_A_DAY


@dataclass(frozen=True, slots=True)
class Measured:
    """`per_s`: requests of the mix a second, within the bound. Bytes of one tweet and favorite."""

    per_s: float
    tweet_bytes: float
    favorite_bytes: float
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Sizing:
    """What follows. People are such as come each day.

    `machines_…`: None where a machine like this one bears nothing, so that no number would do.
    """

    people_by_load: int
    tweets_by_disk: int
    people_by_disk: int
    machines_by_load: int | None
    machines_by_disk: int | None

    @property
    def people(self) -> int:
        """Return how many people fit this machine."""
        return min(self.people_by_load, self.people_by_disk)

    @property
    def machines(self) -> int | None:
        """Return how many machines like this one the whole would need; None: no number would do."""
        if self.machines_by_load is None or self.machines_by_disk is None:
            return None
        return max(self.machines_by_load, self.machines_by_disk)


def sizing_of(measured: Measured) -> Sizing:
    """Return what the measured figures mean.

    >>> found = sizing_of(Measured(10_000, 250, 60, 10**12))
    >>> found.people_by_load, found.machines_by_load, found.machines_by_disk
    (16128000, 13, 156)
    """
    usable_per_s = measured.per_s * LOAD
    busy_day = usable_per_s * DAY_S / PEAK
    with_favorites = measured.tweet_bytes + measured.favorite_bytes * FAVORITES_A_DAY / TWEETS_A_DAY
    tweets = int(measured.free_bytes / with_favorites)
    whole_bytes = with_favorites * TWEETS_A_DAY * DAYS_KEPT
    return Sizing(
        people_by_load=int(busy_day / (A_DAY / ACTIVE)),
        tweets_by_disk=tweets,
        people_by_disk=int(tweets / (TWEETS_A_DAY / ACTIVE) / DAYS_KEPT),
        machines_by_load=ceil(A_DAY * PEAK / DAY_S / usable_per_s) if usable_per_s else None,
        machines_by_disk=ceil(whole_bytes / measured.free_bytes) if measured.free_bytes else None,
    )
