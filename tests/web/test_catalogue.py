"""The catalogue has every text that pages and scripts ask for; styles and scripts are small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import chirp.web
from chirp.config import ConfigError, languages
from chirp.http.errors import Told
from chirp.model import ActionKind
from chirp.web.assets import Assets
from chirp.web.words import Words

WEB = Path(chirp.web.__file__).parent
SOURCES = [*WEB.glob("*.py"), *WEB.glob("templates/*.html")]
LARGEST_BYTES = 100_000


def asked() -> set[str]:
    """Return all keys that are written out somewhere; of those that are put together, the start."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    return set(re.findall(r'words(?:\.html|\.count)?\(\s*f?"([\w.]+)', text))


@pytest.mark.parametrize("language", languages())
def test_every_message_is_there(language: str) -> None:
    messages = Words(language).messages
    for key in asked():
        assert any(name.startswith(key) for name in messages), key
    for kind in ActionKind:
        assert f"admin.deed.{kind.name.lower()}" in messages


@pytest.mark.parametrize("language", ["", "xx", "../messages/en", "/etc/en", "en.toml", "en\0"])
def test_what_is_no_language_is_no_path_either(language: str) -> None:
    with pytest.raises(ConfigError, match="must be one of en"):
        Words(language)


@pytest.mark.parametrize("language", languages())
def test_all_languages_say_the_same_things(language: str) -> None:
    english, other = Words("en").messages, Words(language).messages
    assert set(other) == set(english)
    for key, text in english.items():
        assert set(re.findall(r"\{(\w+)\}", other[key])) == set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            Told(400, "", "tweet_data must hold 1 to 280 characters, got 0", "tweet_data"),
            "a tweet must hold 1 to 280 characters, got 0",
        ),
        (
            Told(400, "", "unknown id in media_ids", "media_ids"),
            "One of the pictures is gone. Choose it again.",
        ),
        (
            Told(422, "", "media_ids: not ready yet", "media_ids"),
            "not ready yet",
        ),
        (
            Told(409, "", "username tweet_data is taken", "username"),
            "username tweet_data is taken",
        ),
        (Told(409, "", "the username ada is taken"), "the username ada is taken"),
        (
            Told(429, "", "more than 5 registrations in 3600 s", retry_after_s=3601),
            "That was a lot at once. Try again in 61 minutes.",
        ),
        (
            Told(429, "", "more than 5 registrations in 86400 s", retry_after_s=7201),
            "That was a lot at once. Try again in 3 hours.",
        ),
        (
            Told(429, "", "more than 300 writes in 900 s", retry_after_s=1),
            "That was a lot at once. Try again in 1 second.",
        ),
    ],
)
def test_refusals_are_told_without_names_of_fields(told: Told, said: str) -> None:
    assert Words("en").refusal(told) == said


def test_fields_and_refusals_of_the_catalogue_are_ones_that_there_are() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WEB.parent.rglob("*.py"))
    for key in Words("en").messages:
        table, _, name = key.partition(".")
        if table == "known_as":
            assert f'"{name}"' in text, key
        elif table == "refusals":
            words, _, field = name.rpartition(" ")
            assert f'"{words} {{field}}"' in text or f'"{name}"' in text, key
            assert f'"{field}"' in text, key


def test_scripts_ask_for_what_there_is() -> None:
    words = Words("en").scripts()
    for path in (WEB / "static").glob("*.js"):
        if path.name != "htmx.js":
            for key in re.findall(r'say\("(\w+)"', path.read_text(encoding="utf-8")):
                assert key in words, (path.name, key)


def test_styles_and_scripts_are_small() -> None:
    assert Assets().packed_bytes("css", "js") < LARGEST_BYTES


def test_no_text_of_a_page_is_written_in_its_template() -> None:
    for path in WEB.glob("templates/*.html"):
        text = re.sub(r"\{[{%#].*?[}%#]\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"<[^>]*>", "", text)
        left = re.findall(r"[A-Za-z]{3,}", text)
        assert set(left) <= {"Chirp", "GIF", "nbsp"}, (path.name, left)
