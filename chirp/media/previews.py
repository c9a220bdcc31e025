"""Small pictures that stand for large ones, and the text that stands for a small one."""

from __future__ import annotations

from pathlib import Path

import blurhash  # type: ignore[import-untyped]
from PIL import Image

from chirp.media.results import ProducedFile

_PREVIEW_QUALITY = 80
_HASH_SIDE = 32
_COMPONENTS = (4, 3)

Color = tuple[int, int, int]


def fitting(width: int, height: int, side: int) -> tuple[int, int]:
    """Return the size with the same shape whose longer side is at most `side`; never 0."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(picture: Image.Image, side: int) -> Image.Image:
    """Return `picture`, or a smaller one whose longer side is `side`."""
    size = fitting(*picture.size, side)
    if size == picture.size:
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def save_preview(picture: Image.Image, stem: Path, side: int) -> tuple[ProducedFile, str]:
    """Write the preview of an RGB or RGBA picture; return it and its blurhash.

    `stem`: the path without an extension. JPEG, or WebP where something can be seen through.
    """
    small = shrunk(picture, side)
    path = stem.with_name(f"{stem.name}-preview.jpg")
    if small.mode == "RGBA":
        path = path.with_suffix(".webp")
        small.save(path, "WEBP", quality=_PREVIEW_QUALITY)
        return ProducedFile.at(path, "image/webp"), blurhash_of(small)
    small.save(path, "JPEG", quality=_PREVIEW_QUALITY, optimize=True, progressive=True)
    return ProducedFile.at(path, "image/jpeg"), blurhash_of(small)


def over_white(picture: Image.Image) -> Image.Image:
    """Return the RGB picture that is seen when an RGBA one lies on white paper."""
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture).convert("RGB")


def blurhash_of(picture: Image.Image) -> str:
    """Return the blurhash of an RGB or RGBA picture: 28 characters, from 32 by 32 pixels at most.

    The hash is pure Python; more pixels would cost time and change nothing that can be seen.
    """
    small = picture.resize(fitting(*picture.size, _HASH_SIDE), Image.Resampling.BOX)
    if small.mode == "RGBA":
        small = over_white(small)
    return str(blurhash.encode(_rows_of(small), *_COMPONENTS))


def _rows_of(picture: Image.Image) -> list[list[Color]]:
    data, stride = picture.tobytes(), picture.width * 3
    rows = (data[at : at + stride] for at in range(0, len(data), stride))
    return [[(row[x], row[x + 1], row[x + 2]) for x in range(0, stride, 3)] for row in rows]
