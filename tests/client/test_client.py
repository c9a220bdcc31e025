"""The client does, on a real server, what its methods say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chirp.client import (
    ChirpClient,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServerTrouble,
    Unauthorized,
    Unreachable,
)
from chirp.client.shapes import Hidden, Tweet, ancestor_of
from chirp.client.streaming import Event, TweetDeleted, TweetEdited, TweetPosted
from tests.support.driver import PASSWORD
from tests.support.pictures import drawn, encoded, video
from tests.support.web import Http


def address_of(http: Http) -> str:
    return str(http.client.make_url("")).rstrip("/")


@asynccontextmanager
async def account(http: Http, name: str) -> AsyncIterator[ChirpClient]:
    """Register over the client, and give a client with the new key."""
    async with ChirpClient(address_of(http)) as anyone:
        made = await anyone.register(name, name.title(), f"{name}@example.org", PASSWORD)
    async with ChirpClient(address_of(http), made.api_dev_key) as chirp:
        yield chirp


async def test_a_tweet_is_posted_read_edited_and_deleted(http: Http) -> None:
    async with account(http, "ada") as ada:
        tweet = await ada.post("hello, #world", tweet_location="London")
        assert (tweet.user.username, tweet.entities.hashtags[0].tag) == ("ada", "world")
        assert await ada.get(tweet.tweet_id) == tweet
        edited = await ada.edit(tweet.tweet_id, "hello again")
        assert (edited.content, edited.version) == ("hello again", 2)
        said = [version.content async for version in ada.versions(tweet.tweet_id)]
        assert said == ["hello again", "hello, #world"]
        await ada.delete(tweet.tweet_id)
        with pytest.raises(NotFound):
            await ada.get(tweet.tweet_id)


async def test_lists_go_on_from_page_to_page(http: Http) -> None:
    async with account(http, "ada") as ada:
        posted = [(await ada.post(f"number {n}")).tweet_id for n in range(5)]
        read = [tweet.tweet_id async for tweet in ada.home(limit=2)]
        assert read == posted[::-1]
        pages = [len(page.data) async for page in ada.tweets("ada", limit=2).pages()]
        assert pages == [2, 2, 1]
        above = [tweet.tweet_id async for tweet in ada.home(min_id=posted[0], limit=3)]
        assert above == posted[1:]
        newest = [tweet.tweet_id async for tweet in ada.home(since_id=posted[0], limit=3)]
        assert newest == posted[:1:-1]


async def test_one_reacts_to_a_tweet_and_takes_it_back(http: Http) -> None:
    async with account(http, "ada") as ada, account(http, "bob") as bob:
        tweet = (await ada.post("hi")).tweet_id
        assert (await bob.favorite(tweet)).favorited
        assert (await bob.retweet(tweet)).retweeted
        assert (await bob.bookmark(tweet)).bookmarked
        assert [one.tweet_id async for one in bob.bookmarks()] == [tweet]
        assert [one.tweet_id async for one in bob.favorites("bob")] == [tweet]
        assert [user.username async for user in ada.favorited_by(tweet)] == ["bob"]
        assert [user.username async for user in ada.retweeted_by(tweet)] == ["bob"]
        assert not (await bob.unfavorite(tweet)).favorited
        assert not (await bob.unretweet(tweet)).retweeted
        assert not (await bob.unbookmark(tweet)).bookmarked


async def test_people_follow_mute_and_block(http: Http) -> None:
    async with account(http, "ada") as ada, account(http, "bob") as bob:
        assert (await bob.follow("ada")).following
        assert [user.username async for user in ada.followers("ada")] == ["bob"]
        assert [user.username async for user in ada.following("bob")] == ["ada"]
        assert (await bob.mute("ada")).muting
        assert not (await bob.unmute("ada")).muting
        assert not (await bob.unfollow("ada")).following
        assert (await ada.block("bob")).blocking
        with pytest.raises(Forbidden):
            await bob.follow("ada")
        assert not (await ada.unblock("bob")).blocking


async def test_a_thread_has_ancestors_that_may_be_gone(http: Http) -> None:
    async with account(http, "ada") as ada:
        root = await ada.post("root")
        reply = await ada.post("reply", in_reply_to=root.tweet_id)
        quote = await ada.post("look", quote_of=reply.tweet_id)
        assert quote.quote_of is not None
        assert [one.tweet_id async for one in ada.quotes(reply.tweet_id)] == [quote.tweet_id]
        found = [ancestor_of(raw) for raw in (await ada.thread(reply.tweet_id)).ancestors]
        assert [type(one) for one in found] == [Tweet]
        await ada.delete(root.tweet_id)
        found = [ancestor_of(raw) for raw in (await ada.thread(reply.tweet_id)).ancestors]
        assert found == [Hidden(root.tweet_id, tombstone=True)]


async def test_an_account_changes_its_keys_and_ends(http: Http) -> None:
    async with account(http, "ada") as ada:
        made = await ada.create_key("bot")
        assert "bot" in {key.name for key in await ada.keys()}
        await ada.revoke_key(made.key.key_id)
        session = await ada.sign_in("ada@example.org", PASSWORD)
        async with ChirpClient(address_of(http), session.api_dev_key) as other:
            await other.sign_out()
            with pytest.raises(Unauthorized):
                await other.me()
        assert (await ada.edit_profile(bio="I write.", location="London")).bio == "I write."
        await ada.close_account(PASSWORD)
        with pytest.raises(Unauthorized):
            await ada.me()


async def test_refusals_carry_what_the_server_said(http: Http) -> None:
    async with account(http, "ada") as ada:
        with pytest.raises(InvalidRequest) as caught:
            await ada.post("")
        assert (caught.value.status, caught.value.field) == (400, "tweet_data")
        with pytest.raises(Conflict):
            await ada.register("ADA", "Ada", "other@example.org", PASSWORD)
        with pytest.raises(ValueError, match="neither"):
            await ada.user("..")
        with pytest.raises(NotFound):
            await ada.user("nobody/../ada")


async def test_a_stream_tells_what_happens(http: Http) -> None:
    async with account(http, "ada") as ada, account(http, "bob") as bob:
        await bob.follow("ada")
        first = await ada.post("before the stream")
        stream = bob.stream(last_id=await place_of(http, bob))
        async with asyncio.timeout(20):
            tweet = await ada.post("hi")
            await ada.edit(tweet.tweet_id, "ho")
            await ada.delete(first.tweet_id)
            seen: list[Event] = [await anext(stream)]
            while not isinstance(seen[-1], TweetDeleted):
                seen.append(await anext(stream))
    assert [one.tweet.content for one in seen if isinstance(one, TweetEdited)] == ["ho"]
    assert [one.tweet.tweet_id for one in seen if isinstance(one, TweetPosted)] == [tweet.tweet_id]
    assert seen[-1] == TweetDeleted(first.tweet_id)


async def place_of(http: Http, chirp: ChirpClient) -> str:
    """Return where a stream of now is: its first heartbeat says so."""
    await http.chirp.server.journal.wait_idle()
    headers = {"Accept": "text/event-stream", "X-API-Key": str(chirp.key)}
    async with http.client.get("/api/v1/stream", headers=headers) as answer:
        return (await answer.content.readline()).decode().removeprefix("id: ").strip()


async def test_a_stream_that_is_refused_for_good_ends(http: Http) -> None:
    async with ChirpClient(address_of(http), "chirp_wrong") as nobody:
        with pytest.raises(Unauthorized):
            await anext(nobody.stream())


async def test_a_broken_stream_is_taken_up_where_it_broke() -> None:
    asked: list[str | None] = []
    said = [b'id: 1\n:\n\nid: 2\nevent: delete\ndata: {"tweet_id":"7"}\n\n']
    said += [b"id: 3\nevent: delete\nda", b"", b'id: 3\nevent: delete\ndata: {"tweet_id":"8"}\n\n']

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Last-Event-ID"))
        if len(asked) == 3:
            return failure(503, "unavailable")
        return web.Response(body=said[len(asked) - 1], content_type="text/event-stream")

    async with answering(answer) as chirp:
        stream = chirp.stream()
        found = [await anext(stream), await anext(stream)]
    assert found == [TweetDeleted("7"), TweetDeleted("8")]
    assert asked == [None, "2", "2", "2"]


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def answering(
    answer: Answer, retries: int = 4, *, waits_for_limits: bool = True
) -> AsyncIterator[ChirpClient]:
    """Give a client of a server that answers everything in one way."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    client = ChirpClient(
        str(server.make_url("")), "k", retries=retries, waits_for_limits=waits_for_limits
    )
    async with server, client as chirp:
        yield chirp


