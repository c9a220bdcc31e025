"""Typed settings and their defaults.

A setting `fanout.push_limit` is `push_limit` in the table `[fanout]` of the file and
`CHIRP_FANOUT_PUSH_LIMIT` in the environment. Settings outside a table are those of `[server]`,
and need no table's name in the environment: `CHIRP_PORT`, `CHIRP_PUBLIC_URL`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from importlib import resources

from chirp.errors import ChirpError
from chirp.rates import Rate

PREFIX = "CHIRP_"
AUTO = "auto"
"""The value of `accounts.registration` that leaves the choice to where the server listens."""
MESSAGES = resources.files("chirp") / "web" / "messages"
"""The folder with a file for each language of the pages."""


class Registration(StrEnum):
    """Who may make an account over HTTP. From the shell, the operator always may."""

    OPEN = "open"
    INVITE = "invite"
    APPROVAL = "approval"
    CLOSED = "closed"


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
    """Whether /metrics answers to everybody, not only to this machine and to admins."""
    trusted_proxies: str = ""
    """Networks whose X-Forwarded-For and X-Request-Id are believed: "127.0.0.1, 10.0.0.0/8"."""
    tls_cert: str = ""
    """A file with the certificate and its chain, in PEM; with `tls_key` the server speaks TLS."""
    tls_key: str = ""
    """The file of its key. Both are read again when they change."""
    access_log: str = "off"
    """off, text or json: one line a request on standard error."""
    max_connections: int = 4096
    max_connections_per_address: int = 256
    """Trusted proxies are not counted by address."""
    max_in_flight: int = 1000
    """Requests under way; the next one is answered 503. Streams are not counted."""
    max_streams: int = 4_000
    """Open streams of all; each also counts as a connection."""
    max_streams_per_user: int = 16
    head_timeout_s: float = 10.0
    """How long a request's line and headers may take."""
    body_timeout_s: float = 15.0
    """How long a body may take, and longer by what arrives at `body_bytes_per_s`."""
    body_bytes_per_s: int = 1024
    idle_timeout_s: float = 75.0
    """How long a connection may wait between requests."""
    send_timeout_s: float = 30.0
    """How long a client may take nothing of an answer."""
    max_head_bytes: int = 32768
    """How much of a request's line and headers may come before they are whole."""
    deathstarbench: bool = False
    """Whether DeathStarBench's routes are there. They ask nobody who they are: loopback alone."""
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
    heads_mb: int = 16
    """Requests as they were parsed, for when the same bytes come again; 0 parses every one."""
    cards_mb: int = 32
    """Tweets as HTML, for the pages."""
    warm: bool = True
    """Whether the tweets of the last 72 hours are loaded after the start."""


@dataclass(frozen=True, slots=True)
class Fanout:
    """How tweets get into home timelines."""

    push_limit: int = 10_000
    """Authors with more followers are merged in when a timeline is read."""
    most_lag_ms: int = 5_000
    """Posts are answered 503 while one has waited that long to be stored and delivered."""


@dataclass(frozen=True, slots=True)
class TweetRules:
    """What a tweet may be."""

    max_weight: int = 280
    """Weighted characters by twitter-text 3; 140 is the original."""
    edit_window_min: int = 30
    """For how many minutes its author may edit a tweet; 0: never."""


