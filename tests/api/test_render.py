"""Spliced JSON equals the slow twin: plain dictionaries, merged and encoded at once."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from chirp.api.render import Renderer, counts_fields
from chirp.http.paging import Links
from chirp.http.times import render_time
from chirp.model import (
    Entity,
    EntityKind,
    Tweet,
    TweetCounts,
    TweetId,
    UnixMs,
    User,
    UserId,
    Visibility,
)
from chirp.views import (
    NO_FLAGS,
    CachedTweet,
    CachedUser,
    TweetView,
    ViewerFlags,
    bare_view,
    original_of,
)
from tests.support.driver import Driver

RENDERER = Renderer("https://chirp.example")
IDS = st.integers(1, 2**63 - 1)
TIMES = st.integers(0, 253_402_300_799_999).map(UnixMs)
TEXT = st.text(max_size=40)
SOME_TEXT = st.none() | TEXT
COUNTS = st.integers(0, 2**63 - 1)


@st.composite
def tweets(draw: st.DrawFn) -> Tweet:
    content = draw(TEXT)
    spans = st.tuples(st.integers(0, len(content)), st.integers(0, len(content))).map(sorted)
    entities = [
        Entity(draw(st.sampled_from(EntityKind)), start, end, draw(st.just(0) | IDS))
        for start, end in draw(st.lists(spans, max_size=4))
    ]
    return Tweet(
        TweetId(draw(IDS)),
        UserId(draw(IDS)),
        content,
        draw(TIMES),
        TweetId(draw(IDS)),
        visibility=draw(st.sampled_from(Visibility)),
        sensitive=draw(st.booleans()),
        version=draw(st.integers(1, 9)),
        edited_at=draw(st.none() | TIMES),
        lang=draw(SOME_TEXT),
        tweet_location=draw(SOME_TEXT),
        user_location=draw(SOME_TEXT),
        entities=tuple(entities),
        in_reply_to_tweet_id=draw(st.none() | IDS.map(TweetId)),
        retweet_of=draw(st.none() | IDS.map(TweetId)),
    )


USERS = st.builds(User, IDS.map(UserId), TEXT, TEXT, TIMES, version=st.integers(1, 99))
FLAGS = st.just(NO_FLAGS) | st.builds(ViewerFlags, st.booleans(), st.booleans(), st.booleans())
CACHED = st.builds(
    CachedTweet,
    tweets(),
    USERS.map(CachedUser),
    st.builds(TweetCounts, COUNTS, COUNTS, COUNTS, COUNTS),
)
PLAIN_VIEWS = st.builds(bare_view, CACHED, FLAGS, st.booleans())
VIEWS = st.recursive(
    PLAIN_VIEWS,
    lambda inner: st.builds(TweetView, CACHED, FLAGS, st.booleans(), inner),
    max_leaves=3,
)


def tail_fields(view: TweetView) -> dict[str, Any]:
    counts, flags = original_of(view).cached.counts, view.flags
    fields: dict[str, Any] = {
        **counts_fields(counts),
        "favorited": flags.favorited,
        "retweeted": flags.retweeted,
        "bookmarked": flags.bookmarked,
    }
    if view.own:
        fields["user_location"] = view.cached.tweet.user_location
    return fields


def twin(view: TweetView) -> dict[str, Any]:
    """Render a tweet the slow way: the specification."""
    author = view.cached.author.user
    fields = RENDERER.tweet_fields(view.cached.tweet, author)
    inner = None if view.nested is None else twin(view.nested)
    is_retweet = view.cached.tweet.retweet_of is not None
    nested = {
        "retweet_of": inner if is_retweet else None,
        "quote_of": None if is_retweet else inner,
    }
    return {**fields, "user": RENDERER.short_user_fields(author), **nested, **tail_fields(view)}


def page_of(views: list[TweetView], links: Links) -> Any:
    return orjson.loads(RENDERER.page(RENDERER.tweets(views), links).whole())


def as_json(fields: Any) -> Any:
    return orjson.loads(orjson.dumps(fields))


@given(VIEWS)
def test_a_tweet_is_what_the_twin_says_at_first_and_ever_after(view: TweetView) -> None:
    for _ in range(2):
        assert orjson.loads(RENDERER.tweet(view)) == as_json(twin(view))


@given(CACHED, st.lists(st.tuples(FLAGS, st.booleans()), min_size=2, max_size=4))
def test_one_viewers_flags_never_show_to_another(
    cached: CachedTweet, viewers: list[tuple[ViewerFlags, bool]]
) -> None:
    for flags, own in viewers:
        view = bare_view(cached, flags, own)
        assert orjson.loads(RENDERER.tweet(view)) == as_json(twin(view))
        assert ("user_location" in orjson.loads(RENDERER.tweet(view))) == own


@settings(max_examples=50)
@given(st.lists(VIEWS, max_size=5), st.none() | st.just("o0-1-2"), st.none() | st.just("n0-3-4"))
def test_a_page_is_its_tweets_and_cursors(
    views: list[TweetView], next_: str | None, prev: str | None
) -> None:
    for _ in range(2):
        page = page_of(views, Links(next_, prev, ""))
        wanted = [twin(view) for view in views]
        assert page == as_json({"data": wanted, "next": next_, "prev": prev})


@given(CACHED, TEXT, FLAGS, st.booleans())
def test_a_changed_author_shows_in_encoded_tweets(
    cached: CachedTweet, name: str, flags: ViewerFlags, own: bool
) -> None:
    view = bare_view(cached, flags, own)
    RENDERER.tweet(view)
    old = cached.author.user
    cached.author.user = User(old.user_id, old.username, name, old.created_at, version=100)
    cached.author.json = None
    assert orjson.loads(RENDERER.tweet(view)) == as_json(twin(view))
    page = page_of([view, view], Links(None, None, ""))
    assert page["data"] == as_json([twin(view)] * 2)


async def test_a_newer_profile_shows_in_tweets_that_were_encoded_before(chirp: Driver) -> None:
    ada, bob = await chirp.register_many("ada", "bob")
    await chirp.follow(bob, ada)
    tweet = await chirp.post(ada)
    views = [await chirp.get(who, tweet) for who in (ada, bob)]
    before = [orjson.loads(RENDERER.tweet(view)) for view in views]
    user = (await chirp.server.users.get(ada.user_id)).user
    newer = User(user.user_id, user.username, "Countess", user.created_at, version=2)
    chirp.server.users.remember(newer)
    after = [orjson.loads(RENDERER.tweet(view)) for view in views]
    assert [one["user"]["name"] for one in after] == ["Countess"] * 2
    assert [one | {"user": None} for one in after] == [one | {"user": None} for one in before]


async def test_an_older_profile_changes_nothing(chirp: Driver) -> None:
    ada = await chirp.register("ada")
    view = await chirp.get(None, await chirp.post(ada))
    user = view.cached.author.user
    chirp.server.users.remember(User(user.user_id, "x", "Old", user.created_at, version=1))
    assert orjson.loads(RENDERER.tweet(view))["user"]["name"] == "Ada"


@given(TIMES)
def test_times_are_utc_with_milliseconds(at: UnixMs) -> None:
    text = render_time(at)
    assert text is not None
    assert (len(text), text[-5], text[-1]) == (24, ".", "Z")
    assert int(text[-4:-1]) == at % 1000
