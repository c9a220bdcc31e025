"""What a client can meet, as one tree.

ChirpClientError
├─ Refused              the server said no: `status`, `error`, `message`, `field`, `request_id`
│  ├─ InvalidRequest    400, 413, 415, 422  what was sent cannot be taken
│  ├─ Unauthorized      401  no key, or one that is wrong or revoked
│  ├─ Forbidden         403  not for this account
│  ├─ NotFound          404  no such thing, or not for this viewer
│  ├─ Conflict          409  taken, or an idempotency key with another body
│  ├─ RateLimited       429  over a limit, after all tries
│  └─ ServerTrouble     5xx  the server cannot do it now, after all tries
└─ Unreachable          no answer, or none that this client understands, after all tries
"""

from __future__ import annotations

from chirp.client.shapes import Failure


class ChirpClientError(Exception):
    """Root of all errors of the client."""


class Unreachable(ChirpClientError):
    """There was no answer, or none in the form of a Chirp server's."""


class Refused(ChirpClientError):
    """The server refused; the fields are those of the answer's body."""

    def __init__(self, status: int, failure: Failure, retry_after_s: float | None = None) -> None:
        super().__init__(f"{status} {failure.error}: {failure.message}")
        self.status = status
        self.error = failure.error
        self.message = failure.message
        self.field = failure.field
        self.request_id = failure.request_id
        self.retry_after_s = retry_after_s


class InvalidRequest(Refused):
    """What was sent cannot be taken; `field` names what is wrong where one field is."""


class Unauthorized(Refused):
    """There is no key, or it is wrong or revoked."""


class Forbidden(Refused):
    """This account may not do that."""


class NotFound(Refused):
    """There is no such thing, or this viewer may not know of it."""


class Conflict(Refused):
    """A name or an e-mail is taken, or an idempotency key came with another body."""


class RateLimited(Refused):
    """Over a limit; `retry_after_s` says when to come back."""


class ServerTrouble(Refused):
    """The server cannot do it now; whether a change was stored is not known."""


_BY_STATUS: dict[int, type[Refused]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def refused(status: int, failure: Failure, retry_after_s: float | None) -> Refused:
    """Return the error for an answer of 400 or more."""
    other = ServerTrouble if status >= 500 else InvalidRequest
    return _BY_STATUS.get(status, other)(status, failure, retry_after_s)