def failure(status: int, error: str) -> web.Response:
    body = {"status": "error", "error": error, "message": "no", "request_id": "1"}
    return web.json_response(body, status=status, headers={"Retry-After": "0"})


async def test_a_post_is_repeated_under_the_same_key(http: Http) -> None:
    keys: list[str] = []
    real = await http.register("ada")
    tweet = await http.tweet(real["api_dev_key"])

    async def answer(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1 and request.transport is not None:
            request.transport.close()  # the connection breaks
        if len(keys) < 4:
            return failure(503 if len(keys) == 2 else 429, "unavailable")
        body = {"status": "success", "tweet_url": tweet["tweet_url"], "tweet": tweet}
        return web.json_response(body, status=201)

    async with answering(answer) as chirp:
        assert (await chirp.post("hi")).tweet_id == tweet["tweet_id"]
    assert (len(keys), len(set(keys))) == (4, 1)


async def test_what_may_not_come_twice_is_sent_once() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return failure(503, "unavailable")

    async with answering(answer) as chirp:
        with pytest.raises(ServerTrouble):
            await chirp.create_key("bot")
    assert len(asked) == 1


async def test_patience_ends() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return failure(429, "rate_limited")

    async with answering(answer, retries=2) as chirp:
        with pytest.raises(RateLimited):
            await chirp.me()
    assert len(asked) == 3


async def test_a_client_that_does_not_wait_for_limits_asks_once() -> None:
    statuses = iter([503, 429])

    async def answer(_request: web.Request) -> web.Response:
        return failure(next(statuses), "no")

    async with answering(answer, waits_for_limits=False) as chirp:
        with pytest.raises(RateLimited):
            await chirp.me()


@pytest.mark.parametrize("status", [200, 302, 404, 502])
async def test_what_is_no_chirp_is_said_to_be_none(status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>")

    async with answering(answer, retries=0) as chirp:
        with pytest.raises(Unreachable):
            await chirp.me()


async def test_media_are_uploaded_and_shown(http: Http, tmp_path: Path) -> None:
    key = (await http.register("ada"))["api_dev_key"]
    async with ChirpClient(address_of(http), key) as ada:
        photo = await ada.upload(encoded(drawn(), "PNG"), alt_text="a gradient")
        assert (photo.state, photo.alt_text) == ("ready", "a gradient")
        assert (await ada.describe(photo.media_id, "finer")).alt_text == "finer"
        film = await ada.upload(video(tmp_path / "v.webm", "libvpx").read_bytes())
        assert (film.type, film.state) == ("video", "ready")
        tweet = await ada.post("", media_ids=[photo.media_id])
        assert [one.media_id for one in tweet.media] == [photo.media_id]
