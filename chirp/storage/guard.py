"""The guard of a store's folder: one process, a local disk that can be written.

Invariant: while a guard is held, no other process and no second caller in this one holds it.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

from chirp.errors import OpenError

LOCK_NAME = "LOCK"

_OCTAL = re.compile(r"\\([0-7]{3})")

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "ceph", "lustre", "glusterfs", "9p"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "beegfs", "gpfs"}
)
"""LMDB needs coherent memory maps and locks of one machine; none of these gives both."""


class Guard:
    """Holds a store's folder for this process until `release`."""

    def __init__(self, folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> None:
        refuse_network(folder, mounts)
        path = folder / LOCK_NAME
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            hint = "make the folder writable for the user that runs chirp"
            raise OpenError(
                f"the folder cannot be written ({error.strerror})", path=folder, hint=hint
            ) from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._handle, 32).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise _held(folder, holder) from error
        # The number is for people; on a full disk the store must open, so that it can be read.
        with suppress(OSError):
            os.ftruncate(self._handle, 0)
            os.write(self._handle, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let go of the folder. The lock file stays; the kernel's lock on it is what counts."""
        os.close(self._handle)


def _held(folder: Path, holder: str) -> OpenError:
    if holder == str(os.getpid()):
        hint = "close it first"
        return OpenError("this process has this store open already", path=folder, hint=hint)
    who = f"another process (pid {holder})" if holder.isdigit() else "another process"
    return OpenError(f"{who} has this store open", path=folder, hint="stop it first")


def refuse_network(folder: Path, mounts: Path) -> None:
    """Raise OpenError when `folder` lies on a network file system. Linux only; else no check."""
    kind = file_system_of(folder, mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        hint = "use a local disk: LMDB's map and locks do not hold across machines"
        raise OpenError(f"the folder is on a network file system ({kind})", path=folder, hint=hint)


def file_system_of(folder: Path, mounts: Path) -> str | None:
    """Return the type of the file system that holds `folder`: the longest mount point above it."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return None
    where = str(folder.resolve())
    best, kind = -1, None
    for line in lines:
        left, separator, right = line.partition(" - ")
        if not separator:
            continue
        # The kernel writes a blank in a path as \040, a tab as \011, a backslash as \134.
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), left.split()[4])
        inside = point in {"/", where} or where.startswith(point + "/")
        if inside and len(point) >= best:
            best, kind = len(point), right.split()[0]
    return kind
