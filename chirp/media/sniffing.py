"""What a file is, by its first bytes: names and declared types are claims of strangers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["photo", "moving", "video"]
"""`moving`: a picture that may have one frame or many; who opens it finds out."""

HEAD_BYTES = 512
"""How much of a file `sniff` wants to see; fewer bytes do where the file has no more."""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file says it is. Whether that is true shows when it is decoded."""

    kind: Kind
    content_type: str
    extension: str


JPEG = Sniffed("photo", "image/jpeg", "jpg")
PNG = Sniffed("moving", "image/png", "png")
GIF = Sniffed("moving", "image/gif", "gif")
WEBP = Sniffed("moving", "image/webp", "webp")
AVIF = Sniffed("moving", "image/avif", "avif")
MP4 = Sniffed("video", "video/mp4", "mp4")
MOV = Sniffed("video", "video/quicktime", "mov")
WEBM = Sniffed("video", "video/webm", "webm")

_STARTS = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"GIF87a": GIF,
    b"GIF89a": GIF,
}
_AVIF_BRANDS = {b"avif", b"avis"}
_MP4_BRANDS = {
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1",
    b"M4V ", b"M4VP", b"MSNV", b"3gp4", b"3gp5", b"3gp6", b"dash", b"f4v ",
}  # fmt: skip
_OLD_MOV_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip"}
_EBML = b"\x1a\x45\xdf\xa3"


def sniff(head: bytes) -> Sniffed | None:
    """Return what a file is whose first `HEAD_BYTES` are `head`; None if it is nothing we take.

    Pure; never raises. HEIC, SVG, playlists and Matroska that is not WebM are nothing we take.
    """
    for start, found in _STARTS.items():
        if head.startswith(start):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:4] == _EBML:
        return WEBM if _says_webm(head) else None
    return _sniff_boxes(head)


def _says_webm(head: bytes) -> bool:
    """Tell whether the EBML header names the document type `webm` (element 0x4282)."""
    return b"\x42\x82\x84webm" in head[:64]


def _sniff_boxes(head: bytes) -> Sniffed | None:
    """Read the first box of the family of MP4 (ISO/IEC 14496-12): its brands decide."""
    kind = head[4:8]
    if kind != b"ftyp":
        # QuickTime before brands: the file begins with any of its boxes.
        return MOV if kind in _OLD_MOV_BOXES and _has_plausible_size(head) else None
    end = min(int.from_bytes(head[:4], "big"), HEAD_BYTES)
    major, others = head[8:12], {head[at : at + 4] for at in range(16, end, 4)}
    if major in _AVIF_BRANDS or (major in {b"mif1", b"msf1"} and others & _AVIF_BRANDS):
        return AVIF
    if major == b"qt  ":
        return MOV
    return MP4 if (others | {major}) & _MP4_BRANDS else None


def _has_plausible_size(head: bytes) -> bool:
    """Tell a box from text that has its name in the right place: a size is no letters."""
    return head[0] < 0x20
