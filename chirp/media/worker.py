"""A process that turns one file into what is stored, and may be killed at any time."""

from __future__ import annotations

import errno
import json
import sys
import traceback
from pathlib import Path

from chirp.errors import Unprocessable, UnsupportedMedia
from chirp.media.confinement import confine, die_with_the_server
from chirp.media.limits import MediaLimits
from chirp.media.loops import process_loop
from chirp.media.photos import is_moving, open_picture, process_photo
from chirp.media.results import Processed, pack_full, pack_processed, pack_refusal
from chirp.media.sniffing import HEAD_BYTES, Sniffed, sniff
from chirp.media.videos import process_video

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
BROKEN = "the file is broken"


def main() -> None:
    """Do the job in the last argument (JSON: source, stem, limits) and tell it in one line."""
    die_with_the_server()
    job = json.loads(sys.argv[-1])
    print(_told_of(Path(job["source"]), Path(job["stem"]), MediaLimits(**job["limits"])))


def _told_of(source: Path, stem: Path, limits: MediaLimits) -> str:
    """Do the job. Decoders of broken files raise anything; all of it means that they are broken."""
    try:
        return pack_processed(_process(source, stem, limits))
    except (UnsupportedMedia, Unprocessable) as refusal:
        return pack_refusal(refusal)
    except MemoryError:
        return pack_refusal(Unprocessable("the file takes too much memory to decode"))
    except Exception as error:  # noqa: BLE001 - see above; the server logs the traceback
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return pack_full()
        return pack_refusal(Unprocessable(BROKEN), cause=traceback.format_exc())


def _process(source: Path, stem: Path, limits: MediaLimits) -> Processed:
    with source.open("rb") as file:
        sniffed = sniff(file.read(HEAD_BYTES))
    if sniffed is None:
        raise UnsupportedMedia("not a file of a kind that is taken")
    confine(
        memory_mb=limits.memory_mb,
        cpu_s=limits.photo_cpu_s if sniffed.kind == "photo" else limits.cpu_s,
        file_mb=limits.output_mb,
    )
    if sniffed.kind == "video":
        return process_video(source, sniffed, stem, limits)
    return _process_picture(source, sniffed, stem, limits)


def _process_picture(source: Path, sniffed: Sniffed, stem: Path, limits: MediaLimits) -> Processed:
    with open_picture(source, sniffed, limits) as picture:
        if is_moving(picture, sniffed):
            return process_loop(picture, stem, limits)
        return process_photo(picture, stem, limits)


if __name__ == "__main__":
    main()
