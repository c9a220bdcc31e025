"""What `parse` says of a post: entities in order, apart, and the weight."""

import pytest

from chirp.text import Cashtag, Entities, Hashtag, Mention, TweetText, Url, parse


def test_plain_text_has_no_entities() -> None:
    assert parse("just words. And 5 more") == TweetText("just words. And 5 more", 22, Entities())


def test_every_kind_is_found_in_order() -> None:
    found = parse("@ada #one $TWTR a.com #two @bob").entities
    assert found.mentions == (Mention("ada", 0, 4), Mention("bob", 27, 31))
    assert found.hashtags == (Hashtag("one", 5, 9), Hashtag("two", 22, 26))
    assert found.cashtags == (Cashtag("TWTR", 10, 15),)
    assert found.urls == (Url("a.com", 16, 21),)


def test_fullwidth_signs_open_entities() -> None:
    found = parse("＠ada ＃日本").entities
    assert (found.mentions, found.hashtags) == ((Mention("ada", 0, 4),), (Hashtag("日本", 5, 8),))


def test_link_keeps_what_stands_in_it() -> None:
    found = parse("http://a.com/#x/@ada #y").entities
    assert found == Entities((Hashtag("y", 21, 23),), (), (Url("http://a.com/#x/@ada", 0, 20),))


def test_hashtag_that_begins_before_a_link_keeps_it() -> None:
    assert parse("#日a.com").entities == Entities((Hashtag("日a", 0, 3),))


def test_name_of_a_list_is_no_mention() -> None:
    assert parse("@ada/friends").entities == Entities()


def test_offsets_count_code_points() -> None:
    assert parse("😀😀 #a").entities.hashtags == (Hashtag("a", 3, 5),)


@pytest.mark.parametrize("text", ["", "\x00", "\ud83d", "#\ud83d", "@\x00", "http://\ud83d.com"])
def test_odd_text_is_parsed_like_any_other(text: str) -> None:
    assert parse(text) == TweetText(text, parse(text).weight, Entities())
