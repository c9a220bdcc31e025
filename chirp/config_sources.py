"""Where settings come from: defaults, then a TOML file, then CHIRP_* variables, then flags."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
        # A bare number of a TOML file is as good as one in quotes where only numbers may stand.
        given = str(value) if key == "storage.id_layout" else value
        found = _PARSERS[kind](given)
        _CHECKS.get(key, str)(str(found))
        _refuse_out_of_range(key, found)
    except ValueError:
        words = _WORDS.get(key) or _WORDS[kind.__name__] + _range_words(key, kind)
        raise ConfigError(f"{key} must be {words}, not {value!r}") from None
    return found


def _bool(value: object) -> bool:
    truth = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if str(value).lower() not in truth or not isinstance(value, bool | str):
        raise ValueError(value)
    return truth[str(value).lower()]


def _int(value: object) -> int:
    if isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004  (one error for whatever does not fit)
    return int(str(value))


def _float(value: object) -> float:
    if isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004  (one error for whatever does not fit)
    return float(str(value))


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004  (one error for whatever does not fit)
    return value


def _rate(value: object) -> Rate:
    return Rate.parse("0" if value == 0 else _str(value))


_MOST = 10**12
"""The greatest number that a setting may be, where nothing less is said."""
_RANGES: dict[str, tuple[float, float]] = {
    "server.port": (1, 65_535),
    "server.max_connections": (1, _MOST),
    "server.max_connections_per_address": (1, _MOST),
    "server.max_in_flight": (1, _MOST),
    "server.head_timeout_s": (0.1, _MOST),
    "server.body_timeout_s": (0.1, _MOST),
    "server.body_bytes_per_s": (1, _MOST),
    "server.idle_timeout_s": (0.1, _MOST),
    "server.send_timeout_s": (0.1, _MOST),
    "server.max_head_bytes": (1_024, _MOST),
    "server.switch_interval_us": (1, _MOST),
    "storage.shards": (1, 256),
    "storage.map_gb": (1, 16_384),  # of a shard; a process has 47 bits of addresses for all of them
    "fanout.most_lag_ms": (1, _MOST),
    "tweets.max_weight": (1, _MOST),
    "limits.account_percent": (1, _MOST),
    "audit.window_s": (1, _MOST),
    "audit.most_keys": (1, _MOST),
    "media.workers": (1, _MOST),
    "media.worker_memory_mb": (1, _MOST),
    "media.worker_cpu_s": (1, _MOST),
}
"""The least and the greatest number, where a 0 would let nobody in or nothing be done. Elsewhere a
0 has a meaning: no cache, no streams, no edits, no upload of that kind, off."""


def _range_of(key: str) -> tuple[float, float]:
    return _RANGES.get(key, (0, _MOST))


def _refuse_out_of_range(key: str, found: object) -> None:
    least, most = _range_of(key)
    if isinstance(found, int | float) and not least <= found <= most:
        raise ValueError(found)


def _range_words(key: str, kind: type) -> str:
    if kind not in {int, float}:
        return ""
    least, most = _range_of(key)
    return f" from {least} up" if most == _MOST else f" from {least} to {most}"


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


def _id_layout(text: str) -> None:
    if text not in {"48", "64"}:
        raise ValueError(text)


MAX_HOST_BYTES = 253
"""Of a name, as the DNS has it."""


def _host(text: str) -> None:
    if ":" in text:
        IPv6Address(text)
    elif set(text) & set(' "/<>?#@[]\\') or len(text.encode("idna")) > MAX_HOST_BYTES:
        raise ValueError(text)


def _public_url(text: str) -> None:
    parts = urlsplit(text)
    odd = set(text) & set(' "<>\\@?#') or not text.isprintable()
    whole = text.startswith(("http://", "https://")) and parts.hostname and parts.port != 0
    if text and (odd or not whole):
        raise ValueError(text)


def _language(text: str) -> None:
    if text not in languages():
        raise ValueError(text)


_CHECKS: dict[str, Callable[[str], object]] = {
    "server.host": _host,
    "server.public_url": _public_url,
    "server.trusted_proxies": networks,
    "server.access_log": _access_log,
    "storage.id_layout": _id_layout,
    "web.language": _language,
}
_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "Rate": "a count and a time, such as 900/15m, or 0",
    "server.host": "text: a name or an address without a port, such as 127.0.0.1 or ::1",
    "server.public_url": "an address such as https://chirp.example, or empty",
    "server.trusted_proxies": "networks with commas between them",
    "server.access_log": "off, text or json",
    "storage.id_layout": "48 or 64",
    "web.language": f"one of {', '.join(languages())}",
}
