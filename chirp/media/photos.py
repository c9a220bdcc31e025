"""Photos: decoded whole, turned upright, and encoded anew without anything but their pixels."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from chirp.errors import Unprocessable
from chirp.media.colors import to_srgb
from chirp.media.limits import MediaLimits
from chirp.media.previews import save_preview, shrunk
from chirp.media.results import Processed, ProducedFile
from chirp.media.sniffing import Sniffed
from chirp.model import MediaKind

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUALITY = 85
_FEW_COLORS = 256
_FULL_COLOR = {"PNG", "GIF"}
"""Formats of drawings and screenshots: halving their colors would blur red on black."""


def open_picture(source: Path, sniffed: Sniffed, limits: MediaLimits) -> Image.Image:
    """Open a picture with the one decoder of its type; no pixel is decoded yet.

    Raises: Unprocessable: too many pixels.
    """
    Image.MAX_IMAGE_PIXELS = limits.max_pixels  # beyond it Pillow warns, beyond twice it raises
    refusal = Unprocessable(f"a photo may have at most {limits.max_pixels:,} pixels")
    try:
        picture = Image.open(source, formats=[sniffed.content_type.removeprefix("image/").upper()])
    except Image.DecompressionBombError as error:
        raise refusal from error
    if picture.width * picture.height > limits.max_pixels:
        raise refusal
    return picture


def is_moving(picture: Image.Image, sniffed: Sniffed) -> bool:
    """Tell whether it has several frames. A JPEG with several pictures is a photo with extras."""
    return sniffed.kind == "moving" and bool(getattr(picture, "is_animated", False))


def process_photo(picture: Image.Image, stem: Path, limits: MediaLimits) -> Processed:
    """Write the stored photo and its preview beside `stem`.

    Raises: Unprocessable, and whatever Pillow raises of broken files.
    """
    source_format = picture.format or ""
    picture.draft(None, (limits.max_side, limits.max_side))  # JPEG decodes straight to a half
    turn = _TURNS.get(_orientation_of(picture))
    upright = shrunk(to_srgb(picture), limits.max_side)
    upright = upright if turn is None else upright.transpose(turn)
    bare = Image.frombytes(upright.mode, upright.size, upright.tobytes())
    original = _save(bare, stem, full_color=source_format in _FULL_COLOR)
    preview, blurhash = save_preview(bare, stem, limits.preview_side)
    return Processed(MediaKind.PHOTO, original, preview, *bare.size, None, blurhash)


def _orientation_of(picture: Image.Image) -> int:
    """Return the orientation of EXIF, 1 to 8; EXIF that cannot be read is none."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - a dozen kinds of broken EXIF; the pixels may well be whole
        return 1


def _save(picture: Image.Image, stem: Path, *, full_color: bool) -> ProducedFile:
    """Write JPEG; WebP where something can be seen through; PNG where few colors are (ADR 18)."""
    if picture.mode == "RGBA":
        path = stem.with_name(f"{stem.name}.webp")
        picture.save(path, "WEBP", quality=_QUALITY, method=2)
        return ProducedFile.at(path, "image/webp")
    if full_color and picture.getcolors(_FEW_COLORS) is not None:
        path = stem.with_name(f"{stem.name}.png")
        picture.save(path, "PNG", optimize=True)
        return ProducedFile.at(path, "image/png")
    path = stem.with_name(f"{stem.name}.jpg")
    subsampling = "4:4:4" if full_color else "4:2:0"
    picture.save(path, "JPEG", quality=_QUALITY, subsampling=subsampling, optimize=True)
    return ProducedFile.at(path, "image/jpeg")
