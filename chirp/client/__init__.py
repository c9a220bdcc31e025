"""A typed client of the native API; it needs nothing else of Chirp."""

from chirp.client.client import ChirpClient
from chirp.client.errors import (
    ChirpClientError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    Refused,
    ServerTrouble,
    Unauthorized,
    Unreachable,
)
from chirp.client.listing import Listing

__all__ = [
    "ChirpClient",
    "ChirpClientError",
    "Conflict",
    "Forbidden",
    "InvalidRequest",
    "Listing",
    "NotFound",
    "RateLimited",
    "Refused",
    "ServerTrouble",
    "Unauthorized",
    "Unreachable",
]
