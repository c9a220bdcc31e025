"""What holds for every text, whatever it is made of."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp import text as tweet_text
from chirp.text import find_invalid, is_valid, normalize, parse, parse_result, weighted_length

# Pieces at which the rules turn, between any characters at all, lone surrogates included.
PIECES = st.sampled_from(
    [
        *" @＠#＃$.-_/?!()aé1あ👩🇫🏴",
        *["://", "http://", "https://", "com", "co.jp", "みんな", "xn--", "t.co/a", "RT", "👩🏽"],
        *"\u200d\ufe0f\u20e3\u0301\u0316\ufeff\u202a\x00\ud83d\ude00\U00010400\U00010efd",
    ]
)
TEXTS = st.lists(PIECES | st.text(st.characters(), max_size=3), max_size=24).map("".join)

CALLS: list[Callable[[str], object]] = [
    tweet_text.extract_cashtags,
    tweet_text.extract_hashtags,
    tweet_text.extract_mentions,
    tweet_text.extract_mentions_or_lists,
    tweet_text.extract_reply,
    tweet_text.extract_urls,
    tweet_text.is_valid_hashtag,
    tweet_text.is_valid_list,
    tweet_text.is_valid_url,
    tweet_text.is_valid_username,
]


@given(TEXTS)
def test_offsets_slice_back_to_the_entity(text: str) -> None:
    found = parse(text).entities
    assert all(text[tag.start + 1 : tag.end] == tag.tag for tag in found.hashtags)
    assert all(text[tag.start] in "#＃" for tag in found.hashtags)
    assert all(text[user.start + 1 : user.end] == user.username for user in found.mentions)
    assert all(text[user.start] in "@＠" for user in found.mentions)
    assert all(text[tag.start : tag.end] == "$" + tag.symbol for tag in found.cashtags)
    assert all(text[url.start : url.end] == url.url for url in found.urls)


@given(TEXTS)
def test_entities_are_in_order_and_apart(text: str) -> None:
    found = parse(text).entities
    kinds = (found.hashtags, found.mentions, found.urls, found.cashtags)
    for kind in kinds:
        starts = [entity.start for entity in kind]
        assert starts == sorted(starts)
    spans = sorted((entity.start, entity.end) for kind in kinds for entity in kind)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(TEXTS)
def test_parse_finds_what_the_extractors_find(text: str) -> None:
    found = parse(text).entities
    assert set(found.urls) <= set(tweet_text.extract_urls(text))
    assert set(found.mentions) <= set(tweet_text.extract_mentions(text))
    assert set(found.cashtags) <= set(tweet_text.extract_cashtags(text))
    # But for a hashtag that begins before a link, the two agree on which overlap.
    assert found.hashtags == tweet_text.extract_hashtags(text)


@given(TEXTS)
def test_three_ways_to_weigh_agree(text: str) -> None:
    assert parse(text).weight == weighted_length(text) == parse_result(text).weighted_length


@given(TEXTS)
def test_weight_is_that_of_the_normal_form(text: str) -> None:
    assert weighted_length(normalize(text)) == weighted_length(text)


@given(TEXTS)
def test_weight_without_links_is_bounded_by_the_length(text: str) -> None:
    if not tweet_text.extract_urls(normalize(text)):
        assert weighted_length(text) <= 2 * len(normalize(text))
        assert (weighted_length(text) == 0) is (not text)


@given(TEXTS, TEXTS)
def test_weight_adds_up_across_a_line_break(first: str, second: str) -> None:
    assert weighted_length(f"{first}\n{second}") == (
        weighted_length(first) + 1 + weighted_length(second)
    )


@given(TEXTS)
def test_valid_means_not_empty_not_heavy_not_invalid(text: str) -> None:
    wanted = 0 < weighted_length(text) <= 20 and find_invalid(text) is None
    assert is_valid(text, 20) is wanted
    assert parse_result(text).valid is is_valid(text)


@given(TEXTS)
def test_a_valid_text_is_utf8(text: str) -> None:
    if find_invalid(text) is None:
        assert text.encode().decode() == text


@pytest.mark.parametrize("call", CALLS)
@given(text=TEXTS)
def test_nothing_raises(call: Callable[[str], object], text: str) -> None:
    call(text)
