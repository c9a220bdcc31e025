"""Plausible short texts about a handful of topics."""

from __future__ import annotations

from random import Random

TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "astronomy": (
        ("the Orion nebula", "Saturn's rings", "last night's eclipse", "a very faint comet"),
        ("#astronomy", "#darksky"),
    ),
    "baking": (
        ("a sourdough starter", "cinnamon rolls", "this rye loaf", "grandma's apple strudel"),
        ("#baking", "#sourdough"),
    ),
    "books": (
        ("the second chapter", "a used copy of Ulysses", "this short story", "our reading club"),
        ("#books", "#nowreading"),
    ),
    "chess": (
        ("the Sicilian", "a rook endgame", "that knight sacrifice", "my blitz rating"),
        ("#chess",),
    ),
    "climbing": (
        ("the overhang route", "my first outdoor lead", "cold granite", "the new bouldering hall"),
        ("#climbing",),
    ),
    "coding": (
        ("a race condition", "the test suite", "this regular expression", "a one-line fix"),
        ("#python", "#coding"),
    ),
    "coffee": (
        ("a flat white", "the new grinder", "Ethiopian beans", "cold brew"),
        ("#coffee",),
    ),
    "cycling": (
        ("the river path", "a headwind all the way", "my gravel bike", "the morning commute"),
        ("#cycling",),
    ),
    "film": (
        ("the director's cut", "a silent film", "that final scene", "the festival programme"),
        ("#film",),
    ),
    "football": (
        ("that free kick", "the away game", "ninety minutes of rain", "the youth team"),
        ("#football", "#matchday"),
    ),
    "gardening": (
        ("the first tomatoes", "a stubborn fig tree", "the compost heap", "these dahlias"),
        ("#garden",),
    ),
    "music": (
        ("the new album", "a cello suite", "band practice", "this bass line"),
        ("#music", "#nowplaying"),
    ),
    "photography": (
        ("golden hour", "an old 50 mm lens", "street portraits", "the darkroom"),
        ("#photo",),
    ),
    "trains": (
        ("the night train", "a delayed connection", "the mountain line", "an empty carriage"),
        ("#trains",),
    ),
}

_OPENINGS = (
    "Cannot stop thinking about {thing}",
    "Spent the whole evening with {thing}",
    "Finally: {thing}",
    "Does anybody else love {thing} as much as I do?",
    "Honest question about {thing}: worth it?",
    "Today I learned something new about {thing}",
    "{thing}, again. No regrets",
    "Small victory: {thing}",
    "Nobody warned me about {thing}",
    "Three hours in, and {thing} is winning",
)
_CLOSINGS = (
    "",
    "",
    " 🎉",
    " 🙈",
    " More tomorrow.",
    " Ask me anything.",
    " What a day!",
    " Tips welcome.",
    " ❤️",
)


def _choose(random: Random, options: tuple[str, ...]) -> str:
    return options[int(random.random() * len(options))]


def write_text(random: Random, topics: tuple[str, ...], friend: str) -> str:
    """Return a text on one of `topics`; now and then it names `friend`, a tag or a link."""
    topic = _choose(random, topics)
    things, tags = TOPICS[topic]
    text = _choose(random, _OPENINGS).format(thing=_choose(random, things))
    closing = _choose(random, _CLOSINGS)
    stop = "." if closing[1:2].isalpha() and text[-1] not in "?!" else ""
    text = text[:1].upper() + text[1:] + stop + closing
    if random.random() < 0.45:
        text += " " + _choose(random, tags)
    if random.random() < 0.2:
        text += f" @{friend}"
    if random.random() < 0.1:
        text += f" https://example.org/{topic}/{int(random.random() * 900) + 100}"
    return text
