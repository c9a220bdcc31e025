"""Reads how a viewer and other users stand to each other."""

from __future__ import annotations

from collections.abc import Sequence

from chirp.model import UserId
from chirp.storage.store import Store
from chirp.views import Relationship


async def relationship_with(store: Store, viewer: UserId, other: UserId) -> Relationship:
    """Return the relationship of a viewer to somebody else."""
    between = (await relationship(store, viewer, [other]))[0]
    return Relationship() if between is None else between


async def relationship(
    store: Store, viewer: UserId | None, others: Sequence[UserId]
) -> list[Relationship | None]:
    """Return the relationship to each of `others`; None for anonymous viewers and oneself.

    All of it lies in the viewer's partition: four reads of one shard, whatever the number.
    """
    if viewer is None:
        return [None] * len(others)
    pairs = [(int(viewer), int(other)) for other in others]
    relations = (store.following, store.followers, store.blocking, store.muting)
    found = [await relation.find_many(pairs) for relation in relations]
    return [
        None
        if other == viewer
        else Relationship(following=to, followed_by=back, blocking=block, muting=mute)
        for other, to, back, block, mute in zip(others, *found, strict=True)
    ]
