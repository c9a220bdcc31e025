"""The plain model: what everybody's timelines must hold, without caches, journals or shards."""

from __future__ import annotations

from dataclasses import dataclass, field

from chirp.pages import ReadTweets


@dataclass
class Model:
    """Who follows whom, and who wrote what; a page is a slice of a sorted list."""

    follows: set[tuple[int, int]] = field(default_factory=set)
    author_of: dict[int, int] = field(default_factory=dict)

    def home(self, viewer: int) -> list[int]:
        """Return the ids of a whole home timeline, newest first."""
        authors = {viewer} | {b for a, b in self.follows if a == viewer}
        return sorted((i for i, a in self.author_of.items() if a in authors), reverse=True)

    def by(self, author: int) -> list[int]:
        """Return the ids of a whole user timeline, newest first."""
        return sorted((i for i, a in self.author_of.items() if a == author), reverse=True)


def page_of(ids: list[int], command: ReadTweets) -> list[int]:
    """Return the page of a list of ids that a command asks for."""
    within = [i for i in ids if command.above < i < command.below]
    return within[-command.limit :] if command.min_id is not None else within[: command.limit]
