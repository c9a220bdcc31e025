"""Settings: file, then environment, then flags; each wrong one is told in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chirp.config import Config, ConfigError, settings, variable_of
from chirp.config_sources import _RANGES, load
from chirp.rates import Rate
from chirp.storage.store import MAX_SHARDS


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "chirp.toml"
    path.write_text(text, encoding="utf-8")
    return path


def wrong(path: Path | None, environ: dict[str, str], flags: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, environ, flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_anything_the_defaults_hold() -> None:
    assert load(None, {}, {}) == Config()


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 1\n")
    assert load(path, {}, {}).server.port == 1
    environ = {"CHIRP_PORT": "2"}
    assert load(path, environ, {}).server.port == 2
    assert load(path, environ, {"server.port": 3}).server.port == 3
    assert load(path, environ, {"server.port": None}).server.port == 2


SPECIAL = {
    "host": "some.example",
    "public_url": "https://x.org",
    "trusted_proxies": "10.0.0.0/8, ::1",
    "access_log": "json",
    "registration": "closed",
    "id_layout": "48",
    "language": "en",
}
"""Settings that do not take any text."""
LARGE = {"max_head_bytes": 4096}
"""Settings that do not take a number as small as seven."""


@pytest.mark.parametrize(("table", "name", "kind", "default"), list(settings()))
def test_every_setting_is_set_in_the_file_and_in_the_environment(
    tmp_path: Path, table: str, name: str, kind: type, default: object
) -> None:
    value, literal = {
        bool: (not default, str(not default).lower()),
        int: (LARGE.get(name, 7), str(LARGE.get(name, 7))),
        float: (0.25, "0.25"),
        Rate: (Rate(5, 60), '"5/1m"'),
        str: (SPECIAL.get(name, "some text"), f'"{SPECIAL.get(name, "some text")}"'),
    }[kind]
    path = written(tmp_path, f"[{table}]\n{name} = {literal}\n")
    text = literal.strip('"')
    for config in (load(path, {}, {}), load(None, {variable_of(table, name): text}, {})):
        assert getattr(getattr(config, table), name) == value


def test_who_listens_everywhere_is_shown_an_address_that_works() -> None:
    assert load(None, {"CHIRP_HOST": ""}, {}).public_url == "http://127.0.0.1:8080"


def test_settings_of_the_server_need_no_table_in_the_environment() -> None:
    environ = {"CHIRP_PUBLIC_URL": "https://x.org/", "CHIRP_FANOUT_PUSH_LIMIT": "5"}
    config = load(None, environ, {})
    assert (config.public_url, config.fanout.push_limit) == ("https://x.org", 5)


@pytest.mark.parametrize("text", ["48", '"48"'])
def test_an_id_layout_may_stand_without_quotes(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, f"[storage]\nid_layout = {text}\n")
    assert load(path, {}, {}).storage.id_layout == "48"


@pytest.mark.parametrize("text", ["1", "true", "YES", "0", "False", "no"])
def test_truth_has_many_words(text: str) -> None:
    config = load(None, {"CHIRP_OPEN_METRICS": text}, {})
    assert config.server.open_metrics == (text.lower() in {"1", "true", "yes"})


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CHIRP_PORT", "x", "server.port must be a whole number"),
        ("CHIRP_PORT", "-1", "server.port must be a whole number"),
        ("CHIRP_PORT", "1.5", "server.port must be a whole number"),
        ("CHIRP_PORT", "", "server.port must be a whole number"),
        ("CHIRP_OPEN_METRICS", "maybe", "server.open_metrics must be true or false"),
        ("CHIRP_CACHE_TWEETS_MB", "lots", "cache.tweets_mb must be a whole number"),
        ("CHIRP_RATE_LIMITS", "-1", "limits.factor must be a number from 0 up"),
        ("CHIRP_RATE_LIMITS", "nan", "limits.factor must be a number from 0 up"),
        ("CHIRP_LIMITS_POSTS", "300", "limits.posts must be a count and a time"),
        ("CHIRP_LIMITS_POSTS", "300/0m", "limits.posts must be a count and a time"),
        ("CHIRP_LIMITS_POSTS", "-1/1m", "limits.posts must be a count and a time"),
        ("CHIRP_ACCESS_LOG", "xml", "server.access_log must be off, text or json"),
        ("CHIRP_WEB_LANGUAGE", "../../x", "web.language must be one of en, not '../../x'"),
        ("CHIRP_WEB_LANGUAGE", "", "web.language must be one of en"),
        ("CHIRP_WEB_LANGUAGE", "EN", "web.language must be one of en"),
        ("CHIRP_HOST", "127.0.0.1:80", "server.host must be text: a name or an address"),
        ("CHIRP_HOST", "[::1]", "server.host must be text: a name or an address"),
        ("CHIRP_HOST", "http://127.0.0.1", "server.host must be text: a name or an address"),
        ("CHIRP_HOST", "a..b", "server.host must be text: a name or an address"),
        ("CHIRP_HOST", "x" * 70, "server.host must be text: a name or an address"),
        ("CHIRP_PUBLIC_URL", "foo", "server.public_url must be an address such as https://"),
        ("CHIRP_PUBLIC_URL", 'http://a b"<', "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "https:///x", "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "HTTPS://x.org", "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "https://u:p@x.org", "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "https://x.org/?", "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "https://x.org#", "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "https://x.org:abc", "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "https://x.org:99999", "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "http://[::1", "server.public_url must be an address"),
        ("CHIRP_PUBLIC_URL", "https://x.org/?a=b", "server.public_url must be an address"),
        ("CHIRP_TRUSTED_PROXIES", "10.0.0.300", "server.trusted_proxies must be networks"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, words: str) -> None:
    assert wrong(None, {variable: value}, {}).startswith(words)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CHIRP_PORT", "0", "server.port must be a whole number from 1 to 65535, not '0'"),
        ("CHIRP_PORT", "65536", "server.port must be a whole number from 1 to 65535"),
        ("CHIRP_MAX_CONNECTIONS", "0", "server.max_connections must be a whole number from 1 up"),
        ("CHIRP_MAX_IN_FLIGHT", "0", "server.max_in_flight must be a whole number from 1 up"),
        ("CHIRP_MAX_HEAD_BYTES", "100", "server.max_head_bytes must be a whole number from 1024"),
        ("CHIRP_HEAD_TIMEOUT_S", "0", "server.head_timeout_s must be a number from 0.1 up"),
        ("CHIRP_SWITCH_INTERVAL_US", "0", "server.switch_interval_us must be a whole number"),
        ("CHIRP_STORAGE_ID_LAYOUT", "x", "storage.id_layout must be 48 or 64"),
        ("CHIRP_STORAGE_SHARDS", "257", "storage.shards must be a whole number from 1 to 256"),
        ("CHIRP_STORAGE_MAP_GB", "9" * 11, "storage.map_gb must be a whole number from 1 to"),
        ("CHIRP_TWEETS_MAX_WEIGHT", "0", "tweets.max_weight must be a whole number from 1 up"),
        ("CHIRP_MEDIA_WORKERS", "0", "media.workers must be a whole number from 1 up"),
        ("CHIRP_CACHE_TWEETS_MB", "9" * 13, "cache.tweets_mb must be a whole number from 0 up"),
        ("CHIRP_RATE_LIMITS", "inf", "limits.factor must be a number from 0 up"),
    ],
)
def test_a_number_out_of_its_range_is_refused_with_the_range(
    variable: str, value: str, words: str
) -> None:
    assert wrong(None, {variable: value}, {}).startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nport = true", "server.port must be a whole number"),
        ("[server]\nport = 1.5", "server.port must be a whole number"),
        ("[server]\nhost = 5", "server.host must be text"),
        ("[server]\nopen_metrics = 3", "server.open_metrics must be true or false"),
        ("[server]\nprot = 1", "unknown setting server.prot"),
        ("[sever]\nport = 1", "unknown setting sever.port"),
        ("port = 1", "port must stand in a table"),
        ("[server", "not a TOML file"),
        ("[server]\nport = ", "not a TOML file"),
    ],
)
def test_a_wrong_file_is_named_with_its_setting(tmp_path: Path, text: str, words: str) -> None:
    assert words in wrong(written(tmp_path, text), {}, {})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.toml"
    assert wrong(missing, {}, {}) == f"{missing}: No such file or directory"
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"\xff\xfe")
    assert "not a TOML file" in wrong(broken, {}, {})
    assert str(tmp_path) in wrong(tmp_path, {}, {})


def test_the_ranges_are_those_of_settings_and_hold_their_defaults() -> None:
    numbers = {f"{t}.{n}": v for t, n, kind, v in settings() if kind in {int, float}}
    for key, (least, most) in _RANGES.items():
        value = numbers[key]
        assert isinstance(value, int | float)
        assert least <= value <= most
    assert _RANGES["storage.shards"] == (1, MAX_SHARDS)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load(written(tmp_path, ""), {}, {}) == Config()


@pytest.mark.parametrize(
    ("text", "address"),
    [("", "http://127.0.0.1:8080"), ('host = "::1"\nport = 5', "http://[::1]:5"),
     ('public_url = "https://x.org//"', "https://x.org")],
)  # fmt: skip
def test_the_public_address_is_made_where_none_is_set(
    tmp_path: Path, text: str, address: str
) -> None:
    assert load(written(tmp_path, "[server]\n" + text), {}, {}).public_url == address


def test_every_variable_is_told_apart() -> None:
    names = [variable_of(table, name) for table, name, _, _ in settings()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"CHIRP_[A-Z_]+", name) for name in names)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("900/15m", Rate(900, 900)), ("5/h", Rate(5, 3600)), ("1/90s", Rate(1, 90)), ("0", Rate(0, 1)),
     ("0/15m", Rate(0, 900))],
)  # fmt: skip
def test_rates_have_a_count_and_a_time(text: str, rate: Rate) -> None:
    assert load(None, {"CHIRP_LIMITS_READS": text}, {}).limits.reads == rate


def test_a_rate_is_switched_off_with_a_bare_zero_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[limits]\nreads = 0\n")
    assert load(path, {}, {}).limits.reads.most == 0


@pytest.mark.parametrize(
    ("rule", "host", "means"),
    [("auto", "127.0.0.1", "open"), ("auto", "::1", "open"), ("auto", "localhost", "open"),
     ("auto", "0.0.0.0", "approval"), ("auto", "example.org", "approval"),
     ("auto", "", "approval"), ("open", "0.0.0.0", "open"), ("closed", "127.0.0.1", "closed"),
     ("invite", "::", "invite")],
)  # fmt: skip
def test_who_may_register_depends_on_where_it_listens(rule: str, host: str, means: str) -> None:
    environ = {"CHIRP_ACCOUNTS_REGISTRATION": rule, "CHIRP_HOST": host}
    assert load(None, environ, {}).registration == means


@pytest.mark.parametrize("rule", ["", "Open", "nobody"])
def test_an_unknown_rule_of_registration_is_refused(rule: str) -> None:
    words = wrong(None, {"CHIRP_ACCOUNTS_REGISTRATION": rule}, {})
    assert "auto, open, invite, approval, closed" in words
