"""Whoever blocks and whoever is blocked see nothing of each other, on any route."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chirp.model import Tweet
from chirp.views import Viewer
from tests.support.driver import Driver
from tests.support.web import BASE, Http

ANSWERS = {
    "/timeline/home": 200,
    "/timeline/public": 200,
    "/bookmarks": 200,
    "/tweets/{id}": 404,
    "/tweets/{id}/versions": 404,
    "/tweets/{id}/thread": 404,
    "/tweets/{id}/favorites": 404,
    "/tweets/{id}/retweets": 404,
    "/tweets/{id}/quotes": 404,
    "/users/me": 200,
    "/users/{username}": 200,
    "/users/{username}/tweets": 200,
    "/users/{username}/followers": 200,
    "/users/{username}/following": 200,
    "/users/{username}/favorites": 200,
    "/keys": 200,
    "/stream": 400,
    "/media/{id}": 404,
    "/admin/registrations": 403,
    "/admin/invites": 403,
    "/admin/flags": 403,
    "/admin/actions": 403,
}
"""What the other side of a block is answered, of every GET that there is (tests/services and
tests/api/test_streams.py tell of what a stream tells them)."""

ELSEWHERE = [path for path in ANSWERS if "{" in path and "media" not in path]
"""Where somebody else is asked for, whom both see."""

SIDES = pytest.mark.parametrize("blocker", ["ada", "bob"])
SECRET = "what ada says"


@dataclass
class Block:
    """Bob reads; a block stands between him and Ada; Carl is everybody's friend."""

    ada: Viewer
    bob: Viewer
    carl: Viewer
    hidden: Tweet
    shown: Tweet


async def blocked(chirp: Driver, blocker: str) -> Block:
    """Let Ada, Bob and Carl do all there is to each other, and then let one block the other."""
    ada, bob, carl = await chirp.register_many("ada", "bob", "carl")
    for one, other in ((ada, bob), (bob, ada), (bob, carl), (carl, ada), (ada, carl)):
        await chirp.follow(one, other)
    hidden, shown = await chirp.post(ada, SECRET), await chirp.post(carl, "carl")
    for who, tweet in ((bob, hidden), (carl, hidden), (ada, shown)):
        for verb in ("favorite", "retweet", "bookmark"):
            await chirp.react(who, verb, tweet)
    for who, tweet in ((carl, hidden), (ada, shown)):
        await chirp.post(who, SECRET if who is ada else "reply", reply_to=tweet)
        await chirp.post(who, SECRET if who is ada else "quote", quote=tweet)
    await chirp.edit(ada, hidden, SECRET + " now")
    one, other = (ada, bob) if blocker == "ada" else (bob, ada)
    await chirp.relate(one, "block", other)
    return Block(ada, bob, carl, hidden, shown)


async def test_every_route_is_listed(http: Http) -> None:
    found = {
        resource.canonical.removeprefix(BASE)
        for resource in http.chirp.server.app.router.resources()
        if resource.canonical.startswith(BASE) and "GET" in {r.method for r in resource}
    }
    assert found == set(ANSWERS)


@SIDES
@pytest.mark.parametrize("path", ANSWERS)
async def test_a_block_hides_tweets_and_people(http: Http, path: str, blocker: str) -> None:
    block = await blocked(http.chirp, blocker)
    answer = await http.get(path.format(id=block.hidden.tweet_id, username="ada"), block.bob)
    assert answer.status == ANSWERS[path]
    assert SECRET.encode() not in answer.raw
    assert path == "/users/{username}" or str(block.ada.user_id).encode() not in answer.raw


@SIDES
@pytest.mark.parametrize("path", ELSEWHERE)
async def test_a_block_holds_where_others_are_asked_for(
    http: Http, path: str, blocker: str
) -> None:
    block = await blocked(http.chirp, blocker)
    path = path.format(id=block.shown.tweet_id, username="carl")
    answer = await http.get(path, block.bob)
    assert answer.status == 200
    assert SECRET.encode() not in answer.raw
    assert str(block.ada.user_id).encode() not in answer.raw
    stranger = await http.chirp.register("dora")
    seen = (await http.get(path, stranger)).raw
    assert (str(block.ada.user_id).encode() in seen) is not path.endswith(
        ("/versions", "/carl", str(block.shown.tweet_id))
    )


@SIDES
async def test_a_block_hides_from_nobody_else(http: Http, blocker: str) -> None:
    block = await blocked(http.chirp, blocker)
    for viewer in (None, block.carl, block.ada):
        assert (await http.get(f"/tweets/{block.hidden.tweet_id}", viewer)).status == 200
    assert SECRET.encode() in (await http.get("/timeline/home", block.carl)).raw


@pytest.mark.parametrize(("blocker", "status"), [("ada", 404), ("bob", 403)])
async def test_one_cannot_react_across_a_block(http: Http, blocker: str, status: int) -> None:
    block = await blocked(http.chirp, blocker)
    for verb in ("favorite", "retweet", "bookmark"):
        path = f"/tweets/{block.hidden.tweet_id}/{verb}"
        (await http.post(path, key=block.bob)).refused(status)
        (await http.delete(path, block.bob)).refused(status)


@SIDES
@pytest.mark.parametrize("field", ["in_reply_to_tweet_id", "quote_of_tweet_id"])
async def test_one_cannot_answer_across_a_block(http: Http, blocker: str, field: str) -> None:
    block = await blocked(http.chirp, blocker)
    body = {"tweet_data": "hey", field: str(block.hidden.tweet_id)}
    (await http.post("/tweet", body, block.bob)).refused(400, field)


@SIDES
async def test_a_block_ends_the_follows_and_forbids_new_ones(http: Http, blocker: str) -> None:
    block = await blocked(http.chirp, blocker)
    for who in (block.ada, block.bob):
        assert await http.chirp.followers(who) == ([block.carl.user_id] if who is block.ada else [])
    (await http.post("/users/ada/follow", key=block.bob)).refused(403)
    (await http.post("/users/bob/follow", key=block.ada)).refused(403)


@pytest.mark.parametrize("path", ANSWERS)
async def test_a_mute_hides_from_timelines_alone(http: Http, path: str) -> None:
    block = await blocked(http.chirp, "ada")
    await http.chirp.relate(block.ada, "unblock", block.bob)
    await http.chirp.follow(block.bob, block.ada)
    await http.chirp.relate(block.bob, "mute", block.ada)
    path = path.format(id=block.hidden.tweet_id, username="ada")
    answer = await http.get(path, block.bob)
    if "timeline" in path:
        shown = [(t["retweet_of"] or t)["user"]["username"] for t in answer.json["data"]]
        assert "carl" in shown
        assert "ada" not in shown
    elif "tweets" in path or path == "/bookmarks":
        assert answer.status == 200