@dataclass(frozen=True, slots=True)
class MediaRules:
    """What may be uploaded, and what the processes that take it apart may take (README)."""

    max_gb: int = 20
    max_photo_mb: int = 15
    max_video_mb: int = 200
    max_pixels: int = 64_000_000
    max_frame_pixels: int = 9_500_000
    max_video_s: int = 140
    max_frames: int = 20_000
    workers: int = 2
    worker_memory_mb: int = 1536
    worker_cpu_s: int = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one key, account or address may ask for. A bucket refills evenly."""

    factor: float = 1.0
    """Multiplies every limit that has its default; 0 switches all off."""
    reads: Rate = Rate(900, 900)
    writes: Rate = Rate(900, 900)
    """Whatever changes something and has no limit of its own: follows, favorites, keys."""
    posts: Rate = Rate(300, 10_800)
    uploads: Rate = Rate(30, 1800)
    account_percent: int = 100
    """What all keys of an account may do together, in percent of what one may."""
    anonymous: Rate = Rate(1500, 900)
    """Requests without a right key, for each address."""
    sign_ins: Rate = Rate(10, 900)
    """For each account that is named."""
    address_sign_ins: Rate = Rate(50, 900)
    """For each address, whatever accounts are named."""
    registrations: Rate = Rate(5, 3600)
    """For each address."""


@dataclass(frozen=True, slots=True)
class AccountRules:
    """Who may have an account."""

    registration: str = AUTO
    """A Registration; or auto: open on a loopback address, by approval elsewhere."""


@dataclass(frozen=True, slots=True)
class Audit:
    """When a tweet is shown to the moderators. A limit of 0 switches its filter off."""

    window_s: int = 600
    same_text_accounts: int = 5
    """From that many accounts, one text is flagged."""
    links_per_account: int = 30
    mentions_per_account: int = 60
    new_accounts_per_host: int = 5
    """From that many new accounts, links to one host are flagged."""
    new_account_h: int = 24
    most_keys: int = 20_000
    """How many texts, accounts and hosts each filter remembers: its bound of memory."""


@dataclass(frozen=True, slots=True)
class Web:
    """The pages that people see."""

    language: str = "en"
    """Which file of chirp/web/messages speaks: one of `languages()`."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings."""

    server: Server = field(default_factory=Server)
    storage: Storage = field(default_factory=Storage)
    cache: Cache = field(default_factory=Cache)
    fanout: Fanout = field(default_factory=Fanout)
    tweets: TweetRules = field(default_factory=TweetRules)
    limits: Limits = field(default_factory=Limits)
    accounts: AccountRules = field(default_factory=AccountRules)
    audit: Audit = field(default_factory=Audit)
    web: Web = field(default_factory=Web)
    media: MediaRules = field(default_factory=MediaRules)

    @property
    def registration(self) -> Registration:
        """Return who may register. Raises: ConfigError."""
        value = self.accounts.registration
        if value == AUTO:
            local = _is_loopback(self.server.host)
            return Registration.OPEN if local else Registration.APPROVAL
        try:
            return Registration(value)
        except ValueError:
            known = ", ".join([AUTO, *Registration])
            raise ConfigError(f"accounts.registration must be one of {known}") from None

    def refuse_unsafe(self) -> None:
        """Raise ConfigError where settings together open what must not be open."""
        if self.server.deathstarbench and not _is_loopback(self.server.host):
            words = "server.deathstarbench lets everybody act for everybody"
            raise ConfigError(f"{words}: it needs a loopback address, such as 127.0.0.1")

    @property
    def public_url(self) -> str:
        """Return the address that people see, without a slash at its end."""
        server = self.server
        host = f"[{server.host}]" if ":" in server.host else server.host or "127.0.0.1"
        scheme = "https" if server.tls_cert else "http"
        return server.public_url.rstrip("/") or f"{scheme}://{host}:{server.port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def settings() -> Iterator[tuple[str, str, type, object]]:
    """Yield (table, name, type, default) of every setting, in the order of the file."""
    default = Config()
    for section in fields(Config):
        table = getattr(default, section.name)
        for setting in fields(table):
            value = getattr(table, setting.name)
            yield section.name, setting.name, type(value), value


def languages() -> list[str]:
    """Return the languages that there are files for, in order: what `web.language` may be."""
    names = [file.name for file in MESSAGES.iterdir()]
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def variable_of(table: str, name: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("server", "port"), variable_of("fanout", "push_limit")
    ('CHIRP_PORT', 'CHIRP_FANOUT_PUSH_LIMIT')
    """
    inner = name if table == "server" else f"{table}_{name}"
    return PREFIX + _SHORT.get(inner, inner).upper()


_SHORT = {"limits_factor": "rate_limits"}
"""Variables that have a name of their own."""


def networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return the networks in a list with commas. Raises: ValueError.

    >>> networks("127.0.0.1, fd00::/8")
    [IPv4Network('127.0.0.1/32'), IPv6Network('fd00::/8')]
    """
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]
