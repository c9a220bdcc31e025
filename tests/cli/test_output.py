"""What is printed is what is there: anybody's text, and nothing that steers."""

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
        exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    min_size=1,
    max_size=60,
)
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


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
    assert literal("a\x1b[31m\r\n\x9b\u202e") == r"a\x1b[31m\r\n\x9b\u202e"


def test_a_key_with_an_odd_name_is_shown_the_once(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    chirp("init", tmp_path / "data")
    chirp("user", "create", "bob", "--email", "a[red]b@x.org", "--name", "[/b] :smile:", *data)
    made = chirp("key", "create", "bob", "--name", "[/x]", *data)
    assert (made.returncode, made.stderr) == (0, "")
    assert "[/x]" in made.stdout
    assert re.search(r"chirp_\w+", made.stdout)
    shown = chirp("user", "show", "bob", *data).stdout
    assert "a[red]b@x.org" in shown
    assert "[/b] :smile:" in shown


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
