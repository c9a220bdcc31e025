"""What scripts ask beside pages."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.surfing import Person
from tests.support.web import Http


async def told(person: Person, query: str, **headers: str) -> list[str]:
    """Open the stream; return the events that come before its first place."""
    found = []
    url = person.base.join(person.base.with_path("/stream").with_query(query))
    async with asyncio.timeout(10), person.session.get(url, headers=headers) as answer:
        assert answer.status == 200
        async for line in answer.content:
            if line.startswith(b"id:"):
                break
            found += [line.decode().strip()] if line.startswith(b"data:") else []
    return found


async def test_a_stream_begins_behind_what_a_page_shows(http: Http, ada: Person) -> None:
    bob = await http.chirp.register("bob")
    await ada.post("/bob/follow")
    ids = [(await http.tweet(bob, text))["tweet_id"] for text in ("one", "two", "three")]
    wanted = [f'data:{{"id":"{one}","own":false}}' for one in ids]
    spaced = [line.replace("data: ", "data:") for line in await told(ada, f"since_id={ids[0]}")]
    assert spaced == wanted[1:]
    assert len(await told(ada, "since_id=1")) == 3
    assert await told(ada, "") == []


@pytest.mark.parametrize("since", ["0", "x", "", "1" * 20])
async def test_a_stream_behind_nothing_is_refused(since: str, ada: Person) -> None:
    assert (await ada.get(f"/stream?since_id={since}")).status == 400
