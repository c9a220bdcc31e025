"""How commands speak: tables and progress for people, JSON for programs.

What is printed may be anybody's text, such as a name or a tweet. It is shown as it is: nothing in
it is markup (`console`), and nothing in it steers a terminal (`literal`).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.box import HEAVY_HEAD, SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")

Report = Callable[[str, int, int], None]
"""Told (what is worked on, done, total)."""

_NUMBER = 15
"""Columns that a large number takes, with commas."""
_MANY = 6
"""Tables with more columns are drawn without frames, or 80 characters are too few."""

_EVERY = 64
"""Every how many steps a bar moves."""

_STEERS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls, ends of lines, what turns the text around it, and halves of pairs."""


def console(*, stderr: bool = False) -> Console:
    """Return a console that takes text as it is: no markup, no `:smile:`, no colors by guess."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def literal(text: str) -> str:
    r"""Return `text` in one line, with what would steer a terminal written out. O(len(text)).

    >>> print(literal("[b] \x1b[31m \u202e and\nso on"))
    [b] \x1b[31m \u202e and\nso on
    """
    return _STEERS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class Output:
    """Standard output, for a person or a program."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._console = console()

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """Give a function to tell progress to; bars show only on a terminal."""
        if self._as_json or not sys.stdout.isatty():
            yield lambda _what, _done, _total: None
            return
        columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self._console) as bars:
            tasks: dict[str, TaskID] = {}

            def report(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=total)
                if done % _EVERY == 0 or done == total:
                    bars.update(tasks[what], completed=done, total=total)

            yield report

    def report(
        self, title: str, figures: Mapping[str, object], extra: Mapping[str, object] | None = None
    ) -> None:
        """Print named figures; `extra` follows them, and is in the JSON too."""
        everything = {**figures, **(extra or {})}
        if self._as_json:
            self.json(everything)
            return
        table = Table(show_header=False)
        shown = [(literal(name), _shown(value)) for name, value in everything.items()]
        # Of a narrow screen the values have half at the least, and numbers are not divided.
        widest = max((len(value) for _, value in shown), default=1)
        least = min(widest, max(self._console.width // 2, _NUMBER))
        table.add_column(style="dim", overflow="fold")
        table.add_column(justify="right", overflow="fold", min_width=least)
        for row in shown:
            table.add_row(*row)
        self._print(title, table)

    def rows(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table, or a JSON list of objects."""
        if self._as_json:
            self.json([dict(zip(columns, row, strict=True)) for row in rows])
            return
        narrow = len(columns) > _MANY
        table = Table(box=SIMPLE_HEAD if narrow else HEAVY_HEAD, padding=(0, 0 if narrow else 1))
        cells = [[_shown(value) for value in row] for row in rows]
        least = len(columns) * (1 if narrow else 3) + 1  # borders and padding
        for place, column in enumerate(columns):
            number = bool(rows) and isinstance(rows[0][place], int | float)
            whole = None
            if _names(column):
                whole = max([len(column), *(len(row[place]) for row in cells)])
            table.add_column(
                column,
                justify="right" if number else "left",
                overflow="fold",
                no_wrap=whole is not None,
                min_width=whole or 1,
            )
            least += whole or 1
        for row in cells:
            table.add_row(*row)
        self._print(title, table, least)

    def say(self, line: str) -> None:
        """Print a line for a person; programs get JSON elsewhere."""
        if not self._as_json:
            self._console.print(literal(line), soft_wrap=True)

    def note(self, line: str) -> None:
        """Print a passing remark for a person who watches."""
        if not self._as_json and sys.stdout.isatty():
            self._console.print(literal(line), soft_wrap=True, style="dim")

    def _print(self, title: str, table: Table, least: int = 0) -> None:
        """Print a table that needs `least` columns of the screen."""
        self._console.print(literal(title), style="bold", soft_wrap=True)
        # A line that is too long is the terminal's to break: what is cropped is lost.
        if least > self._console.width:
            table.width = least
        self._console.print(table, crop=False)

    def json(self, value: Any) -> None:
        """Print a value as JSON."""
        click.echo(json.dumps(value, indent=1, default=str))

    @property
    def as_json(self) -> bool:
        """Whether a program reads this."""
        return self._as_json


def _names(column: str) -> bool:
    """Say whether a column names things for other commands, which want them whole."""
    return column == "username" or column.endswith("_id")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return "" if value is None else literal(str(value))
