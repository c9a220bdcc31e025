"""Repeats: recognises a request that was made before by its Idempotency-Key.

Invariant: of all requests of a user with one key within 24 hours, exactly one creates something:
the claim is part of the batch that decides on it, under what it expects.
"""

from __future__ import annotations

from chirp.clock import Clock
from chirp.commands import Repeatable
from chirp.errors import Taken
from chirp.idgen.watermark import Watermark
from chirp.model import TweetId, UserId
from chirp.storage.changes import Claim
from chirp.storage.store import Store
from chirp.storage.tables.answers import KEPT_MS, Answer


class Repeats:
    """What requests with a key have created."""

    def __init__(self, store: Store, watermark: Watermark, clock: Clock) -> None:
        self._answers = store.answers
        self._watermark = watermark
        self._clock = clock

    async def find(self, user: UserId, repeat: Repeatable | None) -> TweetId | None:
        """Return what an earlier request with this key created; None when there was none.

        Waits until that is settled. Raises: Taken: the key was used with another body.
        """
        answer = None if repeat is None else await self._answers.find(user, repeat.digest)
        if repeat is None or answer is None or answer.at <= self._clock.now_ms() - KEPT_MS:
            return None
        if answer.body_hash != repeat.body_hash:
            raise Taken("this Idempotency-Key was used with another body", field="Idempotency-Key")
        await self._watermark.wait_settled(answer.tweet_id)
        return answer.tweet_id

    async def claim(self, user: UserId, repeat: Repeatable | None) -> Claim | None:
        """Return what a batch needs to claim a key; None without one."""
        if repeat is None:
            return None
        now = self._clock.now_ms()
        answer = Answer(repeat.digest, repeat.body_hash, TweetId(0), now)
        before = await self._answers.find(user, repeat.digest)
        if before is not None and before.at > now - KEPT_MS:
            # The same request came twice at once, and the other one was first: conflict with it.
            before = None
        return Claim(answer, before, await self._answers.expired(user, now))
