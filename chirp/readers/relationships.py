"""Reads how a viewer and other users stand to each other."""

from __future__ import annotations

from collections.abc import Sequence

from chirp.model import UserId
from chirp.storage.store import Store
from chirp.views import Relationship


async def relationship(
    store: Store, viewer: UserId | None, others: Sequence[UserId]
) -> list[Relationship | None]:
    """Return the relationship to each of `others`; None for anonymous viewers and oneself.

    Both directions lie in the viewer's partition: two reads of one shard, whatever the number.
    """
    if viewer is None:
        return [None] * len(others)
    pairs = [(int(viewer), int(other)) for other in others]
    following = await store.following.find_many(pairs)
    followed_by = await store.followers.find_many(pairs)
    return [
        None if other == viewer else Relationship(following=to, followed_by=back)
        for other, to, back in zip(others, following, followed_by, strict=True)
    ]
