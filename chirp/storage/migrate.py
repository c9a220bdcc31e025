"""Migrate: brings a store of an older format to this one, in place, one step at a time.

Invariants:
- Before a step begins, the manifest says so (`migrating_to`); when its rows are on disk, the
  manifest says the new format, in one atomic rename.
- So a step that was cut off is run again from its beginning: each must be idempotent.
- Nobody else has the store open: the guard is held from before the first step to after the last.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from chirp.errors import OpenError
from chirp.storage import manifest as manifests
from chirp.storage.engine import Engine
from chirp.storage.guard import Guard
from chirp.storage.manifest import FORMAT, Manifest
from chirp.storage.migrations import note_newest
from chirp.storage.store import Options, open_engine


@dataclass(frozen=True, slots=True)
class Migration:
    """One step, from a format to the next: `what` it does, in words, and the doing.

    `apply` must be idempotent: cut off anywhere, it is run again from its beginning.
    """

    what: str
    apply: Callable[[Engine], Awaitable[None]]


MIGRATIONS = {1: Migration("noting the newest tweet of each author", note_newest)}
"""The step from each format to the next one, by the older format."""

Progress = Callable[[int, str], None]
"""Called before a step with (the format that it leads to, what it does)."""


async def migrate_store(
    folder: Path,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    target: int = FORMAT,
    progress: Progress = lambda _format, _what: None,
) -> list[int]:
    """Bring the store to format `target`; return the formats reached, none when it is there.

    Raises: OpenError: it is newer, or a step is missing, or the folder cannot be opened; nothing
    was changed. What a step raises: the store stays as it is, and the next call resumes it.
    """
    _steps(folder, manifests.read(folder), migrations, target)
    guard = Guard(folder)
    try:
        manifest = manifests.read(folder)
        steps = _steps(folder, manifest, migrations, target)
        for step in steps:
            progress(step + 1, migrations[step].what)
            manifest = await _run(folder, manifest, migrations[step])
        return [step + 1 for step in steps]
    finally:
        guard.release()


def _steps(
    folder: Path, manifest: Manifest, migrations: Mapping[int, Migration], target: int
) -> range:
    """Return the older formats of the steps to take. Raises: OpenError: there is no way."""
    newest = max(manifest.format, manifest.migrating_to or 0)
    if newest > target:
        problem = f"the store has format {newest}, this chirp reads up to {target}"
        raise OpenError(problem, path=folder, hint="upgrade chirp")
    steps = range(manifest.format, target)
    missing = [step for step in steps if step not in migrations]
    if missing:
        problem = f"this chirp cannot read the old format {missing[0]}"
        hint = "migrate with an older chirp first"
        raise OpenError(problem, path=folder, hint=hint)
    return steps


async def _run(folder: Path, manifest: Manifest, migration: Migration) -> Manifest:
    """Take one step; return the manifest as it is then."""
    reached = manifest.format + 1
    _write(folder, replace(manifest, migrating_to=reached))
    engine = open_engine(folder, manifest, Options())
    try:
        await migration.apply(engine)
    finally:
        await engine.close()
    done = replace(manifest, format=reached, migrating_to=None)
    _write(folder, done)
    return done


def _write(folder: Path, manifest: Manifest) -> None:
    try:
        manifests.write(folder, manifest)
    except OSError as error:
        hint = "make the folder writable and free space, then run it again"
        problem = f"the manifest cannot be written ({error.strerror})"
        raise OpenError(problem, path=folder, hint=hint) from error
