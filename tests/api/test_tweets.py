"""Tweets and timelines over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_users import walk
from tests.support.web import Http

TWEET = {
    "tweet_id", "tweet_url", "user", "content", "created_at", "tweet_location", "lang", "media",
    "entities", "in_reply_to_tweet_id", "conversation_id", "retweet_of", "quote_of",
    "num_favorites", "num_retweets", "num_replies", "num_quotes",
    "favorited", "retweeted", "bookmarked",
}  # fmt: skip


async def test_a_post_answers_with_the_tweet_and_its_address(http: Http) -> None:
    ada = await http.chirp.register("Ada")
    body = await http.ok(await http.post("/tweet", {"tweet_data": "hi"}, ada), 201)
    assert body["status"] == "success"
    tweet = body["tweet"]
    assert body["tweet_url"] == tweet["tweet_url"]
    assert body["tweet_url"].endswith(f"/Ada/status/{tweet['tweet_id']}")
    assert set(tweet) >= TWEET
    assert tweet["created_at"] == "2026-11-23T09:00:00.000Z"
    assert set(tweet["user"]) == {"user_id", "username", "name", "avatar_url"}
    assert (await http.get(f"/tweets/{tweet['tweet_id']}", ada)).json == tweet


@pytest.mark.parametrize(
    "text",
    ["x" * 280, "語" * 140, "👩‍👩‍👧‍👦" * 140, "é" * 280, "e\u0301" * 280,
     "https://example.org/" + "p" * 1_000 + " " + "x" * 256, "x", "0", "a\nb", "\u200dx"],
)  # fmt: skip
async def test_what_weighs_up_to_280_is_posted(http: Http, text: str) -> None:
    ada = await http.chirp.register("ada")
    await http.tweet(ada, text)


@pytest.mark.parametrize(
    "text",
    ["x" * 281, "語" * 141, "👩‍👩‍👧‍👦" * 141, "x" * 279 + "語", "x" * 1_000_000, "語" * 300_000,
     "https://example.org/" + "p" * 1_000 + " " + "x" * 257, "\U0001f600" * 200_000],
)  # fmt: skip
async def test_what_weighs_more_is_refused(http: Http, text: str) -> None:
    ada = await http.chirp.register("ada")
    words = (await http.post("/tweet", {"tweet_data": text}, ada)).refused(400, "tweet_data")
    assert words["message"].startswith("tweet_data must hold 1 to 280 characters, got ")


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u3000\u2003", "\u00a0"])
async def test_white_space_alone_is_empty(http: Http, text: str) -> None:
    ada = await http.chirp.register("ada")
    words = (await http.post("/tweet", {"tweet_data": text}, ada)).refused(400, "tweet_data")
    assert words["message"] == "tweet_data must hold 1 to 280 characters, got 0"


@pytest.mark.parametrize(
    "text",
    [b"a\\u0000b", b"\\ud800", b"\\udfff x", b"\\ufeffx", b"\\uffff", b"\\u001b[31m", b"\\ud83dx"],
)
async def test_what_is_not_text_is_refused(http: Http, text: bytes) -> None:
    ada = await http.chirp.register("ada")
    raw = b'{"tweet_data":"%b"}' % text
    (await http.post("/tweet", raw, ada)).refused(400)
    assert http.chirp.engine.stats().tables["tweets"].rows == 0


async def test_entities_are_counted_in_code_points(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    tweet = await http.tweet(ada, "👍 @bob @ghost #día https://example.org/a")
    assert tweet["entities"] == {
        "mentions": [
            {"username": "bob", "user_id": str(bob.user_id), "indices": [2, 6]},
            {"username": "ghost", "user_id": None, "indices": [7, 13]},
        ],
        "hashtags": [{"tag": "día", "indices": [14, 18]}],
        "urls": [{"url": "https://example.org/a", "indices": [19, 40]}],
    }


async def test_only_the_author_sees_where_they_are(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    where = {"tweet_location": "48.2, 16.3", "user_location": "Vienna"}
    tweet = await http.tweet(ada, "hi", **where)
    assert (tweet["tweet_location"], tweet["user_location"]) == ("48.2, 16.3", "Vienna")
    path = f"/tweets/{tweet['tweet_id']}"
    for viewer in (bob, None):
        seen = (await http.get(path, viewer)).json
        assert seen["tweet_location"] == "48.2, 16.3"
        assert "user_location" not in seen
        assert b"Vienna" not in (await http.get("/users/ada/tweets", viewer)).raw
    assert (await http.get("/users/ada/tweets", ada)).json["data"] == [tweet]


@pytest.mark.parametrize(
    ("field", "value"),
    [("tweet_location", "x" * 151), ("user_location", "x" * 151), ("tweet_location", "a\x00"),
     ("lang", "x"), ("lang", "english please"), ("lang", "a" * 17), ("lang", ""),
     ("maximum_results_to_return", 0), ("maximum_results_to_return", 101),
     ("media_ids", ["1"]), ("media_ids", [0]), ("in_reply_to_tweet_id", "1"),
     ("quote_of_tweet_id", 1), ("quote_of_tweet_id", "٣")],
)  # fmt: skip
async def test_a_wrong_field_is_named(http: Http, field: str, value: Any) -> None:
    ada = await http.chirp.register("ada")
    (await http.post("/tweet", {"tweet_data": "hi", field: value}, ada)).refused(400, field)
    assert http.chirp.engine.stats().tables["tweets"].rows == 0


@pytest.mark.parametrize("lang", ["en", "pt-BR", "zh-Hant"])
async def test_a_language_is_kept(http: Http, lang: str) -> None:
    ada = await http.chirp.register("ada")
    assert (await http.tweet(ada, "hi", lang=lang))["lang"] == lang


@pytest.mark.parametrize("place", ["null", "Null", "none", "true", "1"])
async def test_a_place_is_text_in_a_form_too(http: Http, place: str) -> None:
    ada = await http.chirp.register("ada")
    form = {"tweet_data": "null", "tweet_location": place}
    answer = await http.ask("POST", "/tweet", ada, data=form)
    tweet = (await http.ok(answer, 201))["tweet"]
    assert (tweet["content"], tweet["tweet_location"]) == ("null", place)


async def test_the_page_size_on_a_post_is_ignored(http: Http) -> None:
    ada = await http.chirp.register("ada")
    body = {"tweet_data": "hi", "maximum_results_to_return": 5, "unknown": {"x": [1]}}
    assert (await http.post("/tweet", body, ada)).status == 201


async def test_a_deleted_tweet_is_gone(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(bob, ada)
    path = f"/tweets/{(await http.tweet(ada))['tweet_id']}"
    (await http.delete(path, bob)).refused(403)
    gone = await http.delete(path, ada)
    assert (gone.status, gone.raw) == (204, b"")
    (await http.delete(path, ada)).refused(404)
    (await http.get(path)).refused(404)
    for timeline in ("/timeline/home", "/users/ada/tweets"):
        assert (await http.get(timeline, bob)).json["data"] == []
    assert (await http.get("/users/ada")).json["num_tweets"] == 0


@pytest.mark.parametrize("path", ["/timeline/home", "/users/ada/tweets"])
@pytest.mark.parametrize("limit", [1, 4, 10, 11, 100])
async def test_a_timeline_is_walked_by_its_links(http: Http, path: str, limit: int) -> None:
    ada = await http.chirp.register("ada")
    ids = [(await http.tweet(ada, str(n)))["tweet_id"] for n in range(10)]
    pages = await walk(http, f"{path}?maximum_results_to_return={limit}", ada)
    assert [tweet["tweet_id"] for page in pages for tweet in page] == ids[::-1]
    assert len(pages) == -(-10 // limit)


@pytest.mark.parametrize("path", ["/timeline/home", "/users/ada/tweets"])
async def test_a_page_holds_twenty_unless_told_otherwise(http: Http, path: str) -> None:
    ada = await http.chirp.register("ada")
    await http.chirp.post_many(ada, 101)
    assert len((await http.get(path, ada)).json["data"]) == 20
    assert len((await http.get(f"{path}?limit=100", ada)).json["data"]) == 100


async def test_prev_polls_for_what_is_newer(http: Http) -> None:
    ada = await http.chirp.register("ada")
    await http.tweet(ada)
    cursor = (await http.get("/timeline/home", ada)).json["prev"]
    path = f"/timeline/home?cursor={cursor}"
    assert (await http.get(path, ada)).json == {"data": [], "next": None, "prev": None}
    newer = await http.tweet(ada)
    page = (await http.get(path, ada)).json
    assert [tweet["tweet_id"] for tweet in page["data"]] == [newer["tweet_id"]]


async def test_other_parameters_stay_in_the_links(http: Http) -> None:
    ada = await http.chirp.register("ada")
    ids = [(await http.tweet(ada, str(n)))["tweet_id"] for n in range(6)]
    pages = await walk(http, f"/timeline/home?limit=2&since_id={ids[0]}&odd=%0d%0aX:%20y%ff", ada)
    assert [tweet["tweet_id"] for page in pages for tweet in page] == ids[:0:-1]


async def test_posts_are_refused_while_the_disk_is_full_and_reads_go_on(http: Http) -> None:
    ada = await http.chirp.register("ada")
    tweet = await http.tweet(ada)
    http.chirp.engine.stop_writes("the disk is full")
    answer = await http.post("/tweet", {"tweet_data": "hi"}, ada)
    words = answer.refused(503)
    assert int(answer.headers["Retry-After"]) > 0
    assert "disk" not in words["message"]
    assert (await http.get("/timeline/home", ada)).json["data"] == [tweet]
    ready = await http.get("//readyz")
    assert (ready.status, ready.json["status"]) == (503, "not ready")
    assert ready.json["reasons"] == ["writes are refused: the disk is full"]
    http.chirp.engine.stop_writes(None)
    assert (await http.get("//readyz")).json == {"status": "ready", "reasons": []}


async def test_it_all_works_on_files_too(lmdb_http: Http) -> None:
    body = await lmdb_http.register("ada")
    bob = (await lmdb_http.register("bob"))["api_dev_key"]
    tweet = await lmdb_http.tweet(body["api_dev_key"], "hello @bob")
    await lmdb_http.ok(await lmdb_http.post("/users/ada/follow", key=bob))
    home = (await lmdb_http.get("/timeline/home", bob)).json["data"]
    assert [one["tweet_id"] for one in home] == [tweet["tweet_id"]]
    assert (
        await lmdb_http.delete(f"/tweets/{tweet['tweet_id']}", body["api_dev_key"])
    ).status == 204
    assert (await lmdb_http.get("/timeline/home", bob)).json["data"] == []
