"""The command line: what it prints, how it fails, and that the demo is the same twice."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import click
import pytest

from chirp.cli.main import cli
from chirp.storage.keys import Table, everything
from chirp.storage.store import open_store
from tests.support.process import ServerProcess, chirp

UNTIL = "2026-11-01T12:00:00Z"


def commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    """Return the words of every command."""
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, *names, name)
        else:
            found.append((*names, name))
    return found


@pytest.mark.parametrize("words", commands(cli), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    done = chirp(*words, "--help")
    assert done.returncode == 0
    assert f"Example: chirp {' '.join(words)}" in done.stdout


def one_line(text: str) -> bool:
    return len(text.strip().splitlines()) == 1 and "Traceback" not in text


def test_init_makes_a_store_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert chirp("init", data, "--shards", "3", "--id-layout", "48").returncode == 0
    manifest = json.loads((data / "manifest.json").read_text())
    assert (manifest["shards"], manifest["id_layout"]) == (3, "48")
    again = chirp("init", data)
    assert again.returncode == 1
    assert one_line(again.stderr)


def test_a_stores_files_are_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    chirp("init", data)
    chirp("user", "create", "ada", "--email", "a@b.org", "--data", data)
    open_to_others = [p.name for p in [data, *data.iterdir()] if p.stat().st_mode & 0o077]
    assert open_to_others == []


@pytest.mark.parametrize(
    "words",
    [("stats", "nowhere"), ("check", "nowhere"), ("migrate", "nowhere"), ("user", "list")],
    ids=" ".join,
)
def test_a_missing_store_is_one_line_and_exit_1(tmp_path: Path, words: tuple[str, ...]) -> None:
    place = ("--data", str(tmp_path / "nowhere")) if words[0] == "user" else ()
    words = tuple(str(tmp_path / word) if word == "nowhere" else word for word in words)
    done = chirp(*words, *place)
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "chirp init" in done.stderr


def test_a_usage_error_is_exit_2(tmp_path: Path) -> None:
    assert chirp("demo").returncode == 2
    assert chirp("init", tmp_path / "x", "--shards", "0").returncode == 2
    assert chirp("serve", "--port", "99999").returncode == 2


def test_a_wrong_setting_is_one_line_and_exit_1(tmp_path: Path) -> None:
    done = chirp("serve", "--data", tmp_path, env={"CHIRP_CACHE_TWEETS_MB": "much"})
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "cache.tweets_mb" in done.stderr


async def rows_of(data: Path) -> dict[str, list[tuple[bytes, bytes]]]:
    """Return all rows of the tables that hold no secrets."""
    store = await open_store(data)
    secret = {Table.KEYS, Table.USER_KEYS, Table.ACCOUNTS}
    rows = {
        table.name: await store.engine.scatter(table, *everything(), 1 << 40)
        for table in Table
        if table not in secret
    }
    await store.close()
    return rows


def demo(data: Path, *words: str | Path) -> dict[str, object]:
    done = chirp("demo", data, "--users", "60", "--until", UNTIL, "--json", *words)
    assert done.returncode == 0, done.stderr
    figures: dict[str, object] = json.loads(done.stdout)
    return figures


def test_the_same_seed_gives_the_same_community(tmp_path: Path) -> None:
    for name in ("one", "two"):
        demo(tmp_path / name)
    demo(tmp_path / "other", "--seed", "2")
    one, two, other = (asyncio.run(rows_of(tmp_path / n)) for n in ("one", "two", "other"))
    assert one == two
    assert one["TWEETS"] != other["TWEETS"]


def test_the_demos_people_have_no_password_but_the_login(tmp_path: Path) -> None:
    figures = demo(tmp_path / "data", "--keys-out", tmp_path / "keys.json")
    keys = json.loads((tmp_path / "keys.json").read_text())
    assert len(keys) == 60
    for secret in (tmp_path / "keys.json", tmp_path / "data" / "demo-login.json"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600

    async def hashes() -> dict[str, bool]:
        store = await open_store(tmp_path / "data")
        accounts = await store.directory.accounts()
        await store.close()
        return {account.username: account.password_hash is not None for account in accounts}

    assert [name for name, has in asyncio.run(hashes()).items() if has] == [figures["login"]]


def test_a_demo_does_not_mix_with_people(tmp_path: Path) -> None:
    demo(tmp_path / "data")
    again = chirp("demo", tmp_path / "data", "--users", "10")
    assert again.returncode == 1
    assert one_line(again.stderr)


@pytest.mark.parametrize("line", ["1", "1 x!", "1 " + "9" * 40])
def test_a_bad_graph_is_one_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "graph").write_text(f"# a comment\r\n1 2\r\n{line}\n")
    done = chirp("demo", tmp_path / "data", "--graph", tmp_path / "graph")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "line 3" in done.stderr


def test_accounts_and_keys_from_the_shell(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    chirp("init", tmp_path / "data")
    created = chirp(
        "user", "create", "ada", "--email", "a@b.org", "--password-stdin", *data,
        stdin="correct-horse\n",
    )  # fmt: skip
    assert created.returncode == 0, created.stderr
    assert chirp("user", "create", "ADA", "--email", "x@b.org", *data).returncode == 1
    assert chirp("user", "set-role", "ada", "admin", *data).returncode == 0
    shown = json.loads(chirp("user", "show", "ada", "--json", *data).stdout)
    assert (shown["role"], shown["keys"]) == ("admin", 1)
    made = json.loads(chirp("key", "create", "ada", "--name", "bot", "--json", *data).stdout)
    names = [key["name"] for key in json.loads(chirp("key", "list", "ada", "--json", *data).stdout)]
    assert names == ["session", "bot"]
    assert chirp("key", "revoke", "ada", made["key_id"], *data).returncode == 0
    assert chirp("key", "revoke", "ada", made["key_id"], *data).returncode == 1


def test_a_new_password_ends_sessions_and_a_suspension_shows(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    chirp("init", tmp_path / "data")
    chirp("user", "create", "ada", "--email", "a@b.org", *data)
    chirp("key", "create", "ada", "--name", "bot", *data)
    assert chirp("user", "reset-password", "ada", *data).returncode == 0
    names = [key["name"] for key in json.loads(chirp("key", "list", "ada", "--json", *data).stdout)]
    assert names == ["bot"]
    assert chirp("user", "suspend", "ada", *data).returncode == 0
    assert json.loads(chirp("user", "list", "--json", *data).stdout)[0]["suspended"] is True
    assert chirp("user", "suspend", "ada", "--lift", *data).returncode == 0
    assert json.loads(chirp("user", "list", "--json", *data).stdout)[0]["suspended"] is False
    assert json.loads(chirp("check", tmp_path / "data", "--json").stdout)["problems"] == []


def test_a_deleted_account_leaves_nothing_behind(tmp_path: Path) -> None:
    figures = demo(tmp_path / "data")
    data = ("--data", str(tmp_path / "data"))
    login = str(figures["login"])
    done = chirp("user", "delete", login, "--yes", *data)
    assert done.returncode == 0, done.stderr
    assert chirp("user", "show", login, *data).returncode == 1
    stats = json.loads(chirp("stats", tmp_path / "data", "--json").stdout)
    assert stats["tables"]["users"]["rows"] == 59
    assert json.loads(chirp("check", tmp_path / "data", "--json").stdout)["problems"] == []
    again = chirp("user", "create", login, "--email", "new@b.org", *data)
    assert again.returncode == 0, again.stderr


def test_stats_and_check_speak_json(tmp_path: Path) -> None:
    demo(tmp_path / "data")
    stats = json.loads(chirp("stats", tmp_path / "data", "--json").stdout)
    assert stats["tables"]["users"]["rows"] == 60
    assert stats["journal_lag"] == 0
    checked = chirp("check", tmp_path / "data", "--deep", "--json")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["problems"] == []


def test_a_running_store_is_refused_to_everybody_else(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        done = chirp("stats", tmp_path / "data")
        assert done.returncode == 1
        assert one_line(done.stderr)
        assert str(server.process.pid) in done.stderr
        second = chirp("serve", "--data", tmp_path / "data", "--port", str(server.port))
        assert second.returncode == 1
        assert one_line(second.stderr)


def test_a_demo_of_the_future_is_refused(tmp_path: Path) -> None:
    done = chirp("demo", tmp_path / "data", "--until", "2150-01-01")
    assert done.returncode == 2
    assert "still to come" in done.stderr
    assert done.stderr.startswith("Usage: chirp demo")
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "one") as server:
        second = chirp("serve", "--data", tmp_path / "two", "--port", str(server.port))
        assert second.returncode == 1
        assert "cannot listen" in second.stderr
        assert "another --port" in second.stderr
        assert "Traceback" not in second.stderr
        assert not (tmp_path / "two").exists(), "no store is made that nobody could reach"


def test_an_address_of_another_machine_is_one_line(tmp_path: Path) -> None:
    done = chirp("serve", "--data", tmp_path / "data", "--host", "192.0.2.1")
    assert done.returncode == 1
    assert "cannot listen on 192.0.2.1" in done.stderr
    assert "--host" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_nothing_to_migrate_is_said(tmp_path: Path) -> None:
    chirp("init", tmp_path / "data")
    done = chirp("migrate", tmp_path / "data")
    assert (done.returncode, done.stdout.strip()) == (0, "nothing to do")
