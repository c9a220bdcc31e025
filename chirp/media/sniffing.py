"""What a file is, by its first bytes. What it is called, or said to be, does not count."""

from __future__ import annotations

from typing import NamedTuple

HEAD_BYTES = 64
"""How much of a file `sniff` wants to see."""


class Sniffed(NamedTuple):
    """A kind of file. `video`: its work may take long, so nobody waits for it."""

    name: str
    video: bool


JPEG, PNG, WEBP = Sniffed("JPEG", False), Sniffed("PNG", False), Sniffed("WEBP", False)
GIF, AVIF = Sniffed("GIF", False), Sniffed("AVIF", False)
MP4, WEBM = Sniffed("mov", True), Sniffed("matroska", True)

KINDS = {kind.name: kind for kind in (JPEG, PNG, WEBP, GIF, AVIF, MP4, WEBM)}

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_VIDEO_BRANDS = frozenset(
    {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ",
     b"M4VH", b"dash", b"3gp4", b"3gp5", b"3gp6", b"MSNV"}
)  # fmt: skip


def sniff(head: bytes) -> Sniffed | None:
    r"""Return what a file is that begins with `head`; None: nothing that Chirp takes.

    >>> sniff(b"\xff\xd8\xff\xe0").name, sniff(b"<svg xmlns=") is None
    ('JPEG', True)
    """
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return WEBM
    return _sniff_boxes(head)


def _sniff_boxes(head: bytes) -> Sniffed | None:
    """Tell apart what is made of boxes: AVIF, MP4; QuickTime's old files have no brand."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _AVIF_BRANDS:
            return AVIF
        return MP4 if brand in _VIDEO_BRANDS else None
    return MP4 if head[4:8] in {b"moov", b"mdat", b"wide"} else None
