"""Forms with files: what is the client's mistake, and what is ours."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from chirp.views import Viewer
from tests.support.pictures import drawn, encoded
from tests.support.web import BASE, Answer, Http


async def send(http: Http, key: Viewer, texts: int = 0) -> Answer:
    """Send a photo behind so many other parts."""
    form = FormData()
    for number in range(texts):
        form.add_field(f"text-{number}", "said of it")
    form.add_field("file", BytesIO(encoded(drawn(), "PNG")), filename="a.png")
    return await http.ask("POST", f"/{BASE}/media", key, data=form)


async def test_a_mistake_of_ours_while_a_file_is_taken_is_logged(
    http: Http, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada, opened = await http.chirp.register("ada"), Path.open

    def closed(path: Path, mode: str = "r", *rest: Any) -> Any:
        file = opened(path, mode, *rest)
        if mode == "wb":
            file.close()
        return file

    monkeypatch.setattr(Path, "open", closed)
    answer = await send(http, ada)
    assert (answer.status, answer.json["error"]) == (500, "internal")
    assert "closed file" in caplog.text


async def test_a_form_may_have_forty_parts(http: Http) -> None:
    ada = await http.chirp.register("ada")
    assert (await send(http, ada, 39)).status == 200
    assert (await send(http, ada, 40)).status == 400


@pytest.mark.filterwarnings("ignore::aiohttp.multipart.BadContentDispositionParam")
@pytest.mark.filterwarnings("ignore::aiohttp.multipart.BadContentDispositionHeader")
@pytest.mark.parametrize("name", ["file*=bogus''a", "=", "file; filename*=x''%ff"])
async def test_a_part_with_a_head_that_says_nothing(http: Http, name: str) -> None:
    ada = await http.chirp.register("ada")
    head = f"--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n"
    body = head.encode() + b"x\r\n--b--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    (await http.ask("POST", "/media", ada, data=body, headers=kind)).refused(400)
