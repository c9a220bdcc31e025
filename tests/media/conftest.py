"""A workshop, and what must hold after each test of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chirp.media.limits import MediaLimits
from chirp.media.results import Processed
from chirp.media.workshop import Workshop

SMALL = MediaLimits(
    max_pixels=4_000_000, max_frames=300, max_video_s=20, memory_mb=700, cpu_s=20, photo_cpu_s=10
)


class Bench:
    """A workshop, a folder for what it makes, and bytes as files."""

    def __init__(self, tmp_path: Path, limits: MediaLimits = SMALL) -> None:
        self.shop = Workshop(limits)
        self.folder = tmp_path / "made"
        self.folder.mkdir(exist_ok=True)
        self.source = tmp_path / "source.bin"

    async def process(self, data: bytes) -> Processed:
        self.source.write_bytes(data)
        return await self.shop.process(self.source, self.folder)

    def left(self) -> list[str]:
        """The names in the folder."""
        return sorted(path.name for path in self.folder.iterdir())


def children() -> set[int]:
    """Processes of this one that run or were not reaped."""
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _parent_of(entry.name) == os.getpid()
    }


def _parent_of(pid: str) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench with small limits; no test may leave a process behind."""
    before = children()
    bench = Bench(tmp_path)
    yield bench
    await bench.shop.close()
    assert children() <= before
