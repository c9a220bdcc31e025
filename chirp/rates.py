"""Rates: how many in how long, as settings write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate limit: how many in how long, written `900/15m`. A count of 0 is no limit.

    >>> Rate.parse("900/15m"), str(Rate(5, 3600)), str(Rate.parse("0"))
    (Rate(most=900, window_s=900), '5/1h', '0')
    """

    most: int
    window_s: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the rate that `text` writes. Raises: ValueError."""
        found = re.fullmatch(r"(\d{1,9})/(\d{0,6})([smh])|0", text.strip())
        if found is None:
            raise ValueError(text)
        if found[3] is None:
            return cls(0, 1)
        window_s = int(found[2] or 1) * {"s": 1, "m": 60, "h": 3600}[found[3]]
        if not window_s:
            raise ValueError(text)
        return cls(int(found[1]), window_s)

    def __str__(self) -> str:
        """Return the rate as it is written."""
        if not self.most:
            return "0"
        for unit, seconds in (("h", 3600), ("m", 60)):
            if self.window_s % seconds == 0:
                return f"{self.most}/{self.window_s // seconds}{unit}"
        return f"{self.most}/{self.window_s}s"
