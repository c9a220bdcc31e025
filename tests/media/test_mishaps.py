"""What goes wrong around uploads: files that vanish, disks that fill up, owners who think anew."""

from __future__ import annotations

import asyncio
import os
from io import BufferedWriter, RawIOBase
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError
from msgspec.structs import replace

from chirp.blobs.disk import DiskBlobs
from chirp.errors import Unavailable
from chirp.model import Media, MediaId, MediaKind, MediaState
from tests.media.test_service import DAY_MS, files, path_of, photo, send, show
from tests.support.clock import FixedClock
from tests.support.driver import Driver, memory_store
from tests.support.engines import HeldEngine
from tests.support.pictures import drawn, encoded, video
from tests.support.web import Http


class FullDisk(RawIOBase):
    """A file that takes no byte; what is in the buffer before it cannot leave."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, _: Any) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self._file.close()
        super().close()


async def test_a_disk_that_is_full_at_the_last_bytes_keeps_nothing(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await http.chirp.register("ada")
    opened = Path.open

    def on_a_full_disk(path: Path, mode: str = "r", *rest: Any) -> Any:
        file = opened(path, mode, *rest)
        return BufferedWriter(FullDisk(file), 1 << 20) if mode == "wb" else file

    monkeypatch.setattr(Path, "open", on_a_full_disk)
    (await send(http, ada, encoded(drawn(), "PNG"))).refused(503)
    assert list((http.chirp.store.media_folder / "incoming").iterdir()) == []


async def test_a_file_that_cannot_be_read_ends_the_connection(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    await show(http, ada, media["media_id"])
    for file in files(http):
        file.unlink()
    with pytest.raises(ClientError):
        async with asyncio.timeout(5):
            await http.get(path_of(media["url"]))
    assert (await http.get("/users/ada")).status == 200


async def test_a_video_that_is_deleted_while_it_is_worked_on_leaves_nothing(
    http: Http, tmp_path: Path
) -> None:
    ada = await http.chirp.register("ada")
    answer = await send(http, ada, video(tmp_path / "v.webm", "libvpx").read_bytes())
    store = http.chirp.store
    row = await store.media.find(int(answer.json["media_id"]))
    assert row is not None
    await store.engine.commit(store.media.replace(row, None))
    incoming = store.media_folder / "incoming"
    for _ in range(600):
        if list(incoming.iterdir()):
            await asyncio.sleep(0.05)
    assert list(incoming.iterdir()) == []
    assert http.chirp.server.tasks.failures == []


async def test_a_video_that_cannot_be_written_down_leaves_nothing(
    http: Http, tmp_path: Path
) -> None:
    ada = await http.chirp.register("ada")
    http.chirp.engine.stop_writes("the disk is full")
    (await send(http, ada, video(tmp_path / "v.webm", "libvpx").read_bytes())).refused(503)
    assert list((http.chirp.store.media_folder / "incoming").iterdir()) == []


async def test_a_file_that_comes_again_while_it_is_swept_stays(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path / "blobs", FixedClock())
    for number in range(50):
        file, content = tmp_path / "file", b"the same"
        file.write_bytes(content)
        name = await blobs.put(file)
        os.utime(tmp_path / "blobs" / name[:2] / name, (0, 0))
        file.write_bytes(content)
        both = [blobs.put(file), blobs.delete_older(name, 3600)]
        await asyncio.gather(*(both if number % 2 else reversed(both)))
        assert await blobs.names() == [name]


@pytest.mark.parametrize("shown", [True, False])
async def test_what_changes_while_it_is_swept_stays_and_the_sweep_goes_on(
    same_switch_interval: None, shown: bool
) -> None:
    engine = HeldEngine()
    chirp = await Driver.open(memory_store(engine))
    async with Http(chirp) as http:
        ada, table = await chirp.register("ada"), chirp.store.media
        changing, unused = [(await photo(http, ada, step))["media_id"] for step in (1, 2)]
        if shown:
            await show(http, ada, changing)
        row = await table.find(int(changing))
        assert row is not None
        unmarked = replace(row, used_by=0)
        await engine.commit(table.put(unmarked))
        chirp.clock.advance_ms(2 * DAY_MS)
        engine.held = True
        sweeping = asyncio.create_task(chirp.server.media_sweep.sweep())
        for _ in range(1000):
            if not engine.waiting:
                await asyncio.sleep(0.01)
        engine.held = False
        described = replace(unmarked, alt_text="a finer gradient")
        await engine.commit(table.replace(unmarked, described))
        engine.release()
        await sweeping
        assert await table.find(int(changing)) == described
        assert await table.find(int(unused)) is None
        kept = {described.original.name, described.preview.name}
        assert kept <= {file.name for file in files(http)}
    await chirp.close()


async def test_nobody_waits_for_ever(http: Http) -> None:
    ada, clock = await http.chirp.register("ada"), http.chirp.clock
    row = Media(MediaId(7), ada.user_id, MediaKind.VIDEO, MediaState.PROCESSING, clock.now_ms())
    await http.chirp.store.engine.commit(http.chirp.store.media.put(row))
    waiting = asyncio.create_task(http.chirp.server.media.wait(ada, row.media_id))
    for _ in range(4000):
        clock.advance_ms(1000)
        await asyncio.sleep(0)
    assert waiting.done()
    with pytest.raises(Unavailable):
        await waiting


async def test_a_picture_is_either_of_the_two(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media_id = (await photo(http, ada))["media_id"]
    both = {"avatar_id": media_id, "header_id": media_id}
    (await http.ask("PATCH", "/users/me", ada, json=both)).refused(400, "header_id")
    none = {"avatar_id": 0, "header_id": 0}
    assert (await http.ask("PATCH", "/users/me", ada, json=none)).status == 200
    one = {"avatar_id": media_id}
    assert (await http.ask("PATCH", "/users/me", ada, json=one)).status == 200
