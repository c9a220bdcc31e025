"""What a file is, by its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp.media.sniffing import (
    AVIF,
    GIF,
    HEAD_BYTES,
    JPEG,
    MOV,
    MP4,
    PNG,
    WEBM,
    WEBP,
    Sniffed,
    sniff,
)


def box(kind: bytes, *brands: bytes) -> bytes:
    body = kind + (b"" if not brands else brands[0] + bytes(4) + b"".join(brands[1:]))
    return (len(body) + 4).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xd8\xff\xe0", JPEG),
        (b"\x89PNG\r\n\x1a\n", PNG),
        (b"GIF87a", GIF),
        (b"GIF89a", GIF),
        (b"RIFF\0\0\0\0WEBPVP8 ", WEBP),
        (box(b"ftyp", b"avif", b"mif1"), AVIF),
        (box(b"ftyp", b"mif1", b"mif1", b"avif"), AVIF),
        (box(b"ftyp", b"isom", b"avc1"), MP4),
        (box(b"ftyp", b"XAVC", b"mp42"), MP4),
        (box(b"ftyp", b"qt  "), MOV),
        (box(b"wide") + b"mdat", MOV),
        (b"\x1a\x45\xdf\xa3\x8b\x42\x82\x84webm", WEBM),
    ],
)
def test_what_is_taken(head: bytes, found: Sniffed) -> None:
    assert sniff(head) is found


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"hello, world",
        b"this is free of boxes",
        b"text moov in the right place",
        b"abcdmoovefgh",
        b"#EXTM3U\n#EXT-X-VERSION:3",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"ffconcat version 1.0",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0AVI ",
        b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska",
        box(b"ftyp", b"heic", b"mif1"),
        box(b"ftyp", b"jxl "),
        b"BM" + bytes(60),
        b"II*\0",
        b"PK\x03\x04",
        b"%PDF-1.7",
    ],
)
def test_what_is_not(head: bytes) -> None:
    assert sniff(head) is None


@given(st.binary(max_size=HEAD_BYTES))
def test_any_bytes_are_sniffed_without_an_error(head: bytes) -> None:
    assert sniff(head) is None or isinstance(sniff(head), Sniffed)
