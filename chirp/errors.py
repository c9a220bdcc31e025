"""Every way in which Chirp refuses, as one tree.

    ChirpError
    ├─ Refusal                 the caller's mistake or bad luck; the message is safe for strangers
    │  ├─ Invalid              400  malformed, wrong type, out of bounds, unknown id in a body
    │  ├─ Unauthorized         401  no key, or one that is wrong or revoked
    │  ├─ Forbidden            403  not yours, blocked, suspended, scope missing
    │  ├─ NotFound             404  no such thing, or one that this viewer may not know of
    │  ├─ Taken                409  a name or an e-mail that somebody has
    │  ├─ TooLarge             413  a body over its limit
    │  ├─ UnsupportedMedia     415  a file of a kind that is not taken, or not of the kind it says
    │  ├─ Unprocessable        422  a file that is broken, or larger than it may be once unpacked
    │  ├─ RateLimited          429  over a limit; says when to come back
    │  └─ Unavailable          503  storage refuses writes, shutting down, overloaded
    └─ StorageError            the store's trouble; the cause stays chained for the log
       ├─ Conflict             an `expect` of a batch did not hold; nothing was applied
       ├─ WritesStopped        a full disk or a failed sync: reads go on, writes are refused
       ├─ ConsumerStopped      who draws the consequences of writes has failed: writes are refused
       └─ OpenError            the store cannot be opened; carries operation, path and a hint

Status numbers stand beside the names for the reader alone: `chirp.http` maps one to the other.
"""

from __future__ import annotations

from pathlib import Path


class ChirpError(Exception):
    """Root of all errors that Chirp raises on purpose."""


class Refusal(ChirpError):
    """A request that is refused. `str()` of it is one line that a stranger may read."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Invalid(Refusal):
    """The request is malformed or a value in it is out of bounds; `field` names which."""


class Unauthorized(Refusal):
    """There is no key, or it is wrong or revoked."""


class Forbidden(Refusal):
    """The viewer is known and may not do this."""


class NotFound(Refusal):
    """There is no such thing, or this viewer may not know of it."""


class Taken(Refusal):
    """A name or an e-mail address that somebody else has."""


class TooLarge(Refusal):
    """A body that is larger than its limit."""


class UnsupportedMedia(Refusal):
    """A file of a kind that is not taken."""


class Unprocessable(Refusal):
    """A file of a good kind that is broken, too large once unpacked, or not ready."""


class _Later(Refusal):
    """A refusal that may not stand in `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(_Later):
    """Over the limit of the key, the user or the address."""


class Unavailable(_Later):
    """The server cannot do this now: writes stopped, shutting down or overloaded."""


class StorageError(ChirpError):
    """The store could not do what was asked; nothing is known to have changed."""


class Conflict(StorageError):
    """An `expect` of a batch did not hold. Nothing of the batch was applied."""


class WritesStopped(StorageError):
    """The disk is full or a sync failed: the store refuses writes until it is opened anew."""


class ConsumerStopped(StorageError):
    """A consumer of the journals has failed: what hangs on it is refused until the next start."""


class OpenError(StorageError):
    """A store that cannot be opened or made; `hint` tells the operator what to do."""

    def __init__(self, problem: str, *, path: Path, hint: str) -> None:
        super().__init__(f"{path}: {problem}; {hint}")
        self.problem = problem
        self.path = path
        self.hint = hint
