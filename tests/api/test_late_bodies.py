"""A body that arrives slowly does not outlive the key that it came with."""

from __future__ import annotations

import json

import pytest

from chirp.views import Viewer
from tests.support.driver import Driver
from tests.support.raw import Raw
from tests.support.web import BASE, Http

BODY = json.dumps({"tweet_data": "late"}).encode()


async def end(chirp: Driver, who: Viewer, how: str) -> None:
    """End what lets somebody in, as far as the sweep goes."""
    server = chirp.server
    if how == "revoked":
        await server.accounts.sign_out(who)
    elif how == "closed":
        await server.administration.delete("ada")
    elif how == "suspended":
        await server.administration.suspend("ada", suspended=True)
    await server.journal.wait_idle()


async def late(http: Http, who: Viewer, request: str, how: str, *, body: bytes = BODY) -> bytes:
    """Send a request whose body comes after the key has ended; return the answer."""
    head = f"{request} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    secret = http.chirp.secrets[who.user_id]
    head += f"Content-Type: application/json\r\nX-API-Key: {secret}\r\n\r\n"
    raw = await (await Raw.open(http)).send(head.encode() + body[:5])
    await end(http.chirp, who, how)
    return await (await raw.send(body[5:])).answer()


ENDS = pytest.mark.parametrize(
    ("how", "status"), [("closed", 401), ("revoked", 401), ("suspended", 403)]
)


@ENDS
async def test_a_post_that_arrives_late_is_not_posted(http: Http, how: str, status: int) -> None:
    ada = await http.chirp.register("ada")
    answer = await late(http, ada, f"POST {BASE}/tweet", how)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    await http.chirp.check()
    assert http.chirp.engine.stats().tables["tweets"].rows == 0


@ENDS
async def test_a_verb_whose_needless_body_arrives_late_does_nothing(
    http: Http, how: str, status: int
) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    tweet = await http.chirp.post(bob)
    path = f"POST {BASE}/tweets/{tweet.tweet_id}/bookmark"
    answer = await late(http, ada, path, how, body=b'{"a":   1}')
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    await http.chirp.check()
    assert http.chirp.engine.stats().tables["bookmarks"].rows == 0


async def test_a_late_body_with_a_key_that_stands_is_welcome(http: Http) -> None:
    ada = await http.chirp.register("ada")
    answer = await late(http, ada, f"POST {BASE}/tweet", "kept")
    assert answer.startswith(b"HTTP/1.1 201 ")
