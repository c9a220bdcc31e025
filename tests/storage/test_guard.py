"""Opening: who may not, and in which one line they are told what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from chirp.clock import ManualClock
from chirp.errors import OpenError
from chirp.model import UnixMs
from chirp.storage import manifest as manifests
from chirp.storage.guard import Guard, file_system_of
from chirp.storage.store import create_store, open_store

CLOCK = ManualClock(UnixMs(1_700_000_000_000))
NOBODY = 65_534

HOLDER = """
import sys
from pathlib import Path
from chirp.storage.guard import Guard
guard = Guard(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_store(tmp_path / "store", CLOCK)
    return tmp_path / "store"


@contextmanager
def refused(problem: str, hint: str) -> Iterator[None]:
    """Expect an OpenError of one line that names the problem and what to do."""
    with pytest.raises(OpenError) as caught:
        yield
    line = str(caught.value)
    assert problem in line
    assert line.endswith(hint)
    assert "\n" not in line


async def test_a_store_is_opened_again_after_it_was_closed(folder: Path) -> None:
    for _ in range(2):
        store = await open_store(folder)
        await store.close()


async def test_a_second_process_is_refused(folder: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(  # noqa: ASYNC220  # the test waits for it anyway
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        with refused(f"another process (pid {holder.pid}) has this store open", "stop it first"):
            await open_store(folder)
        holder.stdin.close()
    await (await open_store(folder)).close()


async def test_a_second_open_in_one_process_is_refused(folder: Path) -> None:
    store = await open_store(folder)
    with refused("this process has this store open already", "close it first"):
        await open_store(folder)
    await store.close()


def test_a_lock_file_left_behind_refuses_nobody(folder: Path) -> None:
    (folder / "LOCK").write_text("1\n")
    Guard(folder).release()


# -- file systems ---------------------------------------------------------------------------

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:5 / /srv rw - xfs /dev/sdb1 rw
24 23 0:40 / /srv/share rw,nosuid shared:9 master:2 - nfs4 nas:/export rw
25 24 8:2 / /srv/share/local rw - ext4 /dev/sdc1 rw
26 22 0:41 / /srv/with\\040blank rw - cifs //nas/x rw
27 22 0:42 / /srv/é rw - fuse.sshfs nas: rw
28 22 0:43 / /twice rw - ext4 /dev/sdd1 rw
29 28 0:44 / /twice rw - nfs nas:/x rw
a line that is none
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/data", "ext4"),
        ("/srv", "xfs"),
        ("/srv/shares", "xfs"),
        ("/srv/share", "nfs4"),
        ("/srv/share/chirp", "nfs4"),
        ("/srv/share/local/chirp", "ext4"),
        ("/srv/with blank/chirp", "cifs"),
        ("/srv/é/chirp", "fuse.sshfs"),
        ("/twice/chirp", "nfs"),
    ],
)
def test_the_longest_mount_point_says_the_file_system(
    tmp_path: Path, folder: str, kind: str
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, encoding="utf-8")
    assert file_system_of(Path(folder), mounts) == kind


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"9 1 0:9 / {tmp_path} rw - nfs4 nas:/x rw\n")
    hint = "use a local disk: LMDB's map and locks do not hold across machines"
    with refused("the folder is on a network file system (nfs4)", hint):
        Guard(tmp_path, mounts=mounts)
    assert not (tmp_path / "LOCK").exists()


def test_without_a_list_of_mounts_there_is_no_check(tmp_path: Path) -> None:
    Guard(tmp_path, mounts=tmp_path / "none").release()


# -- rights ---------------------------------------------------------------------------------


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Run as a user who may read `folder` and not write it; root may write everything."""
    for parent in (folder, *folder.parents):
        if parent.owner() == "root" and parent.is_relative_to(Path("/tmp")):
            parent.chmod(parent.stat().st_mode | 0o055)
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_folder_that_cannot_be_written_is_refused(folder: Path) -> None:
    hint = "make the folder writable for the user that runs chirp"
    (folder / "manifest.json").chmod(0o644)
    with unprivileged(folder), refused("the folder cannot be written", hint):
        await open_store(folder)


async def test_somebody_elses_store_is_refused(folder: Path) -> None:
    if os.geteuid() != 0:
        (folder / "manifest.json").chmod(0)
    with unprivileged(folder), refused("may not be read", "run chirp as the user that owns it"):
        await open_store(folder)


def test_no_store_is_made_where_nothing_can_be_written(tmp_path: Path) -> None:
    hint = "choose a folder that this user can write, with space on its disk"
    with unprivileged(tmp_path), refused("cannot be made (Permission denied)", hint):
        create_store(tmp_path / "store", CLOCK)


def test_no_store_is_made_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with refused("cannot be made (File exists)", "with space on its disk"):
        create_store(tmp_path / "file", CLOCK)


# -- formats and what is missing ------------------------------------------------------------


@pytest.mark.parametrize("change", [{"format": 99}, {"migrating_to": 99}])
async def test_a_newer_format_is_refused(folder: Path, change: dict[str, int]) -> None:
    manifests.write(folder, replace(manifests.read(folder), **change))
    with refused(
        f"the store has format 99, this chirp reads up to {manifests.FORMAT}", "upgrade chirp"
    ):
        await open_store(folder)


@pytest.mark.parametrize("change", [{"format": 0}, {"format": 0, "migrating_to": 1}])
async def test_an_older_format_is_refused(folder: Path, change: dict[str, int]) -> None:
    manifests.write(folder, replace(manifests.read(folder), **change))
    with refused("the store has the older format 0", "run `chirp migrate` on it"):
        await open_store(folder)


async def test_a_folder_without_a_store_is_refused_and_left_empty(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with refused("there is no store here", "make one with `chirp init`"):
            await open_store(folder)
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240  # a test may wait


def test_a_store_is_made_once(folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    with refused("there is a store already", "choose another folder"):
        create_store(folder, CLOCK)
    assert (folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("shards", [0, 257])
def test_the_number_of_shards_has_bounds(tmp_path: Path, shards: int) -> None:
    with refused(f"{shards} shards are not possible", "choose 1 to 256"):
        create_store(tmp_path, CLOCK, shards=shards)


async def test_a_missing_shard_is_not_replaced_by_an_empty_one(folder: Path) -> None:
    (folder / "shard-001.lmdb").unlink()
    with refused(
        "shard-001.lmdb: a shard file is missing", "restore the whole folder from a backup"
    ):
        await open_store(folder)
    assert not (folder / "shard-001.lmdb").exists()
    create_store(folder.parent / "other", CLOCK)


async def test_a_broken_shard_is_refused_and_the_folder_let_go(folder: Path) -> None:
    (folder / "shard-001.lmdb").write_bytes(b"not a database" * 1_000)
    for _ in range(2):
        with refused("a shard cannot be opened", "or restore the folder from a backup"):
            await open_store(folder)
