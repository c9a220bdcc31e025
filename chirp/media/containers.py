"""Whether a file holds all of the video that its outermost lengths promise.

FFmpeg plays what it finds of a truncated file and calls it the end; the container knows better.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from chirp.errors import Unprocessable
from chirp.media.sniffing import WEBM, Sniffed

_MOST_BOXES = 100_000
_TRUNCATED = "the video is truncated"


def check_whole(source: Path, sniffed: Sniffed) -> None:
    """Walk the outermost boxes or elements: at most 100,000 reads of 16 bytes.

    Raises: Unprocessable: one of them ends beyond the file, or there are too many.
    """
    size = source.stat().st_size
    with source.open("rb") as file:
        if sniffed is WEBM:
            _check_elements(file, size)
        else:
            _check_boxes(file, size)


def _check_boxes(file: BinaryIO, size: int) -> None:
    """Follow the boxes of ISO/IEC 14496-12 until they end, or no longer are boxes.

    What follows the last box is the tail of a polyglot, and is not copied.
    """
    at, seen = 0, set[bytes]()
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8 or (b"moov" in seen and b"mdat" in seen and not head[4:8].isalnum()):
            break
        seen.add(head[4:8])
        length = _box_length(head, size - at)
        at += length
        if at > size or length < 8:
            raise Unprocessable(_TRUNCATED)
    else:
        raise Unprocessable("the video has too many parts")
    if b"moov" not in seen:
        raise Unprocessable(_TRUNCATED)


def _box_length(head: bytes, rest: int) -> int:
    length = int.from_bytes(head[:4], "big")
    if length == 1:  # the length stands behind the name, in 64 bits
        return int.from_bytes(head[8:16], "big")
    return length or rest  # 0: until the end of the file


def _check_elements(file: BinaryIO, size: int) -> None:
    """Follow the two outermost elements of RFC 8794: the EBML header and the segment."""
    at = 0
    for _ in range(2):
        file.seek(at)
        head = file.read(12)
        if len(head) < 5:
            raise Unprocessable(_TRUNCATED)
        width = 9 - head[4].bit_length()
        length = int.from_bytes(head[4 : 4 + width], "big") & ((1 << 7 * width) - 1)
        if length == (1 << 7 * width) - 1:  # unknown: it was streamed while it was made
            return
        at += 4 + width + length
    if at > size:
        raise Unprocessable(_TRUNCATED)
