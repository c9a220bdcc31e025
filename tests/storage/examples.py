"""What the examples in docs/formats may call."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chirp import model
from chirp.storage import codec, events, keys, manifest
from chirp.storage.manifest import Manifest
from chirp.storage.tables.marks import Mark, pack_mark
from chirp.storage.tables.tweets import TweetCounter, flags_of
from chirp.storage.tables.users import Counter


def sha256(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def manifest_json(made: Manifest) -> bytes:
    """Return what `manifest.write` puts on disk."""
    with tempfile.TemporaryDirectory() as folder:
        manifest.write(Path(folder), made)
        return (Path(folder) / manifest.NAME).read_bytes()


_OWN: list[Callable[..., Any]] = [sha256, manifest_json, Manifest, flags_of, Counter]
_OWN += [TweetCounter, Mark, pack_mark]
NAMESPACE: dict[str, Any] = {
    **vars(model),
    **vars(codec),
    **vars(events),
    **vars(keys),
    **{each.__name__: each for each in _OWN},
}
