"""What is printed is what is there: anybody's text, whole ids, and nothing that steers."""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chirp.cli.output import Output, literal
from chirp.cli.serve import greet
from chirp.config import Registration
from tests.support.process import chirp

WRITTEN = st.text(
    st.characters(
        exclude_categories=["Cc", "Cs", "Zl", "Zp"],
        exclude_characters="\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    min_size=1,
    max_size=60,
)
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
IDS = st.integers(1, 2**63 - 1).map(str)


def printed(columns: int, how: str, title: str, *values: str) -> str:
    """Return what a screen of so many columns shows."""
    out = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": str(columns)}), redirect_stdout(out):
        output = Output()
        if how == "rows":
            names = [f"column {place}" for place in range(len(values))]
            output.rows(title, names, [values])
        else:
            output.report(title, {f"figure {place}": v for place, v in enumerate(values)})
    return out.getvalue()


@pytest.mark.parametrize("how", ["rows", "report"])
@given(WRITTEN, WRITTEN)
@example("[/b]", "a[red]b@x.org")
@example("[link=http://x.org]", ":smile: [@click=x]y[/]")
def test_any_text_is_printed_as_it_is(how: str, title: str, value: str) -> None:
    shown = printed(1_000, how, f"<{title}>", f"<{value}>")
    assert f"<{title}>" in shown
    assert f"<{value}>" in shown


@pytest.mark.parametrize("how", ["rows", "report"])
@given(st.text(max_size=60))
@example("\x1b[2J\x1b]0;owned\x07")
def test_nothing_that_steers_a_terminal_is_printed(how: str, text: str) -> None:
    shown = printed(1_000, how, text, text, "end")
    assert not STEERING.search(shown)
    lines = 5 if how == "rows" else 4
    assert len(shown.strip("\n").split("\n")) <= lines + 1
    shown.encode()


def test_what_steers_is_written_out() -> None:
    assert literal("a\x1b[31m\r\n\x9b\u202e\u200f") == r"a\x1b[31m\r\n\x9b\u202e\u200f"


@given(st.integers(20, 100), st.lists(IDS, min_size=1, max_size=3), WRITTEN)
def test_ids_and_usernames_are_never_cut(columns: int, ids: list[str], text: str) -> None:
    out = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": str(columns)}), redirect_stdout(out):
        names = ("flag_id", "username", "raised", "state", "reasons", "content", "note")
        moment = "2026-11-23 09:00:00"
        rows = [(id_, "u" * 15, moment, "open", text, text, text) for id_ in ids]
        Output().rows("Flags", names, rows)
    for id_ in ids:
        assert id_ in out.getvalue()
    assert out.getvalue().count("u" * 15) == len(ids)


@given(st.integers(20, 100), st.lists(IDS, max_size=2))
def test_no_column_is_left_out_of_a_narrow_screen(columns: int, ids: list[str]) -> None:
    out = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": str(columns)}), redirect_stdout(out):
        names = ("flag_id", "username", "raised", "state", "reasons", "content", "note")
        rows = [(id_, "u" * 15, "§", "¶", "€€€", "£££", "¥¥¥") for id_ in ids]
        Output().rows("Flags", names, rows)
    for sign, count in (("§", 1), ("¶", 1), ("€", 3), ("£", 3), ("¥", 3)):
        assert out.getvalue().count(sign) == count * len(ids)


@given(st.integers(20, 200), WRITTEN)
def test_whatever_is_too_long_goes_on_in_the_next_line(columns: int, text: str) -> None:
    digits = "".join(str(number % 10) for number in range(90))
    shown = printed(columns, "rows", text, digits, text)
    assert "…" not in shown.replace(text, "") or "…" in text
    assert digits in "".join(re.findall(r"^│ *(\d+) ", shown, re.MULTILINE))


def test_a_key_with_an_odd_name_is_shown_the_once(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    chirp("init", tmp_path / "data")
    chirp("user", "create", "bob", "--email", "a[red]b@x.org", "--name", "[/b] :smile:", *data)
    made = chirp("key", "create", "bob", "--name", "[/x]", *data)
    assert (made.returncode, made.stderr) == (0, "")
    assert "[/x]" in made.stdout
    assert re.search(r"chirp_[\w-]+", made.stdout)
    shown = chirp("user", "show", "bob", *data).stdout
    assert "a[red]b@x.org" in shown
    assert "[/b] :smile:" in shown


def test_an_invite_is_revoked_by_the_id_that_a_narrow_screen_shows(tmp_path: Path) -> None:
    data, narrow = ("--data", str(tmp_path / "data")), {"COLUMNS": "50"}
    chirp("init", tmp_path / "data")
    chirp("invite", "create", *data)
    found = re.search(r"\d{15,}", chirp("invite", "list", *data, env=narrow).stdout)
    assert found is not None
    assert chirp("invite", "revoke", found[0], *data).returncode == 0


def test_an_error_is_one_line_whatever_it_quotes(tmp_path: Path) -> None:
    done = chirp("stats", tmp_path / "[/b]\n\x1b[31mnowhere")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert r"[/b]\n\x1b[31mnowhere" in done.stderr


@pytest.mark.parametrize(
    "login", [None, {"username": "[/a]", "password": "[b]", "api_dev_key": "k"}]
)
def test_the_greeting_shows_addresses_with_brackets(
    login: dict[str, str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    greet("http://[fe80::1]:8080", login, Registration.OPEN)
    said = capsys.readouterr().out
    assert "Chirp is ready: http://[fe80::1]:8080 " in said
    assert login is None or "as [/a] with the password [b]" in said


@given(st.integers(20, 100), st.integers(1, 10**8))
def test_a_narrow_screen_shows_figures_whole(columns: int, value: int) -> None:
    out = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": str(columns)}), redirect_stdout(out):
        Output().report("This machine", {"people whose five years fit its disk, and more": value})
    assert str(value) in re.sub(r"[,_ ]", "", out.getvalue())
    assert "…" not in out.getvalue()
