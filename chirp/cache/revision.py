"""A number that changes whenever something that was shown may look different.

Whatever is kept above single tweets and profiles (whole pages) is valid for one revision only.
Invariant: the number only grows.
"""

from __future__ import annotations


class Revision:
    """Counts deletions and changed profiles.

    >>> revision = Revision()
    >>> revision.bump()
    >>> revision.value
    1
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def bump(self) -> None:
        """Void what was kept. O(1)."""
        self.value += 1
