"""What is logged of requests that are refused while the store stands still."""

from __future__ import annotations

import logging

import pytest

from chirp.errors import Conflict, StorageError, WritesStopped
from chirp.http.refusal_log import RefusalLog
from tests.support.clock import FixedClock
from tests.support.web import Http


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_line_a_second_for_each_reason(caplog: pytest.LogCaptureFixture) -> None:
    clock = FixedClock()
    refusals = RefusalLog(clock)
    for number in range(1, 10):
        for why in ("full", "broken"):
            assert refusals.write(WritesStopped(why), f"{why}-{number}")
        clock.advance_ms(250)
    assert lines(caplog) == [
        "request full-1 was refused: full",
        "request broken-1 was refused: broken",
        "request full-5 was refused: full; so were 3 before it",
        "request broken-5 was refused: broken; so were 3 before it",
        "request full-9 was refused: full; so were 3 before it",
        "request broken-9 was refused: broken; so were 3 before it",
    ]


@pytest.mark.parametrize("error", [StorageError("x"), Conflict("x"), ValueError("x")])
def test_what_is_new_is_not_taken(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    assert not RefusalLog(FixedClock()).write(error, "id-1")
    assert lines(caplog) == []


async def test_a_full_disk_does_not_flood_the_log(
    http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await http.chirp.register("ada")
    await http.tweet(ada)
    http.chirp.engine.stop_writes("the disk is full")
    for _ in range(9):
        (await http.post("/tweet", {"tweet_data": "hi"}, ada)).refused(503)
    assert [line.partition(" was ")[2] for line in lines(caplog)] == ["refused: the disk is full"]
    assert "Traceback" not in caplog.text


async def test_a_stopped_consumer_does_not_flood_the_log(
    http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await http.chirp.register("ada")
    reader = http.chirp.server.journal._readers["index"][0]
    reader.failure = ValueError("the cause")
    for _ in range(9):
        (await http.post("/tweet", {"tweet_data": "hi"}, ada)).refused(503)
    (line,) = lines(caplog)
    assert line.endswith("was refused: the index consumer has stopped")
    assert "Traceback" not in caplog.text


async def test_another_failure_of_the_store_keeps_its_trace(
    http: Http, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_given: object) -> None:
        raise StorageError("the shard cannot be read") from OSError("the cause")

    ada = await http.chirp.register("ada")
    monkeypatch.setattr(http.chirp.engine, "get_many", fails)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            (await http.get("/tweets/117664129228800000", ada)).refused(503)
    assert len(lines(caplog)) == caplog.text.count("OSError: the cause") == 2
