"""One HTML page about a soak, whole in itself: the verdict, and a plot for each kind of figure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.harness import Row
from bench.soak.sampling import Sample

WIDTH, HEIGHT, LEFT, BOTTOM = 360, 170, 46, 20
MOST_POINTS = 300
_COLORS = 8

PLOTS: tuple[tuple[str, str, str], ...] = (
    ("Memory", "MiB", "memory "),
    ("Caches", "MiB", "cache "),
    ("Open descriptors", "", "descriptors"),
    ("Threads", "", "threads"),
    ("Tasks", "", "tasks "),
    ("Connections", "", "gateway "),
    ("Streams open", "", "streams open"),
    ("Journal lag", "events", "journal_lag "),
    ("Shard files", "MiB", "shard files"),
    ("Latency of one cheap GET", "ms", "latency"),
    ("Rate limit buckets", "", "limits "),
    ("Rows", "rows", "rows "),
)
"""Title, unit, and how the names of its figures begin."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #66757f; --line: #dfe5ea; --paper: #fff;
  --good: #17724a; --bad: #b3261e; --s0: #1d70b8; --s1: #c4541a; --s2: #2e7d4f; --s3: #8e4ec6;
  --s4: #b8860b; --s5: #c2255c; --s6: #0b7285; --s7: #5c6770; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ecf0; --soft: #93a1ad; --line: #2c3640;
  --paper: #131a21; --good: #6fd3a3; --bad: #ff8f85; --s0: #6cb4f5; --s1: #f59a63; --s2: #74d09a;
  --s3: #c79bf2; --s4: #e3bd58; --s5: #f783ac; --s6: #66d9e8; --s7: #aab6c0; } }
* { box-sizing: border-box }
body { font: 16px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; padding: 1.2rem; max-width: 78rem }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1rem; margin: 0 0 .3rem }
.verdict { font-weight: 600; margin: .2rem 0 1.2rem } .good { color: var(--good) }
.bad { color: var(--bad) }
.plots { display: grid; gap: 1.4rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)) }
section { border-top: 1px solid var(--line); padding-top: .7rem; min-width: 0 }
svg { width: 100%; height: auto; display: block } svg text { fill: var(--soft); font-size: 11px }
path { fill: none; stroke-width: 1.5 } .grid { stroke: var(--line); stroke-width: 1 }
ul { list-style: none; margin: .3rem 0 0; padding: 0; font-size: .8rem; color: var(--soft) }
li { display: inline-block; margin-right: .8rem } li b { color: var(--ink); font-weight: 600 }
i { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin-right: .35em }
.table { overflow-x: auto; margin-top: 1.6rem }
table { border-collapse: collapse; font-size: .9rem }
td, th { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line) }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
"""


def render(title: str, rows: Sequence[Row], samples: Sequence[Sample]) -> str:
    """Return the whole page."""
    missed = [row.what for row in rows if row.met is False]
    words = "Nothing grew that data does not explain."
    if missed:
        words = "Grown, or not as it must be: " + "; ".join(missed)
    color = "bad" if missed else "good"
    plots = "".join(_plot(*plot, samples) for plot in PLOTS)
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f'<h1>{escape(title)}</h1><p class="verdict {color}">{escape(words)}</p>'
        f'<div class="plots">{plots}</div><div class="table"><table>'
        "<tr><th>what<th>result<th>unit<th>target<th></tr>"
        f"{''.join(_row(row) for row in rows)}</table></div></html>\n"
    )


def _row(row: Row) -> str:
    verdict = "" if row.met is None else ("met" if row.met else "missed")
    color = "bad" if row.met is False else "good"
    return (
        f'<tr><td>{escape(row.what)}<td class="number">{row.result:,.2f}<td>{escape(row.unit)}'
        f'<td class="number">{escape(row.target)}<td class="{color}">{verdict}</tr>\n'
    )


def _plot(title: str, unit: str, prefix: str, samples: Sequence[Sample]) -> str:
    """Return one plot; of many figures the largest have colors of their own."""
    names = sorted({name for sample in samples for name in sample if name.startswith(prefix)})
    most = {name: max(sample.get(name, 0.0) for sample in samples) for name in names}
    shown = sorted(names, key=lambda name: -most[name])[:_COLORS]
    top = max([most[name] for name in shown], default=0.0) or 1.0
    end_s = samples[-1]["at"] or 1.0
    step = -(-len(samples) // MOST_POINTS)
    lines, legend = [], []
    for number, name in enumerate(shown):
        points = [
            f"{LEFT + sample['at'] / end_s * (WIDTH - LEFT - 6):.1f},"
            f"{_y(sample.get(name, 0.0), top):.1f}"
            for sample in samples[::step]
        ]
        lines.append(f'<path stroke="var(--s{number})" d="M{" L".join(points)}"/>')
        label = name.removeprefix(prefix).strip() or title.lower()
        last = samples[-1].get(name, 0.0)
        color = f'<i style="background: var(--s{number})"></i>'
        legend.append(f"<li>{color}{escape(label)} <b>{last:,.6g}</b></li>")
    return (
        f"<section><h2>{escape(title)}</h2>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)} over time">'
        f"{_axes(top, unit, end_s)}{''.join(lines)}</svg><ul>{''.join(legend)}</ul></section>"
    )


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - 16)


def _axes(top: float, unit: str, end_s: float) -> str:
    found = []
    for value in (0.0, top / 2, top):
        y = _y(value, top)
        found.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 6}" y1="{y:.1f}" y2="{y:.1f}"/>')
        words = f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
        found.append(f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{words}</text>')
    found.append(f'<text x="{LEFT}" y="{HEIGHT - 4}">0</text>')
    minutes = f"{end_s / 60:.1f} min"
    found.append(f'<text x="{WIDTH - 6}" y="{HEIGHT - 4}" text-anchor="end">{minutes}</text>')
    found.append(f'<text x="{LEFT}" y="10">{escape(unit)}</text>')
    return "".join(found)
