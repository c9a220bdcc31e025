"""The commands and the bot of the documents work, as they stand there, against a real socket."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.docs.pages import text_of
from tests.support.web import BASE, Http

SHELL = shutil.which("bash")
FENCED_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATUS = "STATUS:"


def address_of(http: Http) -> str:
    return str(http.client.make_url("")).rstrip("/")


async def run_shell(line: str, variables: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        SHELL or "bash",
        "-c",
        line,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return out.decode()


@pytest.mark.skipif(SHELL is None or shutil.which("curl") is None, reason="needs bash and curl")
@pytest.mark.parametrize(
    ("page", "refused"), [("README.md", ["400"]), ("docs/api/quickstart.md", [])]
)
async def test_every_curl_of_a_page_works(page: str, refused: list[str], http: Http) -> None:
    variables = {"URL": address_of(http) + BASE}
    keys: list[str] = []
    odd: list[str] = []
    for line in re.findall(r"^    ([A-Z]+=\S*|curl .*)", text_of(page), re.MULTILINE):
        name, sign, value = line.partition("=")
        if line.startswith("curl"):
            out = await run_shell(f"{line} -sS -w {STATUS}%{{http_code}}", variables)
            body, _, status = out.rpartition(STATUS)
            if "/users -d username=" in line:
                keys += re.findall(r'"api_dev_key":"(\w[^"]*)"', body)
            odd += [] if status in {"200", "201"} else [status]
        elif sign and value.startswith("chirp_"):
            variables[name] = keys.pop(0)
    assert odd == refused


@asynccontextmanager
async def running(bot: Path, variables: dict[str, str]) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(bot), env={**os.environ, **variables}
    )
    try:
        yield
    finally:
        assert process.returncode is None, "the bot has stopped"
        process.kill()
        await process.wait()


async def texts_of(http: Http, name: str, count: int) -> list[str]:
    """Wait until somebody has written `count` tweets, and return them, newest first."""
    async with asyncio.timeout(10):
        while True:
            page = await http.ok(await http.get(f"/users/{name}/tweets"))
            if len(page["data"]) >= count:
                return [tweet["content"] for tweet in page["data"]]
            await asyncio.sleep(0.05)


async def until_streams(http: Http, count: int) -> None:
    """Wait until so many streams are open."""
    async with asyncio.timeout(10):
        while len(http.chirp.server.bus) < count:  # noqa: ASYNC110  (it has no event for tests)
            await asyncio.sleep(0.02)


BOTS = ["docs/api/quickstart.md", "docs/api/client.md"]


@pytest.mark.parametrize("page", BOTS)
async def test_the_bot_answers(page: str, http: Http, tmp_path: Path) -> None:
    (source,) = FENCED_PYTHON.findall(text_of(page))
    bot = tmp_path / "bot.py"
    bot.write_text(source, encoding="utf-8")
    ada, greeter = [(await http.register(n))["api_dev_key"] for n in ("ada", "greeter")]
    await http.ok(await http.post("/users/ada/follow", key=greeter))
    async with running(bot, {"CHIRP_URL": address_of(http), "CHIRP_KEY": greeter}):
        assert await texts_of(http, "greeter", 1) == ["I am here."]
        await until_streams(http, 1 if "chirp.client" in source else 0)
        await http.tweet(ada, "@Greeter how are you?")
        assert await texts_of(http, "greeter", 2) == ["@ada hello!", "I am here."]


@pytest.mark.parametrize("page", BOTS)
def test_the_bot_is_short(page: str) -> None:
    (source,) = FENCED_PYTHON.findall(text_of(page))
    assert len([line for line in source.splitlines() if line.strip()]) <= 30
