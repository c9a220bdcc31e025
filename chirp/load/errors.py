"""What can keep a load from being run."""

from __future__ import annotations

from chirp.errors import ChirpError


class BenchFailed(ChirpError):
    """The load could not be run, in one line that says why."""
