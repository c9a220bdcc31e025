"""What comes of a file: what a worker made, and how it tells the server."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chirp.errors import Refusal, Unprocessable, UnsupportedMedia
from chirp.model import MediaKind


@dataclass(frozen=True, slots=True)
class ProducedFile:
    """A file in the folder that `process` was given; whoever asked moves or deletes it."""

    path: Path
    content_type: str
    extension: str
    size_bytes: int

    @classmethod
    def at(cls, path: Path, content_type: str) -> ProducedFile:
        """Return what stands at `path` now."""
        return cls(path, content_type, path.suffix[1:], path.stat().st_size)


@dataclass(frozen=True, slots=True)
class Processed:
    """What is stored of a file: `width` and `height` are pixels of `original` as it is shown."""

    kind: MediaKind
    original: ProducedFile
    preview: ProducedFile
    width: int
    height: int
    duration_ms: int | None
    blurhash: str


class Full(Exception):
    """What a worker made has no room: the disk's trouble, not the file's."""


class BrokenFile(Exception):
    """What a decoder raised in a worker, as text."""


_MOST_CAUSE = 4096
"""Characters of a traceback: what a decoder says of a file may be as long as the file."""

_REFUSALS: dict[str, type[Refusal]] = {
    "unsupported": UnsupportedMedia,
    "unprocessable": Unprocessable,
}


def pack_processed(processed: Processed) -> str:
    """Return the line by which a worker tells what it made."""
    return json.dumps({"processed": asdict(processed)}, default=str)


def pack_refusal(refusal: Refusal, cause: str | None = None) -> str:
    """Return the line by which a worker refuses a file; `cause` is a traceback for the log."""
    name = "unsupported" if isinstance(refusal, UnsupportedMedia) else "unprocessable"
    cause = cause and cause[-_MOST_CAUSE:]
    return json.dumps({"refused": name, "message": refusal.message, "cause": cause})


def pack_full() -> str:
    """Return the line by which a worker says that the disk is full."""
    return json.dumps({"full": True})


def unpack_told(line: bytes) -> Processed:
    """Return what a worker made.

    Raises: UnsupportedMedia, Unprocessable: what it told; Full; ValueError: it told nothing whole.
    """
    told = json.loads(line)
    if "full" in told:
        raise Full
    if "refused" in told:
        cause = told["cause"]
        raise _REFUSALS[told["refused"]](told["message"]) from cause and BrokenFile(cause)
    fields = told["processed"]
    files = {name: _unpack_file(fields[name]) for name in ("original", "preview")}
    return Processed(**fields | files | {"kind": MediaKind(fields["kind"])})


def _unpack_file(fields: dict[str, Any]) -> ProducedFile:
    return ProducedFile(**fields | {"path": Path(fields["path"])})
