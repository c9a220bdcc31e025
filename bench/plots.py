"""Draws what stands in bench/results as the pictures of docs/performance.md: bars, as SVG."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.harness import RESULTS

IMAGES = Path(__file__).parents[1] / "docs" / "images"
_WIDTH, _LEFT, _LINE = 720, 300, 26
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#14171a}.s{fill:#5b6b78}rect{fill:#1673c7}"
    ".r{fill:#9aa8b4}@media(prefers-color-scheme:dark){text{fill:#e8ecef}.s{fill:#9aa8b4}"
    "rect{fill:#62b0f5}.r{fill:#5b6b78}}"
)

Bar = tuple[str, float, bool]
"""Words, a value, and whether it is what the others are compared with."""


def bars(title: str, unit: str, values: Sequence[Bar]) -> str:
    """Return bars as an SVG that can be read aloud."""
    top = max(value for _, value, _ in values)
    height = _LINE * (len(values) + 1) + 8
    said = "; ".join(f"{name} {_short(value)} {unit}" for name, value, _ in values)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
            f'aria-label="{escape(f"{title}: {said}")}"><style>{_STYLE}</style>'
        ),
        f'<text x="0" y="18" font-weight="600">{escape(title)}, {escape(unit)}</text>',
    ]
    for number, (name, value, other) in enumerate(values, start=1):
        y, width = number * _LINE + 6, value / top * (_WIDTH - _LEFT - 80)
        kind = ' class="r"' if other else ""
        parts.append(f'<text class="s" x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">'
                     f"{escape(name)}</text>")  # fmt: skip
        parts.append(f'<rect{kind} x="{_LEFT}" y="{y}" width="{max(1, width):.1f}" height="18"/>')
        parts.append(f'<text x="{_LEFT + width + 6:.1f}" y="{y + 14}">{_short(value)}</text>')
    return "".join([*parts, "</svg>\n"])


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def rows_of(name: str) -> dict[str, float]:
    """Return the figures of a result by what they are."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return {row["what"]: row["result"] for row in found["rows"]}


def pictures() -> dict[str, str]:
    """Return every picture by its name."""
    page, scale, mixed, cache = map(rows_of, ("page", "scale", "mixed", "cache"))
    pages = [
        ("bare aiohttp handler, same bytes", page["bare aiohttp handler"], True),
        ("home timeline, unchanged", page["home timeline, hit"], False),
        ("home timeline, renewed", page["home timeline, renewed"], False),
        ("home timeline, made from the ground", page["home timeline, forced miss"], False),
    ]
    cold = re.compile(r"cold page, p99, files dropped, (.*)")
    colds = [(m[1], ms, False) for what, ms in scale.items() if (m := cold.fullmatch(what))]
    home = re.compile(r"home timeline p99 at (\d+ %) of capacity")
    steps = [(m[1], ms, False) for what, ms in mixed.items() if (m := home.fullmatch(what))]
    hits = re.compile(r"hits by author, (.* %) of all, (.*)")
    ratios = [
        (f"{m[1]} kept: {m[2]}", value, m[2] != "linked lists")
        for what, value in cache.items()
        if (m := hits.fullmatch(what))
    ]
    return {
        "bench-pages": bars("Pages a second on one core", "pages/s", pages),
        "bench-cold": bars("A home page after a restart, files dropped, p99", "ms", colds),
        "bench-mixed": bars("Home timeline under the mix, p99 by share of capacity", "ms", steps),
        "bench-hits": bars("Reads that the tweet cache answers", "%", ratios),
    }


def main() -> None:
    """Write the pictures."""
    for name, picture in pictures().items():
        (IMAGES / f"{name}.svg").write_text(picture, encoding="utf-8")
        print(f"docs/images/{name}.svg")


if __name__ == "__main__":
    main()
