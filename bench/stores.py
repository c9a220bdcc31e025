"""Stores with a given graph, for benches that need to know who follows whom."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def graph_store(people: int, edges: Sequence[tuple[int, int]]) -> Iterator[tuple[Path, list[str]]]:
    """Make a store of that graph; give its folder and the keys, in the order of the people.

    Everybody needs at least one edge: people are found by them.
    """
    folder = Path(tempfile.mkdtemp(prefix="chirp-bench-"))
    graph, keys, texts = folder / "graph.edges", folder / "keys.json", folder / "texts.txt"
    known = {end for edge in edges for end in edge}
    rest = [f"{number} {(number + 1) % people}" for number in range(people) if number not in known]
    graph.write_text("\n".join([f"{a} {b}" for a, b in edges] + rest), encoding="utf-8")
    texts.write_text("the first tweet\n", encoding="utf-8")
    words = [sys.executable, "-m", "chirp", "demo", str(folder / "data"), "--graph", str(graph)]
    words += ["--tweets", str(texts), "--keys-out", str(keys), "--days", "2", "--json"]
    try:
        subprocess.run(words, check=True, capture_output=True)
        by_name = json.loads(keys.read_text(encoding="utf-8"))
        yield folder / "data", [by_name[f"u{number}"] for number in range(people)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
