"""Invites, approvals and flags from the shell, on a store that no server has open."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import ServerProcess, chirp

RULES = {"CHIRP_ACCOUNTS_REGISTRATION": "approval", "CHIRP_AUDIT_SAME_TEXT_ACCOUNTS": "2"}
SPAM = "Buy these marvellous pills today"


def said(*words: str | Path) -> Any:
    done = chirp(*words, "--json", env=RULES)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ok(*words: str | Path) -> str:
    done = chirp(*words, env=RULES)
    assert done.returncode == 0, done.stderr
    return done.stdout


def post(server: ServerProcess, path: str, body: dict[str, str], key: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
    url = f"{server.url}/api/v1{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def person(name: str, **fields: str) -> dict[str, str]:
    email = f"{name}@example.org"
    return {"username": name, "name": name, "email": email, "password": "correct-horse"} | fields


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moderated") / "data"
    assert chirp("init", folder).returncode == 0
    return folder


def test_the_shell_lets_people_in_and_looks_at_flags(data: Path) -> None:
    code = said("invite", "create", "--uses", "2", "--days", "3", "--data", data)["code"]
    with ServerProcess(data, env=RULES) as server:
        keys = [
            post(server, "/users", person(name, invite=code))["api_dev_key"]
            for name in ("ada", "bob")
        ]
        held = post(server, "/users", person("eve"))["api_dev_key"]
        post(server, "/users", person("robot"))
        flagged = [post(server, "/tweet", {"tweet_data": SPAM}, key) for key in keys][-1]
    waiting = said("user", "list", "--waiting", "--data", data)
    assert [each["username"] for each in waiting] == ["eve", "robot"]
    ok("user", "approve", "eve", "--data", data)
    ok("user", "reject", "robot", "--note", "a robot", "--data", data)
    assert said("user", "list", "--waiting", "--data", data) == []
    (flag,) = said("flag", "list", "--data", data)
    assert (flag["flag_id"], flag["content"]) == (flagged["tweet"]["tweet_id"], SPAM)
    ok("flag", "close", flag["flag_id"], "--note", "a song", "--data", data)
    assert said("flag", "list", "--data", data) == []
    assert said("flag", "list", "--state", "closed", "--data", data)[0]["note"] == "a song"
    (invite,) = said("invite", "list", "--data", data)
    assert (invite["uses"], invite["most_uses"]) == (2, 2)
    ok("invite", "revoke", invite["invite_id"], "--data", data)
    assert "every invariant holds" in ok("check", data, "--deep")
    with ServerProcess(data, env=RULES) as server:
        post(server, "/tweet", {"tweet_data": "I am in"}, held)


@pytest.mark.parametrize(
    "words",
    [("user", "approve", "nobody"), ("user", "reject", "nobody"), ("invite", "revoke", "7"),
     ("flag", "close", "7")],
    ids=" ".join,
)  # fmt: skip
def test_what_is_not_there_is_one_line_and_exit_1(data: Path, words: tuple[str, ...]) -> None:
    done = chirp(*words, "--data", data)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_flags_outlive_kill_9(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    open_ = RULES | {"CHIRP_ACCOUNTS_REGISTRATION": "open"}
    server = ServerProcess(folder, env=open_)
    keys = [post(server, "/users", person(n))["api_dev_key"] for n in ("ada", "bob", "eve")]
    post(server, "/tweet", {"tweet_data": SPAM}, keys[0])
    server.kill()
    server = ServerProcess(folder, env=open_)
    post(server, "/tweet", {"tweet_data": SPAM}, keys[1])
    server.kill()
    with ServerProcess(folder, env=open_) as server:
        post(server, "/tweet", {"tweet_data": SPAM}, keys[2])
    # Which of the equal texts is the one too many depends on which journal is read first.
    flagged = [flag["flag_id"] for flag in said("flag", "list", "--data", folder)]
    assert flagged
    assert len(flagged) == len(set(flagged))


def test_a_server_off_loopback_asks_for_approval(tmp_path: Path) -> None:
    elsewhere = {"CHIRP_HOST": "0.0.0.0"}
    with ServerProcess(tmp_path / "data", env=elsewhere) as server:
        body = post(server, "/users", person("ada"))
        assert body["waiting_for_approval"] is True
        assert "by approval" in server.log()
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(server, "/tweet", {"tweet_data": "hi"}, body["api_dev_key"])
        assert caught.value.code == 403
        caught.value.close()
