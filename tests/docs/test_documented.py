"""Each setting, route, figure, command and module is documented."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import click
import pytest

from chirp.api.bodies import TweetBody
from chirp.api.routes import BASE
from chirp.cli.demo import CAST_FILE, LOGIN_FILE
from chirp.cli.main import cli
from chirp.config import settings, variable_of
from chirp.http.errors import _ANSWERS, _HTTP_WORDS, FAILED, _told_of_status
from chirp.http.exposition import Exposition
from chirp.storage.manifest import NAME
from tests.docs.pages import ADRS, ROOT, text_of
from tests.support.driver import Driver
from tests.support.web import Http

PUBLIC = text_of("README.md") + text_of("docs/operations.md")
API = text_of("docs/api/quickstart.md")
WEB = text_of("docs/web.md")
ARCHITECTURE = text_of("ARCHITECTURE.md")
MODULES = [p.relative_to(ROOT).as_posix() for p in sorted((ROOT / "chirp").rglob("*.py"))]
CONTRACTS: list[dict[str, Any]] = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"][
    "contracts"
]


@pytest.mark.parametrize(("table", "name", "kind", "default"), list(settings()))
def test_settings_are_documented(table: str, name: str, kind: type, default: object) -> None:
    row = re.search(rf"^\| `{table}\.{name}` \| `(\w+)` \| ([^|]*) \|", PUBLIC, re.MULTILINE)
    assert row is not None
    assert row[1] == variable_of(table, name)
    said = row[2].split(":")[0]
    assert said == ("empty" if default == "" else str(default).lower())


def test_no_setting_is_documented_that_is_not_there() -> None:
    known = {variable_of(table, name) for table, name, _, _ in settings()}
    assert set(re.findall(r"`(CHIRP_\w+)`", PUBLIC)) == known


async def test_routes_are_documented_and_no_others(chirp: Driver) -> None:
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in chirp.server.app.router.routes()
        if route.resource is not None and route.method in {"GET", "POST", "DELETE", "PATCH", "PUT"}
    }
    said = set(re.findall(r"`((?:GET|POST|DELETE|PATCH|PUT) /[^`]*)`", API + WEB))
    assert said == routes


def test_errors_are_documented_once_and_no_others() -> None:
    table = API.split("\n## Errors\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([\d, ]+) \| `(\w+)` \|", table, re.MULTILINE)
    said = [(int(status), error) for many, error in rows for status in many.split(", ")]
    known = {status: _told_of_status(status).error for status in _HTTP_WORDS}
    known |= dict(_ANSWERS.values()) | {FAILED.status: FAILED.error}
    assert sorted(said) == sorted(known.items())


def test_fields_of_a_tweet_are_documented() -> None:
    row = re.search(r"^\| `POST /api/v1/tweet` .*$", API, re.MULTILINE)
    assert row is not None
    ignored = {"api_dev_key", "maximum_results_to_return"}
    assert set(TweetBody.__struct_fields__) - ignored <= set(re.findall(r"`(\w+)`", row[0]))


def test_files_of_a_data_folder_are_documented() -> None:
    for file in (CAST_FILE, LOGIN_FILE, NAME):
        assert f"\n| `{file}` |" in PUBLIC


@pytest.mark.parametrize(
    ("method", "path", "star"), re.findall(rf"`([A-Z]+) {BASE}(\S*)`( ★)?", API)
)
async def test_routes_that_need_a_key_are_marked(
    method: str, path: str, star: str, http: Http
) -> None:
    answer = await http.ask(method, re.sub(r"\{\w+\}", "1", path))
    assert (answer.status == 401) == bool(star)


async def test_figures_are_documented_and_no_others(chirp: Driver) -> None:
    exposition = Exposition(chirp.server.metrics, chirp.server.stats)
    families = {
        f"{family.name}_total" if family.type == "counter" else family.name: family.type
        for family in exposition.collect()
    }
    said = re.findall(r"^\| `(chirp_\w+)` \| (\w+) \|", PUBLIC, re.MULTILINE)
    assert sorted(said) == sorted(families.items())


async def test_every_value_of_a_gauge_is_documented(chirp: Driver) -> None:
    for group, values in chirp.server.stats().items():
        row = re.search(rf"^\| `chirp_{group}` .*$", PUBLIC, re.MULTILINE)
        assert row is not None
        if group not in {"rows", "cache_followers", "cache_viewers"}:  # said in other words
            assert set(values) <= set(re.findall(r"`(\w+)`", row[0]))


def commands(group: click.Group, prefix: str = "chirp") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


@pytest.mark.parametrize("command", list(commands(cli)))
def test_commands_are_documented(command: str) -> None:
    assert f"`{command} " in text_of("README.md")


def test_options_are_documented() -> None:
    readme = text_of("README.md")
    for command in cli.commands.values():
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.opts[0] in readme, (command.name, option.opts)


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_described(module: str) -> None:
    assert f"`{module}`" in ARCHITECTURE.split("## File by file")[1]


@pytest.mark.parametrize("contract", [c for c in CONTRACTS if c["type"] == "layers"])
def test_the_picture_of_layers_is_the_contract(contract: dict[str, Any]) -> None:
    assert "".join(f"    {layer}\n" for layer in contract["layers"]) in ARCHITECTURE


def test_decisions_are_numbered_and_listed() -> None:
    pages = sorted(page.name for page in ADRS.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    for name in pages:
        title = text_of(f"docs/adr/{name}").split("\n")[0].removeprefix(f"# {name[:4]}: ")
        line = rf"^\| \[{name[:4]}\]\({name}\) \| (.*) \|$"
        found = re.search(line, text_of("docs/adr/README.md"), re.MULTILINE)
        assert found is not None
        assert found[1] == title


@pytest.mark.parametrize("page", sorted(page.name for page in ADRS.glob("[0-9]*.md")))
def test_decisions_have_all_parts(page: str) -> None:
    headings = re.findall(r"^## (.*)$", text_of(f"docs/adr/{page}"), re.MULTILINE)
    assert headings == ["Context", "Decision", "Rejected", "Consequences"]
