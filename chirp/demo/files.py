"""Reads given graphs and tweets: plain or gzipped text, a line an edge or a tweet."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from chirp.commands import parse_content
from chirp.demo.community import Edge
from chirp.errors import ChirpError, Invalid


class FileProblem(ChirpError):
    """A given file cannot be used, in one line."""


class Graph(NamedTuple):
    """A given graph: the labels of its people, and edges between their places."""

    labels: list[str]
    edges: list[Edge]


class Texts(NamedTuple):
    """Given tweets, and how many lines were no valid tweets."""

    texts: list[str]
    skipped: int


def _lines(path: Path) -> Iterator[str]:
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        yield from (line.rstrip("\r") for line in raw.decode("utf-8").split("\n"))
    except (OSError, EOFError, zlib.error) as error:
        raise FileProblem(f"{path}: cannot be read ({error})") from error
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path}: not UTF-8 text") from error


def read_graph(path: Path) -> Graph:
    """Return the graph of an edge list: a line "A B" says that A follows B.

    Lines with # are comments; repeated edges and edges to oneself are dropped. People are placed
    by their labels, numbers in their order. Raises: FileProblem.
    """
    pairs: dict[tuple[str, str], None] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        ends = line.split()
        if len(ends) < 2 or not all(end.isalnum() and len(end) <= 14 for end in ends[:2]):
            raise FileProblem(f"{path}: line {number} is not an edge: {line[:40]!r}")
        if ends[0] != ends[1]:
            pairs[ends[0], ends[1]] = None
    labels = sorted({label for pair in pairs for label in pair}, key=_label_order)
    places = {label: place for place, label in enumerate(labels)}
    return Graph(labels, [(places[a], places[b]) for a, b in pairs])


def _label_order(label: str) -> tuple[int, int, str]:
    return (0, int(label), "") if label.isdecimal() else (1, 0, label)


def read_texts(path: Path, max_weight: int) -> Texts:
    """Return the lines that are valid tweets. Raises: FileProblem."""
    texts, skipped = [], 0
    for line in filter(None, _lines(path)):
        try:
            texts.append(parse_content(line, max_weight).text)
        except Invalid:
            skipped += 1
    return Texts(texts, skipped)
