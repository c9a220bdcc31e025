"""Plots as SVG paths: drawn by the server, coloured by the styles, readable as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chirp.web.words import Words

WIDTH, HEIGHT = 300, 90


class Plot(NamedTuple):
    """A plot of one or two lines. Paths are for a box of WIDTH × HEIGHT."""

    title: str
    lines: list[str]
    area: str
    top: str
    last: str


def plot(title: str, series: Sequence[Sequence[float]], words: Words) -> Plot:
    """Return the plot of values that are evenly spaced in time, oldest first.

    >>> plot("x", [[0, 5, 10]], Words("en")).lines
    ['M0,90 L150,45 L300,0']
    """
    top = max([1.0, *(value for values in series for value in values)])
    lines = ["M" + " L".join(_points(values, top)) for values in series if len(values) > 1]
    area = f"{lines[0]} L{WIDTH},{HEIGHT} L0,{HEIGHT} Z" if lines else ""
    last = " / ".join(_short(values[-1], words) for values in series if values)
    return Plot(title, lines, area, _short(top, words), last)


def _points(values: Sequence[float], top: float) -> list[str]:
    step = WIDTH / max(1, len(values) - 1)
    return [
        f"{number * step:g},{HEIGHT - value / top * HEIGHT:.3g}"
        for number, value in enumerate(values)
    ]


def _short(value: float, words: Words) -> str:
    return words.short(round(value)) if value >= 10 else f"{value:.1f}"
