"""Rate limits: token buckets by key, account, address and named login (R36, R44, R109, R127).

A bucket holds `most` tokens, a request takes one, and they come back evenly, one each
`window_s / most` seconds: nobody gets more than twice `most` in any `window_s`. What is kept of a
bucket is one number, the moment at which it will be full again; that says how many tokens are in
it (the "generic cell rate algorithm" of ATM networks, ITU-T I.371).

Invariants:
- A refused request takes nothing.
- At most `MOST_HOLDERS` buckets a group; a full one need not be kept. Beyond, those unused longest
  are forgotten: their holders begin anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import fields
from math import ceil

from chirp.config import Limits
from chirp.errors import RateLimited
from chirp.rates import Rate

MOST_HOLDERS = 65_536
"""About 150 B each."""

_NO_TIME_S = 1e-6
"""Added numbers with fractions are not exact; this is less than any bucket's interval."""


class Buckets:
    """The buckets of one group, by holder. Every method is O(1), save `check`.

    >>> buckets = Buckets("reads", Rate(2, 10))
    >>> buckets.take("ada", now_s=0.0), buckets.take("ada", now_s=0.0)
    (5.0, 10.0)
    >>> buckets.remaining(10.0)
    0
    >>> buckets.take("ada", now_s=0.0)
    Traceback (most recent call last):
    chirp.errors.RateLimited: more than 2 reads in 10 s
    >>> buckets.take("ada", now_s=5.0)
    10.0
    """

    def __init__(self, group: str, rate: Rate, *, most_holders: int = MOST_HOLDERS) -> None:
        self.group = group
        self.rate = rate
        self.limit_text = str(rate.most)
        self._interval_s = rate.window_s / rate.most
        self._room_s = rate.window_s + _NO_TIME_S
        self._most_holders = most_holders
        self._full_at_s: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets are kept."""
        return len(self._full_at_s)

    def take(self, holder: Hashable, now_s: float) -> float:
        """Take a token; return in how many seconds the bucket is full. Raises: RateLimited."""
        kept = self._full_at_s
        full_at_s = kept.get(holder)
        if full_at_s is None:
            self._make_room(now_s)
            full_at_s = now_s
        elif full_at_s < now_s:
            full_at_s = now_s
        full_at_s += self._interval_s
        full_in_s = full_at_s - now_s
        if full_in_s > self._room_s:
            kept.move_to_end(holder)
            raise self._refusal(full_in_s - self.rate.window_s)
        kept[holder] = full_at_s
        kept.move_to_end(holder)
        return full_in_s

    def give_back(self, holder: Hashable) -> None:
        """Undo a take: it turned out to be somebody else's."""
        if holder in self._full_at_s:
            self._full_at_s[holder] -= self._interval_s

    def remaining(self, full_in_s: float) -> int:
        """Return how many tokens are in a bucket that is full in so many seconds."""
        return int((self._room_s - full_in_s) / self._interval_s)

    def _refusal(self, wait_s: float) -> RateLimited:
        rate, name = self.rate, self.group.replace("_", " ")
        message = f"more than {rate.most} {name} in {rate.window_s} s"
        return RateLimited(message, retry_after_s=max(1, ceil(wait_s)))

    def _make_room(self, now_s: float) -> None:
        """Forget the two least recently used buckets if they are full; one, if there is no room.

        Two for each new one: so what is kept shrinks to those who are active.
        """
        kept = self._full_at_s
        for _ in range(min(2, len(kept))):
            oldest = next(iter(kept))
            if kept[oldest] > now_s and len(kept) < self._most_holders:
                return
            del kept[oldest]

    def check(self) -> None:
        """Assert the invariants. O(holders)."""
        assert len(self._full_at_s) <= self._most_holders


class Limiter:
    """The buckets of all groups, by the settings. A group that is switched off is None."""

    def __init__(self, limits: Limits) -> None:
        self.factor = limits.factor
        self._by_group: dict[str, Buckets] = {}
        for field in fields(limits):
            rate = getattr(limits, field.name)
            if isinstance(rate, Rate):
                self._add(field.name, _scaled(rate, field.default, limits.factor))
        self._by_key: dict[str, Buckets] = {}
        share = limits.account_percent / 100
        for group in ("reads", "writes", "posts", "uploads"):
            self._split(group, share)

    def _add(self, group: str, rate: Rate) -> None:
        if rate.most:
            self._by_group[group] = Buckets(group, rate)

    def _split(self, group: str, share: float) -> None:
        """Give each key a bucket beside the account's, where that is not one and the same.

        What a key may do is never less than what its account may do: no second look is needed.
        """
        whole = self._by_group.get(group)
        if whole is not None and share != 1:
            self._by_key[group] = whole
            rate = Rate(max(1, round(whole.rate.most * share)), whole.rate.window_s)
            self._by_group[group] = Buckets(group, rate)

    def of(self, group: str) -> Buckets | None:
        """Return the buckets of a group, by account or by address; None without a limit."""
        return self._by_group.get(group)

    def of_keys(self, group: str) -> Buckets | None:
        """Return the buckets of a group by key; None where the account's say it all."""
        return self._by_key.get(group)

    def stats(self) -> dict[str, int]:
        """Return how many buckets are kept, by group."""
        return {group: len(buckets) for group, buckets in self._by_group.items()}

    def words(self) -> str | None:
        """Say what an operator should know when the server starts; None: nothing unusual."""
        if not self._by_group:
            return "rate limits are off"
        return None if self.factor == 1 else f"rate limits are multiplied by {self.factor:g}"


def _scaled(rate: Rate, default: object, factor: float) -> Rate:
    """Return the rate that holds: the factor is for defaults, and 0 for everything."""
    if not factor:
        return Rate(0, rate.window_s)
    if rate != default:
        return rate
    return Rate(max(1, round(rate.most * factor)), rate.window_s)
