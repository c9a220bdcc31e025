"""What a soak looks at once a second: the process from outside, and its own figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bench.harness import quantile

Sample = Mapping[str, float]

_MIB = 1 << 20
_GROUPS = ("rows", "journal_lag", "tasks", "gateway", "streams", "limits", "storage", "ids")


class Sampler:
    """Takes samples; `samples` has them in order, each with the seconds `at` since the start."""

    def __init__(self, session: aiohttp.ClientSession, url: str, pid: int, data: Path) -> None:
        self._session = session
        self._url = url
        self._pid = pid
        self._data = data
        self._began_s = time.monotonic()
        self.samples: list[Sample] = []

    async def run(self, every_s: float) -> None:
        """Take samples for ever."""
        while True:
            await self.take()
            await asyncio.sleep(every_s)

    async def take(self) -> Sample:
        """Take one sample and keep it."""
        sample = {"at": time.monotonic() - self._began_s} | self._from_outside()
        sample |= await self._from_inside()
        self.samples.append(sample)
        return sample

    def _from_outside(self) -> dict[str, float]:
        process = Path(f"/proc/{self._pid}")
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
        status = dict(line.split(":", 1) for line in lines)
        shards = self._data.glob("shard-*.lmdb")
        return {
            # Pages of the store that the system has mapped are not the process's own memory.
            "memory own": int(status["RssAnon"].split()[0]) / 1024,
            "memory resident": int(status["VmRSS"].split()[0]) / 1024,
            "threads": float(status["Threads"]),
            "descriptors": float(len(list((process / "fd").iterdir()))),
            "shard files": sum(path.stat().st_blocks for path in shards) * 512 / _MIB,
        }

    async def _from_inside(self) -> dict[str, float]:
        began_s = time.monotonic()
        async with self._session.get(f"{self._url}/healthz") as answer:
            await answer.read()
        sample = {"latency": (time.monotonic() - began_s) * 1000}
        async with self._session.get(f"{self._url}/metrics") as answer:
            text = await answer.text()
        for family in text_string_to_metric_families(text):
            group = family.name.removeprefix("chirp_")
            for point in family.samples:
                what = point.labels.get("what")
                if group in _GROUPS and what:
                    sample[f"{group} {what}"] = point.value
                elif group.startswith("cache_") and what == "weight_bytes":
                    sample[f"cache {group.removeprefix('cache_')}"] = point.value / _MIB
                elif group.startswith("cache_") and what in {"open_loads", "open_builds"}:
                    sample[f"{group} {what}"] = point.value
        return sample


def level(samples: Sequence[Sample], name: str, begin: float, end: float) -> float:
    """Return the lower quartile of a figure between two parts of the time: peaks do not count."""
    part = samples[int(begin * len(samples)) : max(1, int(end * len(samples)))]
    return quantile([sample.get(name, 0.0) for sample in part], 0.25)
