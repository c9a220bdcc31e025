"""The manifest: what kind of store a folder holds (docs/formats/manifest.md).

Invariants:
- `manifest.json` is written whole or not at all: a temporary file, synced, then renamed.
- The number of shards, the id layout and the secret never change during a store's life.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from chirp.errors import OpenError

FORMAT = 2
"""The format that this version of Chirp reads and writes."""

NAME = "manifest.json"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What is fixed when a store is made."""

    shards: int
    id_layout: str
    created_at: int
    secret: str
    format: int = FORMAT
    migrating_to: int | None = None

    def cursor_secret(self) -> bytes:
        """Return the key that signs paging cursors."""
        return bytes.fromhex(self.secret)


def new_manifest(shards: int, id_layout: str, created_at: int) -> Manifest:
    """Return the manifest of a new store, with a fresh secret."""
    return Manifest(shards, id_layout, created_at, secrets.token_hex(16))


def exists(folder: Path) -> bool:
    """Say whether `folder` holds a store."""
    return (folder / NAME).exists()


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest atomically and durably. Raises: OSError."""
    target, draft = folder / NAME, folder / (NAME + ".new")
    # The manifest holds the secret of the paging cursors, the shards hold password hashes.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a rename or a new file is one only then."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(folder: Path) -> Manifest:
    """Return the manifest of a store of any format. Raises: OpenError."""
    try:
        raw = (folder / NAME).read_bytes()
        return msgspec.json.decode(raw, type=Manifest)
    except FileNotFoundError:
        hint = "make one with `chirp init`"
        raise OpenError("there is no store here", path=folder, hint=hint) from None
    except PermissionError:
        hint = "run chirp as the user that owns it"
        raise OpenError("the store may not be read", path=folder, hint=hint) from None
    except (OSError, msgspec.MsgspecError) as error:
        hint = "restore manifest.json from a backup"
        raise OpenError(f"the manifest is unreadable ({error})", path=folder, hint=hint) from error
