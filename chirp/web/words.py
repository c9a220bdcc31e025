"""The message catalogue: every text, number and date of the pages, out of one file a language.

A language is a TOML file in `chirp/web/messages/`; `en.toml` is the pattern. A message is a text
with `{names}` in it, or a table with one text for each plural form.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any

from markupsafe import Markup

from chirp.config import MESSAGES, ConfigError, languages
from chirp.http.errors import Told
from chirp.model import UnixMs


class Words:
    """Texts, numbers and dates of one language.

    >>> words = Words("en")
    >>> words.number(1234567), words.short(1234567), words.short(950)
    ('1,234,567', '1.2M', '950')
    """

    def __init__(self, language: str) -> None:
        """Read a language's file. Raises: ConfigError: there is none."""
        # Asked before it becomes a part of a path, also of whoever made a Config by hand.
        if language not in languages():
            raise ConfigError(f"web.language must be one of {', '.join(languages())}")
        raw = tomllib.loads((MESSAGES / f"{language}.toml").read_text(encoding="utf-8"))
        self.language = language
        self.messages = dict(_flat("", raw))
        self._known_as = dict(self._below("known_as."))
        self._months = self("dates.months").split()
        self._thousands = self("numbers.thousands")
        self._point = self("numbers.point")
        self._units = self("numbers.units").split()

    def __call__(self, key: str, **values: object) -> str:
        """Return a text as it is. O(1). Raises: KeyError: the catalogue has no such message."""
        text = self.messages[key]
        return text.format(**values) if values else text

    def html(self, key: str, **values: object) -> Markup:
        """Return a text with markup in its values: what is not Markup is escaped."""
        return Markup(self.messages[key]).format(**values)  # noqa: S704  (escapes its values)

    def count(self, key: str, count: int, **values: object) -> str:
        """Return the plural form for `count`, which stands in it as {n}, written out."""
        form = self("numbers.one_if") == str(count)
        text = self.messages[f"{key}.{'one' if form else 'other'}"]
        return text.format(n=self.number(count), **values)

    def refusal(self, told: Told) -> str:
        """Return why something is refused in words for people, who know no names of fields."""
        later = told.retry_after_s
        if later is not None and f"errors.{told.status}.later" in self.messages:
            return self(f"errors.{told.status}.later", time=self._duration(later))
        text = self.messages.get(f"refusals.{told.message}", told.message)
        field = str(told.field)
        if text.startswith(f"{field} ") and field in self._known_as:
            return self._known_as[field] + text.removeprefix(field)
        return text.removeprefix(f"{field}: ")

    def _duration(self, seconds: int) -> str:
        """Return how long it takes, rounded up, in the unit that suits it."""
        for unit, size, least in (("hours", 3600, 7200), ("minutes", 60, 60)):
            if seconds >= least:
                return self.count(f"durations.{unit}", ceil(seconds / size))
        return self.count("durations.seconds", seconds)

    def number(self, value: int) -> str:
        """Return a number with its thousands apart."""
        return f"{value:,}".replace(",", self._thousands)

    def short(self, value: int) -> str:
        """Return a number in at most four signs: 950, 1.2K, 35K, 1.2M."""
        if value < 1000:
            return str(value)
        size, unit = float(value), ""
        for unit in self._units:  # noqa: B007  (the last one that fits is used)
            size /= 1000
            if size < 999.5:
                break
        text = f"{size:.1f}" if size < 9.95 else f"{size:.0f}"
        return text.removesuffix(".0").replace(".", self._point) + unit

    def size(self, value_bytes: int) -> str:
        """Return a size in the unit that suits it."""
        size, unit = float(value_bytes), "B"
        for unit in ("B", "KB", "MB", "GB", "TB"):  # noqa: B007
            if size < 1000:
                break
            size /= 1000
        text = f"{size:.1f}" if size < 9.95 and unit != "B" else f"{size:.0f}"
        return f"{text.replace('.', self._point)} {unit}"

    def date(self, at: UnixMs) -> str:
        """Return a day in UTC."""
        return self._moment("dates.day", at)

    def moment(self, at: UnixMs) -> str:
        """Return a day and a time in UTC."""
        return self._moment("dates.moment", at)

    def month(self, at: UnixMs) -> str:
        """Return a month and its year, in UTC."""
        return self._moment("dates.month", at)

    def _moment(self, key: str, at: UnixMs) -> str:
        when = datetime.fromtimestamp(at // 1000, UTC)
        month = self._months[when.month - 1]
        clock = f"{when.hour:02}:{when.minute:02}"
        return self(key, day=when.day, month=month, year=when.year, clock=clock)

    def scripts(self) -> dict[str, str]:
        """Return what the scripts say, by the end of its key."""
        return dict(self._below("scripts."))

    def _below(self, start: str) -> Iterator[tuple[str, str]]:
        for key, text in self.messages.items():
            if key.startswith(start):
                yield key.removeprefix(start), text


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield prefix + name, str(value)
