"""Where settings come from: defaults, then a TOML file, then CHIRP_* variables, then flags."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chirp.config import Config, ConfigError, languages, networks, settings, variable_of
from chirp.rates import Rate


def load(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Config:
    """Return the settings; `flags` maps "table.name" to a value, None meaning not given.

    Raises: ConfigError.
    """
    values: dict[str, object] = {}
    if path is not None:
        values |= _from_file(path)
    values |= _from_environment(environ)
    values |= {name: value for name, value in flags.items() if value is not None}
    return _build(values)


def _from_file(path: Path) -> dict[str, object]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error
    known = {(table, name) for table, name, _, _ in settings()}
    found: dict[str, object] = {}
    for table, content in raw.items():
        for name, value in _table(path, table, content).items():
            if (table, name) not in known:
                raise ConfigError(f"{path}: unknown setting {table}.{name}")
            found[f"{table}.{name}"] = value
    return found


def _table(path: Path, table: str, content: Any) -> dict[str, object]:
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: {table} must stand in a table, such as [server]")
    return content


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    return {
        f"{table}.{name}": environ[variable_of(table, name)]
        for table, name, _, _ in settings()
        if variable_of(table, name) in environ
    }


def _build(values: Mapping[str, object]) -> Config:
    config = Config()
    for table, name, kind, _ in settings():
        key = f"{table}.{name}"
        if key in values:
            section = replace(getattr(config, table), **{name: _convert(key, kind, values[key])})
            config = replace(config, **{table: section})
    _ = config.registration
    config.refuse_unsafe()
    return config


def _convert(key: str, kind: type, value: object) -> object:
    """Return `value`, from TOML or from text, as its setting wants it. Raises: ConfigError."""
    try:
        found = _PARSERS[kind](value)
        _CHECKS.get(key, str)(str(found))
    except ValueError:
        words = _WORDS.get(key) or _WORDS[kind.__name__]
        raise ConfigError(f"{key} must be {words}, not {value!r}") from None
    return found


def _bool(value: object) -> bool:
    truth = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if str(value).lower() not in truth or not isinstance(value, bool | str):
        raise ValueError(value)
    return truth[str(value).lower()]


def _int(value: object) -> int:
    if isinstance(value, bool) or int(str(value)) < 0:
        raise ValueError(value)
    return int(str(value))


def _float(value: object) -> float:
    number = float(str(value))
    if isinstance(value, bool) or not 0 <= number <= MOST:
        raise ValueError(value)
    return number


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004  (one error for whatever does not fit)
    return value


def _rate(value: object) -> Rate:
    return Rate.parse("0" if value == 0 else _str(value))


MOST = 1e12
"""The greatest number with a fraction that a setting may be."""

_PARSERS: dict[type, Callable[[object], object]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    Rate: _rate,
}


def _access_log(text: str) -> None:
    if text not in {"off", "text", "json"}:
        raise ValueError(text)


def _language(text: str) -> None:
    if text not in languages():
        raise ValueError(text)


_CHECKS: dict[str, Callable[[str], object]] = {
    "server.trusted_proxies": networks,
    "server.access_log": _access_log,
    "web.language": _language,
}
_WORDS = {
    "bool": "true or false",
    "int": "a whole number from 0 up",
    "float": "a number from 0 up",
    "str": "text",
    "Rate": "a count and a time, such as 900/15m, or 0",
    "server.trusted_proxies": "networks with commas between them",
    "server.access_log": "off, text or json",
    "web.language": f"one of {', '.join(languages())}",
}
