"""No text takes more than linear time: what would be quadratic misses the limit by far."""

import time

import pytest

from chirp.text import extract_reply, is_valid, is_valid_url, parse

LENGTH = 100_000
LIMIT_S = 2.0  # the slowest takes 0.08 s here; a quadratic one takes minutes

HOSTILE = [
    "@", "#", ".", "$", "a.", "http://", "a-", "(((", "e\u0301", "\u0316", "\u0301\u0316",
    "\u200d", "😀", "👨\u200d", "🏻", "🇫", "1\ufe0f", "a.a.a.", "$A$A", "$A.", "a.co/(",
    "a.co/(a.co,", "a.co/((", "a.co:1", "a.co?", "@a", "@a/b-", "rt@a", "#a", "#1", "#_",
    " #\U00010400", "😀#", "あ.", "_.com", "-a.com", "a_.", "a_b.", "é.co", "xn--", "xn--.",
    "http://t.co/", "http://xn--a.", "a.みんな", "\ud800", "\U00010efd\u0301", "あ_a.com", "://",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = (piece * LENGTH)[:LENGTH]
    start = time.perf_counter()
    parse(text)
    is_valid(text)
    extract_reply(text)
    is_valid_url(text)
    assert time.perf_counter() - start < LIMIT_S
