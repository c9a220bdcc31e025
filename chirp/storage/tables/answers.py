"""The answers table: what a request with an Idempotency-Key created, for its repetition.

Invariants, all within the user's partition:
- For each row by digest there is one row in the order of time, and no others.
- Rows go when newer ones come: each claim takes up to two expired ones with it, so a user has at
  most about as many as they made in the last 24 hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from msgspec import Struct

from chirp.errors import StorageError
from chirp.model import TweetId, UnixMs, UserId
from chirp.storage.codec import pack_array, unpack_array
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import PARTITION_BYTES, Table, text_key

KEPT_MS = 24 * 3_600_000
"""How long a request is known by its key."""

_AT_BYTES = 8
_SWEPT = 2


class AnswerTag(IntEnum):
    """The byte behind the partition: rows by digest, and their order by time."""

    ROW = 0
    TIME = 1


class Answer(Struct, frozen=True, gc=False):
    """What a request created: `digest` of its key, a hash of its body, and the tweet."""

    digest: bytes
    body_hash: bytes
    tweet_id: TweetId
    at: UnixMs


class Answers:
    """Answers by user and digest of the key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, user: UserId, digest: bytes) -> Answer | None:
        """Return what a request with this key created, however long ago."""
        raw = (await self._engine.get_many(Table.ANSWERS, [answer_row_key(user, digest)]))[0]
        return None if raw is None else unpack_answer(digest, raw)

    async def expired(self, user: UserId, now: UnixMs) -> list[Answer]:
        """Return up to two answers that are no longer of use, oldest first."""
        stop = text_key(user, AnswerTag.TIME, max(0, now - KEPT_MS + 1).to_bytes(_AT_BYTES, "big"))
        return await self._until(user, stop, _SWEPT)

    async def oldest(self, user: UserId, limit: int) -> list[Answer]:
        """Return up to `limit` answers of a user, oldest first."""
        return await self._until(user, text_key(user, AnswerTag.TIME + 1, b""), limit)

    async def _until(self, user: UserId, stop: bytes, limit: int) -> list[Answer]:
        start = text_key(user, AnswerTag.TIME, b"")
        rows = await self._engine.scan(Table.ANSWERS, start, stop, limit)
        digests = [digest_in(key) for key, _ in rows]
        keys = [answer_row_key(user, digest) for digest in digests]
        raws = await self._engine.get_many(Table.ANSWERS, keys)
        found = zip(digests, raws, strict=True)
        return [unpack_answer(digest, raw) for digest, raw in found if raw is not None]

    @staticmethod
    def claim(
        batch: Batch, answer: Answer, before: Answer | None, expired: Sequence[Answer]
    ) -> None:
        """Keep an answer, in place of `before`; conflicts when that is not what stands there.

        What has expired goes with it.
        """
        key = answer_row_key(batch.partition, answer.digest)
        batch.expect(Table.ANSWERS, key, None if before is None else pack_answer(before))
        for old in (*expired, *([] if before is None else [before])):
            Answers.forget(batch, old)
        batch.put(Table.ANSWERS, key, pack_answer(answer))
        batch.put(Table.ANSWERS, answer_time_key(batch.partition, answer), b"")

    @staticmethod
    def forget(batch: Batch, answer: Answer) -> None:
        """Drop an answer."""
        batch.delete(Table.ANSWERS, answer_row_key(batch.partition, answer.digest))
        batch.delete(Table.ANSWERS, answer_time_key(batch.partition, answer))


def answer_row_key(user: int, digest: bytes) -> bytes:
    """Return the key of the answer to a request by the digest of its key."""
    return text_key(user, AnswerTag.ROW, digest)


def answer_time_key(user: int, answer: Answer) -> bytes:
    """Return the key that places an answer in the order of time."""
    return text_key(user, AnswerTag.TIME, answer.at.to_bytes(_AT_BYTES, "big") + answer.digest)


def digest_in(time_key: bytes) -> bytes:
    """Return the digest of the answer that a time key places."""
    return time_key[PARTITION_BYTES + 1 + _AT_BYTES :]


def pack_answer(answer: Answer) -> bytes:
    """Return an answer's row."""
    return pack_array((answer.body_hash, answer.tweet_id, answer.at))


def unpack_answer(digest: bytes, raw: bytes) -> Answer:
    """Return an answer, whose digest stands in the key. Raises: StorageError."""
    try:
        body_hash, tweet_id, at = unpack_array(raw)
    except ValueError as error:
        raise StorageError("an answer's row with a wrong number of fields") from error
    return Answer(digest, body_hash, tweet_id, at)
