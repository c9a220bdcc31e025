"""The rules of tweet text by twitter-text 3: weight, hashtags, mentions, links, cashtags.

Pure functions of a `str`: no I/O after import, no state, no exception for any text, time linear in
its length. `parse` is for posts; the `extract_*` functions answer one question each.

Source: Twitter's twitter-text conformance suite (Apache-2.0); extract, validate and tlds pass
whole. Chirp differs where the suite is silent: lone surrogates are invalid, the host of a link
holds no quotes, controls, ＠ or ＃ (hosts.py), emoji go by grammar, not by list (emoji.py).
"""

from chirp.text.cashtags import extract_cashtags
from chirp.text.entities import (
    Cashtag,
    Entities,
    Entity,
    Hashtag,
    Mention,
    MentionOrList,
    TweetText,
    Url,
)
from chirp.text.hashtags import extract_hashtags
from chirp.text.mentions import extract_mentions, extract_mentions_or_lists, extract_reply
from chirp.text.parsing import parse
from chirp.text.results import V1, V2, V3, ParseResult, Rules, parse_result
from chirp.text.urls import extract_urls
from chirp.text.validation import (
    is_valid_hashtag,
    is_valid_list,
    is_valid_url,
    is_valid_username,
)
from chirp.text.weights import MAX_WEIGHT, find_invalid, is_valid, normalize, weighted_length

__all__ = [
    "MAX_WEIGHT",
    "V1",
    "V2",
    "V3",
    "Cashtag",
    "Entities",
    "Entity",
    "Hashtag",
    "Mention",
    "MentionOrList",
    "ParseResult",
    "Rules",
    "TweetText",
    "Url",
    "extract_cashtags",
    "extract_hashtags",
    "extract_mentions",
    "extract_mentions_or_lists",
    "extract_reply",
    "extract_urls",
    "find_invalid",
    "is_valid",
    "is_valid_hashtag",
    "is_valid_list",
    "is_valid_url",
    "is_valid_username",
    "normalize",
    "parse",
    "parse_result",
    "weighted_length",
]
