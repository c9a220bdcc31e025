"""A run as one HTML page that needs nothing else: a table, and plots as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log10

from chirp.load.capacity import Capacity
from chirp.load.report import QUANTILES, Result, rows, server_lines

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 220, 52, 26
_STYLE = """
:root { color-scheme: light dark; --ink: #14171a; --dim: #5b6b78; --line: #d8dee3; --sky: #1673c7;
  --rose: #b3245c; --ground: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecef; --dim: #9aa8b4; --line: #2d3741;
  --sky: #62b0f5; --rose: #f37ba6; --ground: #12181d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { color: var(--dim); margin: .25rem 0; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } .all tr:last-child { font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--dim); }
.grid { stroke: var(--line); } .one { stroke: var(--sky); } .two { stroke: var(--rose); }
path { fill: none; stroke-width: 2; } .dot { fill: var(--sky); } .not { fill: var(--rose); }
"""

Points = Sequence[tuple[float, float]]


def page(result: Result) -> str:
    """Return the page."""
    plan, outcome = result.plan, result.outcome
    kind = f"{plan.rate:,.0f} requests a second, due at fixed times" if plan.rate else "closed loop"
    answered = [(float(s), float(n)) for s, n in enumerate(outcome.answered)]
    slowest = [(float(s), us / 1000) for s, us in enumerate(outcome.slowest_us)]
    name = escape(plan.mix)
    words = (
        f"{kind} · {plan.connections} connections · {plan.processes} load processes · "
        f"{plan.seconds:g} s after {plan.warmup_s:g} s of warm-up · seed {plan.seed} · "
        f"{result.at:%Y-%m-%d %H:%M} UTC"
    )
    return "".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>chirp bench: {name}',
            '</title><meta name="viewport" content="width=device-width">',
            f"<style>{_STYLE}</style><h1>chirp bench: {name}</h1><p>{words}</p>",
            _table(result),
            "<h2>Latency by percentile</h2>",
            _plot(_percentiles(result), "percentile", "ms", ticks=_PERCENTS),
            "<h2>Answers a second</h2>",
            _plot(answered, "second", "answers"),
            "<h2>Slowest answer in each second</h2>",
            _plot(slowest, "second", "ms", "two"),
            "" if result.capacity is None else _capacity(result.capacity),
            _server(result),
            "</html>\n",
        ]
    )


def _table(result: Result) -> str:
    heads = ["operation", "answers", "a second", *(f"{name} ms" for name in (*QUANTILES, "max"))]
    body = [
        [name, f"{count:,}", f"{per_s:,.0f}", *(f"{ms:,.2f}" for ms in times.values()), f"{errors}"]
        for name, count, per_s, times, errors in rows(result.outcome)
    ]
    return _html_table([*heads, "errors"], body, "all")


def _html_table(heads: Sequence[str], body: Sequence[Sequence[str]], kind: str = "") -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in line) for line in body]
    rows_ = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide {kind}"><table><tr>{head}</tr>{rows_}</table></div>'


_PERCENTS = {0.0: "0", 1.0: "90", 2.0: "99", 3.0: "99.9", 4.0: "99.99"}
"""Where a percentile stands: each step leaves a tenth of those before."""


def _percentiles(result: Result) -> list[tuple[float, float]]:
    whole, seen = result.outcome.whole, 0
    found = []
    for us, count in whole.buckets():
        seen += count
        left = 1 - seen / whole.count
        found.append((-log10(left) if left > 0 else log10(whole.count), us / 1000))
    return found


def _capacity(capacity: Capacity) -> str:
    tried = sorted((one.rate, one.p99_ms) for one in capacity.tries if one.rate)
    marks = {(one.rate, one.p99_ms): one.borne for one in capacity.tries}
    words = (
        f"<h2>Capacity: {capacity.rate:,.0f} requests a second</h2><p>the greatest rate tried at "
        f"which the 99th percentile stays within {capacity.bound_ms:g} ms, nothing fails and the "
        "server keeps up; what was not borne is red</p>"
    )
    return words + _plot(tried, "requests a second", "p99 ms", marks=marks)


def _server(result: Result) -> str:
    lines = server_lines(result)
    if not lines:
        return ""
    return "<h2>What the server says of itself</h2>" + _html_table(["figure", "value"], lines)


def _plot(
    points: Points,
    x_name: str,
    y_name: str,
    kind: str = "one",
    *,
    ticks: dict[float, str] | None = None,
    marks: dict[tuple[float, float], bool] | None = None,
) -> str:
    """Return a plot of one line, readable as a sentence; `marks` are dots, red where False."""
    if len(points) < 2:
        return "<p>too short to plot</p>"
    right = max(x for x, _ in points) or 1.0
    top = max(y for _, y in points) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + x / right * (_WIDTH - _LEFT - 8)
        return round(across, 1), round(8 + (1 - y / top) * (_HEIGHT - _BOTTOM - 8), 1)

    path = "M" + " L".join("{},{}".format(*place(x, y)) for x, y in points)
    label = f"{y_name} by {x_name}, up to {top:,.4g} {y_name}"
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">']
    for share in (0.0, 0.5, 1.0):
        y = place(0, top * share)[1]
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="4" y="{y + 4}">{top * share:,.4g}</text>')
    x_end = x_name if ticks else f"{right:,.4g} {x_name}"
    shown = ticks or {right * share: f"{right * share:,.4g}" for share in (0.0, 0.5)}
    for x, words in shown.items():
        if x <= right * 0.75:
            parts.append(
                f'<text x="{place(x, 0)[0]}" y="{_HEIGHT - 8}" text-anchor="middle">{words}</text>'
            )
    parts.append(f'<path class="{kind}" d="{path}"/>')
    for (x, y), good in (marks or {}).items():
        if x:
            cx, cy = place(x, y)
            parts.append(f'<circle class="{"dot" if good else "not"}" cx="{cx}" cy="{cy}" r="4"/>')
    parts.append(f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 8}" text-anchor="end">{x_end}</text>')
    return "".join([*parts, "</svg>"])
