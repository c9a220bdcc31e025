"""Typed settings: defaults, then a TOML file, then CHIRP_* variables, then flags.

A setting `fanout.push_limit` is `push_limit` in the table `[fanout]` of the file and
`CHIRP_FANOUT_PUSH_LIMIT` in the environment. Settings outside a table are those of `[server]`,
and need no table's name in the environment: `CHIRP_PORT`, `CHIRP_PUBLIC_URL`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from chirp.errors import ChirpError

PREFIX = "CHIRP_"


class ConfigError(ChirpError):
    """A setting that is unknown or has a value that cannot be used, in one line."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how the server listens."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    """The address that people see, in every link; empty: http://host:port."""
    open_metrics: bool = False
    """Whether /metrics answers to everybody, not only to this machine."""
    switch_interval_us: int = 50
    """How long a busy loop may keep a writer thread waiting (bench/convoy)."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How the store is opened."""

    shards: int = 2
    id_layout: str = "64"
    map_gb: int = 64
    sync: bool = True
    """False loses acknowledged writes when the machine fails. For throw-away benches only."""
    keep_events: int = 1_000_000
    """How many journal events each shard keeps behind its newest one."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Budgets of the caches."""

    tweets_mb: int = 128
    homes_mb: int = 64
    graph_mb: int = 64
    users_mb: int = 32
    pages_mb: int = 32
    """First pages of home timelines, ready to send; 0 makes every one anew."""
    marks_mb: int = 32
    """What active viewers favorited, retweeted and bookmarked, and whom they block and mute."""
    warm: bool = True
    """Whether the tweets of the last 72 hours are loaded after the start."""


@dataclass(frozen=True, slots=True)
class Fanout:
    """How tweets get into home timelines."""

    push_limit: int = 10_000
    """Authors with more followers are merged in when a timeline is read."""


@dataclass(frozen=True, slots=True)
class TweetRules:
    """What a tweet may be."""

    max_weight: int = 280
    """Weighted characters by twitter-text 3; 140 is the original."""
    edit_window_min: int = 30
    """For how many minutes its author may edit a tweet; 0: never."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings."""

    server: Server = field(default_factory=Server)
    storage: Storage = field(default_factory=Storage)
    cache: Cache = field(default_factory=Cache)
    fanout: Fanout = field(default_factory=Fanout)
    tweets: TweetRules = field(default_factory=TweetRules)

    @property
    def public_url(self) -> str:
        """Return the address that people see, without a slash at its end."""
        server = self.server
        host = f"[{server.host}]" if ":" in server.host else server.host
        return server.public_url.rstrip("/") or f"http://{host}:{server.port}"


def settings() -> Iterator[tuple[str, str, type, object]]:
    """Yield (table, name, type, default) of every setting, in the order of the file."""
    default = Config()
    for section in fields(Config):
        table = getattr(default, section.name)
        for setting in fields(table):
            value = getattr(table, setting.name)
            yield section.name, setting.name, type(value), value


def variable_of(table: str, name: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("server", "port"), variable_of("fanout", "push_limit")
    ('CHIRP_PORT', 'CHIRP_FANOUT_PUSH_LIMIT')
    """
    inner = name if table == "server" else f"{table}_{name}"
    return PREFIX + inner.upper()


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
    return config


def _convert(key: str, kind: type, value: object) -> object:
    """Return `value` as a bool, int or str, from TOML or from text."""
    if kind is bool:
        truth = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if isinstance(value, bool) or str(value).lower() in truth:
            return value if isinstance(value, bool) else truth[str(value).lower()]
    elif kind is int and not isinstance(value, bool):
        try:
            number = int(str(value))
        except ValueError:
            number = -1
        if number >= 0:
            return number
    elif kind is str and isinstance(value, str):
        return value
    raise ConfigError(f"{key} must be {_kind_words(kind)}, not {value!r}")


def _kind_words(kind: type) -> str:
    return {bool: "true or false", int: "a whole number from 0 up"}.get(kind, "text")
