"""The formats are documented: each name stands there, and each example is what the code gives.

An example is a fenced block marked `example`: a line of Python, then lines of hex, each followed
by two blanks and what its bytes are.
"""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path
from typing import get_args

import pytest
from msgspec import Struct

from chirp.model import (
    Account,
    Action,
    ActionKind,
    ApiKey,
    Entity,
    EntityKind,
    Flag,
    Invite,
    Media,
    Role,
    Tweet,
    User,
    Visibility,
)
from chirp.storage.events import _KINDS, Event
from chirp.storage.keys import FlagTag, Table, Tag
from chirp.storage.lmdb_shard import _HIDDEN
from chirp.storage.manifest import FORMAT, Manifest
from chirp.storage.tables.tweets import IndexFlag
from chirp.storage.tables.users import Counter
from tests.storage.examples import NAMESPACE

FORMATS = Path(__file__).parents[2] / "docs" / "formats"
PAGES = ("keys", "rows", "journal", "manifest")
EXAMPLE = re.compile(r"^```example\n(.*?)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (FORMATS / f"{name}.md").read_text(encoding="utf-8")


def examples() -> list[tuple[str, str, str]]:
    return [(name, *found) for name in PAGES for found in EXAMPLE.findall(page(name))]


@pytest.mark.parametrize(("name", "code", "lines"), examples())
def test_examples_are_what_the_code_gives(name: str, code: str, lines: str) -> None:
    said = "".join(line.split("  ")[0] for line in lines.split("\n"))
    assert eval(code, dict(NAMESPACE)).hex() == said, name


def test_each_page_has_examples() -> None:
    assert {name for name, _, _ in examples()} == set(PAGES)


@pytest.mark.parametrize("table", Table)
def test_tables_are_documented(table: Table) -> None:
    name = table.name.lower()
    assert f"| `{name}` |" in page("keys")
    assert re.search(rf"^## .*\b{name}\b", page("keys"), re.MULTILINE)
    assert re.search(rf"^## .*\b{name}\b", page("rows"), re.MULTILINE)


@pytest.mark.parametrize("name", _HIDDEN)
def test_the_engine_s_own_tables_are_documented(name: str) -> None:
    assert f"| `{name}` |" in page("journal")


@pytest.mark.parametrize("record", [Tweet, User, Account, ApiKey, Invite, Flag, Action, Media])
def test_record_fields_are_documented_in_order(record: type[Struct]) -> None:
    section = page("rows").split(f": {record.__name__}\n")[1].split("\n## ")[0]
    fields = re.findall(r"^\| (\d+) \| `(\w+)` \|", section, re.MULTILINE)
    assert fields == [(str(i), name) for i, name in enumerate(record.__struct_fields__)]


def test_entities_are_documented() -> None:
    assert ", ".join(f"`{name}`" for name in Entity.__struct_fields__) in page("rows")


@pytest.mark.parametrize("kind", get_args(Event))
def test_events_and_their_fields_are_documented(kind: type[Struct]) -> None:
    row = rf"^\| {_KINDS[kind]} \| `{kind.__name__}` \| (.*?) \|"  # type: ignore[index]
    found = re.search(row, page("journal"), re.MULTILINE)
    assert found is not None
    assert re.findall(r"`(\w+)`", found[1]) == list(kind.__struct_fields__)


@pytest.mark.parametrize("field", Manifest.__struct_fields__)
def test_manifest_fields_are_documented(field: str) -> None:
    assert f"| `{field}` |" in page("manifest")


@pytest.mark.parametrize("kind", [Visibility, Role, EntityKind, ActionKind])
def test_numbers_of_records_are_documented(kind: type[IntEnum]) -> None:
    for each in kind:
        assert re.search(rf"\b{each.value} {each.name}\b", page("rows"), re.IGNORECASE)


def test_numbers_in_keys_and_flags_are_documented() -> None:
    for counter in Counter:
        assert f"{counter.value} ({counter.name.lower()})" in page("keys")
    for tag in [*Tag, *FlagTag]:
        assert f"tag {tag.value}" in page("keys")
    for flag in IndexFlag:
        assert f"{flag.value} `{flag.name}`" in page("rows")


def test_the_format_is_documented() -> None:
    assert f"the format of the rows, now {FORMAT}" in page("manifest")
