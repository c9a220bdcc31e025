"""What a run is told, and what comes of it; both cross processes as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from chirp.load.histogram import Histogram, merged
from chirp.load.mixes import Operation

WITHIN_S = 10.0
"""A request that has no answer for so long is an error, and its connection is given up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    `rate`: requests a second, sent when they are due (open loop); 0: as fast as answers come
    (closed loop). `skew`: 0 chooses people uniformly, 1 by Zipf's law.
    """

    url: str
    mix: str = "requirements"
    rate: float = 0.0
    seconds: float = 10.0
    warmup_s: float = 2.0
    connections: int = 32
    processes: int = 1
    skew: float = 0.0
    seed: int = 1

    def share(self, number: int) -> Plan:
        """Return what one process of several does."""
        fields = asdict(self) | {
            "rate": self.rate / self.processes,
            "connections": max(1, -(-self.connections // self.processes)),
        }
        assert 0 <= number < self.processes
        return Plan(**fields)


@dataclass(slots=True)
class Outcome:
    """What was measured: times by operation in µs, errors by operation and kind, and by second.

    `answered` and `slowest_us`: answers in each second after the warm-up, and the slowest of them.
    `late_us`: how long after it was due the generator sent a request, at the most.
    """

    seconds: float = 0.0
    times: dict[Operation, Histogram] = field(default_factory=dict)
    errors: dict[Operation, Counter[str]] = field(default_factory=dict)
    answered: list[int] = field(default_factory=list)
    slowest_us: list[int] = field(default_factory=list)
    late_us: int = 0
    unsent: int = 0

    @property
    def whole(self) -> Histogram:
        """Return the times of all operations."""
        return merged(self.times.values())

    @property
    def error_count(self) -> int:
        """Return how many requests had no good answer; those never sent are among them."""
        return sum(counts.total() for counts in self.errors.values()) + self.unsent

    @property
    def per_s(self) -> float:
        """Return good answers a second."""
        return self.whole.count / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return {
            "seconds": self.seconds,
            "times": {name.value: one.as_json() for name, one in self.times.items()},
            "errors": {name.value: dict(one) for name, one in self.errors.items()},
            "answered": self.answered,
            "slowest_us": self.slowest_us,
            "late_us": self.late_us,
            "unsent": self.unsent,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Outcome:
        """Return what `as_json` was made of."""
        return cls(
            fields["seconds"],
            {Operation(n): Histogram.from_json(one) for n, one in fields["times"].items()},
            {Operation(n): Counter(one) for n, one in fields["errors"].items()},
            fields["answered"],
            fields["slowest_us"],
            fields["late_us"],
            fields["unsent"],
        )


def joined(parts: Iterable[Outcome]) -> Outcome:
    """Return one outcome of those of several processes that ran at once."""
    whole = Outcome()
    for part in parts:
        whole.seconds = max(whole.seconds, part.seconds)
        whole.late_us = max(whole.late_us, part.late_us)
        whole.unsent += part.unsent
        for operation, times in part.times.items():
            whole.times.setdefault(operation, Histogram()).merge(times)
        for operation, errors in part.errors.items():
            whole.errors.setdefault(operation, Counter()).update(errors)
        longest = max(len(whole.answered), len(part.answered))
        whole.answered = [a + b for a, b in zip(*_padded(whole.answered, part.answered, longest),
                                                strict=True)]  # fmt: skip
        whole.slowest_us = list(map(max, *_padded(whole.slowest_us, part.slowest_us, longest)))
    return whole


def _padded(first: list[int], second: list[int], length: int) -> tuple[list[int], list[int]]:
    one, other = ([*values, *[0] * (length - len(values))] for values in (first, second))
    return one, other
