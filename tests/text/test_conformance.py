"""The whole of extract.yml, validate.yml and tlds.yml of Twitter's conformance suite."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chirp import text as tweet_text
from chirp.text import V1, V2, V3, Rules, parse_result

SUITE = Path(__file__).parents[1] / "data" / "twitter-text"
Call = Callable[[str], Any]

# (file, section, description): why Chirp answers otherwise. One that passes must leave.
DIFFERS: dict[tuple[str, str, str], str] = {}


def names(extract: Callable[[str], Any], field: str) -> Call:
    return lambda text: [getattr(entity, field) for entity in extract(text)]


def placed(extract: Callable[[str], Any], **fields: str) -> Call:
    return lambda text: [
        {key: getattr(entity, field) for key, field in fields.items()}
        | {"indices": [entity.start, entity.end]}
        for entity in extract(text)
    ]


def counts(rules: Rules) -> Call:
    def call(text: str) -> dict[str, int | bool]:
        found = parse_result(text, rules)
        return {
            "weightedLength": found.weighted_length,
            "valid": found.valid,
            "permillage": found.permillage,
            "displayRangeStart": found.display_range_start,
            "displayRangeEnd": found.display_range_end,
            "validRangeStart": found.valid_range_start,
            "validRangeEnd": found.valid_range_end,
        }

    return call


URLS = names(tweet_text.extract_urls, "url")
URLS_PLACED = placed(tweet_text.extract_urls, url="url")
TAGS = names(tweet_text.extract_hashtags, "tag")

CALLS: dict[tuple[str, str], Call] = {
    ("extract", "mentions"): names(tweet_text.extract_mentions, "username"),
    ("extract", "mentions_with_indices"): placed(
        tweet_text.extract_mentions, screen_name="username"
    ),
    ("extract", "mentions_or_lists_with_indices"): placed(
        tweet_text.extract_mentions_or_lists, screen_name="username", list_slug="list_slug"
    ),
    ("extract", "replies"): tweet_text.extract_reply,
    ("extract", "urls"): URLS,
    ("extract", "urls_with_indices"): URLS_PLACED,
    ("extract", "urls_with_directional_markers"): URLS_PLACED,
    ("extract", "tco_urls_with_params"): URLS,
    ("extract", "hashtags"): TAGS,
    ("extract", "hashtags_from_astral"): TAGS,
    ("extract", "hashtags_with_indices"): placed(tweet_text.extract_hashtags, hashtag="tag"),
    ("extract", "cashtags"): names(tweet_text.extract_cashtags, "symbol"),
    ("extract", "cashtags_with_indices"): placed(tweet_text.extract_cashtags, cashtag="symbol"),
    ("validate", "tweets"): lambda text: parse_result(text, V1).valid,
    ("validate", "usernames"): tweet_text.is_valid_username,
    ("validate", "lists"): tweet_text.is_valid_list,
    ("validate", "hashtags"): tweet_text.is_valid_hashtag,
    ("validate", "urls"): tweet_text.is_valid_url,
    ("validate", "urls_without_protocol"): lambda text: tweet_text.is_valid_url(
        text, require_protocol=False
    ),
    ("validate", "WeightedTweetsCounterTest"): counts(V2),
    ("validate", "WeightedTweetsWithDiscountedEmojiCounterTest"): counts(V3),
    ("validate", "UnicodeDirectionalMarkerCounterTest"): counts(V3),
    ("tlds", "country"): URLS,
    ("tlds", "generic"): URLS,
}


def load(file: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    document = yaml.load((SUITE / f"{file}.yml").read_text("utf-8"), yaml.CSafeLoader)
    for section, cases in document["tests"].items():
        for case in cases:
            yield file, section, case


CASES = [case for file in ("extract", "validate", "tlds") for case in load(file)]


@pytest.mark.parametrize(
    ("file", "section", "case"), CASES, ids=[f"{f}-{s}-{c['description']}" for f, s, c in CASES]
)
def test_case(file: str, section: str, case: dict[str, Any]) -> None:
    agrees = CALLS[file, section](case["text"]) == case["expected"]
    # So the table cannot rot: what stands in it must still differ.
    assert agrees is ((file, section, case["description"]) not in DIFFERS)


def test_every_section_and_difference_is_in_the_suite() -> None:
    assert set(CALLS) == {(file, section) for file, section, _ in CASES}
    assert set(DIFFERS) <= {(file, section, case["description"]) for file, section, case in CASES}


@pytest.mark.parametrize(("file", "section", "case"), [c for c in CASES if c[0] == "validate"])
def test_fast_weight_agrees(file: str, section: str, case: dict[str, Any]) -> None:
    text = case["text"]
    assert tweet_text.weighted_length(text) == parse_result(text).weighted_length
