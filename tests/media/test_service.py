"""Uploads over real HTTP: stored, shown, served, swept; hostile ones leave nothing behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from msgspec.structs import replace as changed

from chirp.config import MediaRules
from chirp.model import NO_BLOB, MediaState
from chirp.storage.check import check_store
from chirp.storage.codec import pack_media
from chirp.storage.engine import Batch
from chirp.storage.keys import Table, id_key
from chirp.views import Viewer
from tests.support.driver import Driver, config
from tests.support.pictures import animated, drawn, encoded, video, with_place
from tests.support.web import Answer, Http

RULES = MediaRules(max_photo_mb=1, max_video_mb=2)
DAY_MS = 24 * 3_600_000


@pytest.fixture
async def http(same_switch_interval: None) -> AsyncIterator[Http]:
    chirp = await Driver.open(settings=replace(config(), media=RULES))
    async with Http(chirp) as http:
        yield http
    await chirp.close()


async def send(http: Http, key: Viewer, file: bytes, **texts: str) -> Answer:
    form = FormData(texts)
    form.add_field("file", BytesIO(file), filename="whatever.txt", content_type="text/plain")
    return await http.ask("POST", "/media", key, data=form)


async def photo(http: Http, key: Viewer, step: int = 0) -> dict[str, Any]:
    answer = await send(http, key, encoded(drawn(step=step), "PNG"), alt_text="a gradient")
    assert answer.status == 200, answer.raw
    found: dict[str, Any] = answer.json
    return found


async def settled(http: Http, key: Viewer, media_id: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            found: dict[str, Any] = (await http.get(f"/media/{media_id}", key)).json
            if found["state"] != "processing":
                return found
            await asyncio.sleep(0.05)


async def show(http: Http, key: Viewer, *ids: str, text: str = "") -> Answer:
    return await http.post("/tweet", {"tweet_data": text, "media_ids": list(ids)}, key)


def path_of(url: str) -> str:
    return "//" + url.split("/", 3)[3]


def files(http: Http) -> list[Path]:
    folder = http.chirp.store.media_folder
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_photo_is_uploaded_shown_and_served(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    assert (media["type"], media["state"], media["alt_text"]) == ("photo", "ready", "a gradient")
    tweet = (await show(http, ada, media["media_id"])).json["tweet"]
    assert tweet["media"] == [media]
    assert tweet["content"] == ""
    assert (await http.get("/timeline/home", ada)).json["data"][0]["media"] == [media]
    for url in (media["url"], media["preview_url"]):
        answer = await http.get(path_of(url))
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("image/")
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_it_is_there_after_a_crash(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    tweet = (await show(http, ada, media["media_id"])).json["tweet"]
    store = http.chirp.store
    cached = (await http.chirp.server.tweets.find_many([int(tweet["tweet_id"])]))[0]
    assert cached is not None
    await http.chirp.server.media_sweep.sweep()
    row = await store.media.find(int(media["media_id"]))
    assert row is not None
    assert (row.used_by, len(files(http))) == (int(tweet["tweet_id"]), 2)
    assert cached.media == (row,)


async def test_ranges_and_tags(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    await show(http, ada, media["media_id"])
    url = path_of(media["url"])
    whole = await http.get(url)
    size = len(whole.raw)
    part = await http.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status, part.raw) == (206, whole.raw[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{size}"
    assert (await http.get(url, headers={"Range": "bytes=-5"})).raw == whole.raw[-5:]
    beyond = await http.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    tag = whole.headers["ETag"]
    assert (await http.get(url, headers={"If-None-Match": tag})).status == 304
    stale = await http.get(url, headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert (stale.status, len(stale.raw)) == (200, size)
    head = await http.ask("HEAD", url)
    assert (head.status, head.raw, int(head.headers["Content-Length"])) == (200, b"", size)


async def test_what_nothing_shows_is_its_owner_s_alone(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    media = await photo(http, ada)
    url = path_of(media["url"])
    mine = await http.get(url, ada)
    assert (mine.status, mine.headers["Cache-Control"]) == (200, "private, no-store")
    for key in (bob, None):
        assert (await http.get(url, key)).status == 404
    assert (await http.get(f"/media/{media['media_id']}", bob)).status == 404
    (await show(http, bob, media["media_id"])).refused(400, "media_ids")


async def test_a_deleted_tweet_s_media_are_hidden_and_then_gone(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    tweet = (await show(http, ada, media["media_id"])).json["tweet"]
    await http.ask("DELETE", f"/tweets/{tweet['tweet_id']}", ada)
    for key in (ada, None):
        assert (await http.get(path_of(media["url"]), key)).status == 404
    http.chirp.clock.advance_ms(2 * DAY_MS)
    await http.chirp.server.media_sweep.sweep()
    assert files(http) == []
    assert await http.chirp.store.media.find(int(media["media_id"])) is None


async def test_the_same_file_of_two_people_is_kept_once_and_as_long_as_one_shows_it(
    http: Http,
) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    first, second = await photo(http, ada), await photo(http, bob)
    assert len(files(http)) == 2
    tweet = (await show(http, ada, first["media_id"])).json["tweet"]
    await show(http, bob, second["media_id"])
    await http.ask("DELETE", f"/tweets/{tweet['tweet_id']}", ada)
    http.chirp.clock.advance_ms(2 * DAY_MS)
    await http.chirp.server.media_sweep.sweep()
    table = http.chirp.store.media
    assert await table.find(int(first["media_id"])) is None
    assert await table.find(int(second["media_id"])) is not None
    assert len(files(http)) == 2


async def test_what_nobody_shows_is_swept_after_a_day(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    http.chirp.clock.advance_ms(DAY_MS - 1000)
    table = http.chirp.store.media
    await http.chirp.server.media_sweep.sweep()
    assert await table.find(int(media["media_id"])) is not None
    http.chirp.clock.advance_ms(2000)
    await http.chirp.server.media_sweep.sweep()
    assert await table.find(int(media["media_id"])) is None
    assert files(http) == []


async def test_a_crash_between_a_tweet_and_its_media_is_mended(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    tweet = (await show(http, ada, media["media_id"])).json["tweet"]
    table = http.chirp.store.media
    row = await table.find(int(media["media_id"]))
    assert row is not None
    await http.chirp.store.engine.commit(table.put(changed(row, used_by=0)))
    http.chirp.clock.advance_ms(2 * DAY_MS)
    await http.chirp.server.media_sweep.sweep()
    mended = await table.find(int(media["media_id"]))
    assert mended is not None
    assert mended.used_by == int(tweet["tweet_id"])


async def test_a_video_is_processed_in_the_background(http: Http, tmp_path: Path) -> None:
    ada = await http.chirp.register("ada")
    answer = await send(http, ada, video(tmp_path / "v.webm", "libvpx").read_bytes())
    assert (answer.status, answer.json["state"], answer.json["url"]) == (202, "processing", None)
    (await show(http, ada, answer.json["media_id"])).refused(422, "media_ids")
    media = await settled(http, ada, answer.json["media_id"])
    assert (media["type"], media["state"], media["duration_s"]) == ("video", "ready", 2.0)
    assert (await show(http, ada, media["media_id"])).status == 201
    served = await http.get(path_of(media["url"]))
    assert served.headers["Content-Type"] == "video/mp4"


async def test_a_broken_video_ends_as_failed(http: Http, tmp_path: Path) -> None:
    ada = await http.chirp.register("ada")
    raw = video(tmp_path / "v.webm", "libvpx", frames=100).read_bytes()
    answer = await send(http, ada, raw[: len(raw) // 3])
    assert (await settled(http, ada, answer.json["media_id"]))["state"] == "failed"
    (await show(http, ada, answer.json["media_id"])).refused(422, "media_ids")
    assert files(http) == []


async def test_work_that_a_crash_cut_off_is_done_again(http: Http, tmp_path: Path) -> None:
    ada = await http.chirp.register("ada")
    answer = await send(http, ada, video(tmp_path / "v.webm", "libvpx").read_bytes())
    folder = http.chirp.store.media_folder
    server = http.chirp.server
    await server.tasks.close()
    (folder / "incoming" / "leftover").mkdir()
    await server.media.resume()
    media = await settled(http, ada, answer.json["media_id"])
    assert media["state"] == "ready"
    await asyncio.sleep(0.2)
    assert not (folder / "incoming" / "leftover").exists()


async def test_an_animation_is_a_gif(http: Http) -> None:
    ada = await http.chirp.register("ada")
    answer = await send(http, ada, animated())
    assert (answer.status, answer.json["type"]) == (200, "gif")


@pytest.mark.parametrize(
    ("file", "status"),
    [
        (b"", 400),
        (b"just text", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", 415),
        (with_place(drawn())[:500], 422),
        (b"\xff\xd8\xff" + bytes(3 << 20), 413),
        (b"\x1a\x45\xdf\xa3" + bytes(4 << 20), 413),
    ],
    ids=["empty", "text", "svg", "truncated", "too large a photo", "too large a body"],
)
async def test_a_bad_file_is_refused_and_leaves_nothing(
    http: Http, file: bytes, status: int
) -> None:
    ada = await http.chirp.register("ada")
    answer = await send(http, ada, file)
    answer.refused(status)
    assert files(http) == []
    assert await http.chirp.store.media.above(0, 10) == []


@pytest.mark.parametrize("fields", [{}, {"other": "x"}])
async def test_a_form_without_a_file_is_refused(http: Http, fields: dict[str, str]) -> None:
    ada = await http.chirp.register("ada")
    form = FormData(fields, default_to_multipart=True)
    form.add_field("alt_text", "nothing")
    (await http.ask("POST", "/media", ada, data=form)).refused(400, "file")
    assert (await http.ask("POST", "/media", ada, json={"file": "x"})).status == 400
    assert (await http.ask("POST", "/media", None, data=form)).status == 401


async def test_what_a_tweet_takes(http: Http) -> None:
    ada = await http.chirp.register("ada")
    ids = [(await photo(http, ada, step))["media_id"] for step in range(5)]
    gif = (await send(http, ada, animated())).json["media_id"]
    (await show(http, ada, *ids)).refused(400, "media_ids")
    (await show(http, ada, ids[0], ids[0])).refused(400, "media_ids")
    (await show(http, ada, ids[0], gif)).refused(400, "media_ids")
    (await show(http, ada, "999")).refused(400, "media_ids")
    assert (await show(http, ada, *ids[:4])).status == 201
    (await show(http, ada, ids[0])).refused(400, "media_ids")
    assert (await show(http, ada, gif)).status == 201


async def test_of_two_tweets_at_once_one_gets_the_photo(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    both = await asyncio.gather(*[show(http, ada, media["media_id"]) for _ in range(2)])
    assert sorted(answer.status for answer in both) == [201, 400]


async def test_a_description_may_be_changed_also_in_a_tweet(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    media = await photo(http, ada)
    tweet = (await show(http, ada, media["media_id"])).json["tweet"]
    path = f"/media/{media['media_id']}"
    (await http.ask("PATCH", path, ada, json={"alt_text": "x" * 1501})).refused(400, "alt_text")
    assert (await http.ask("PATCH", path, bob, json={"alt_text": "x"})).status == 404
    changed = await http.ask("PATCH", path, ada, json={"alt_text": "a finer gradient"})
    assert changed.json["alt_text"] == "a finer gradient"
    again = (await http.get(f"/tweets/{tweet['tweet_id']}")).json
    assert again["media"][0]["alt_text"] == "a finer gradient"


async def test_a_profile_shows_a_picture(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    answer = await http.ask("PATCH", "/users/me", ada, json={"avatar_id": media["media_id"]})
    url = answer.json["avatar_url"]
    assert (await http.get(path_of(url))).status == 200
    tweet = (await show(http, ada, text="hi")).json["tweet"]
    assert tweet["user"]["avatar_url"] == url
    await http.chirp.server.media_sweep.sweep()
    assert (await http.get(path_of(url))).status == 200
    await http.ask("PATCH", "/users/me", ada, json={"avatar_id": 0})
    assert (await http.get("/users/ada")).json["avatar_url"] is None
    assert (await http.get(path_of(url))).status == 404


async def test_a_full_budget_refuses_uploads(http: Http) -> None:
    ada = await http.chirp.register("ada")
    http.chirp.server.media_sweep.used_bytes = RULES.max_gb << 30
    answer = await send(http, ada, encoded(drawn(), "PNG"))
    answer.refused(503)
    assert int(answer.headers["Retry-After"]) > 0


async def test_only_media_shows_tweets_with_media(http: Http) -> None:
    ada = await http.chirp.register("ada")
    await show(http, ada, text="words")
    media = await photo(http, ada)
    tweet = (await show(http, ada, media["media_id"])).json["tweet"]
    page = (await http.get("/users/ada/tweets?only_media=true")).json["data"]
    assert [one["tweet_id"] for one in page] == [tweet["tweet_id"]]


async def test_the_check_names_rows_that_cannot_be(http: Http) -> None:
    ada = await http.chirp.register("ada")
    media = await photo(http, ada)
    store = http.chirp.store
    row = await store.media.find(int(media["media_id"]))
    assert row is not None
    assert (await check_store(store)).problems == []
    await store.engine.commit(store.media.put(changed(row, original=NO_BLOB)))
    batch = Batch(77)
    batch.put(Table.MEDIA, id_key(77), pack_media(row))
    await store.engine.commit(batch)
    said = {problem.what for problem in (await check_store(store)).problems}
    assert any("another upload" in one for one in said)
    assert any("names no files" in one for one in said)


async def test_a_full_disk_refuses_an_upload(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await http.chirp.register("ada")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (await send(http, ada, encoded(drawn(), "PNG"))).refused(503)
    monkeypatch.undo()
    assert files(http) == []
    assert (await send(http, ada, encoded(drawn(), "PNG"))).status == 200


async def test_a_full_disk_puts_a_video_off_until_there_is_room(
    http: Http, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await http.chirp.register("ada")
    calls = 0

    def full_for_a_while(_: int) -> None:
        nonlocal calls
        calls += 1
        if 1 < calls < 4:  # the upload itself had room
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_for_a_while)
    answer = await send(http, ada, video(tmp_path / "v.mp4", "libx264").read_bytes())
    assert answer.status == 202
    media_id = int(answer.json["media_id"])
    async with asyncio.timeout(30):
        while (media := await http.chirp.store.media.find(media_id)) and not media.original.name:
            http.chirp.clock.advance_ms(60_000)
            await asyncio.sleep(0.05)
    assert media is not None
    assert media.state is MediaState.READY
    assert calls > 4
