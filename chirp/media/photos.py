"""Photos: decoded, turned upright, put into sRGB, shrunk, and encoded anew.

Nothing of the file survives but its pixels: no EXIF, no XMP, no comment, nothing behind its end.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import blurhash  # type: ignore[import-untyped]
from PIL import Image, ImageCms, ImageOps

from chirp.errors import Unprocessable
from chirp.media.shapes import MediaLimits, Processed, ProducedFile
from chirp.media.sniffing import Sniffed
from chirp.model import MediaKind

_WHITE = (255, 255, 255)
_FEW_COLOURS = 256
_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}


@contextmanager
def opened(source: Path, kind: Sniffed, limits: MediaLimits) -> Iterator[Image.Image]:
    """Open a picture as the kind it is, its pixels not yet unpacked. Raises: Unprocessable."""
    # The size is asked before pixels are unpacked; Pillow's own limit is far from ours.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(source, formats=[kind.name]) as image:
            refuse_large(image.width, image.height, limits)
            yield image
    except (OSError, SyntaxError, ValueError, EOFError, KeyError) as error:
        raise Unprocessable("the picture is broken or incomplete") from error


def refuse_large(width: int, height: int, limits: MediaLimits) -> None:
    """Raise Unprocessable for a picture with too many pixels, or none."""
    if width * height > limits.max_pixels:
        most = limits.max_pixels // 1_000_000
        raise Unprocessable(f"the picture has more than {most} million pixels")
    if width < 1 or height < 1:
        raise Unprocessable("the picture has no pixels")


def process_photo(image: Image.Image, folder: Path, limits: MediaLimits) -> Processed:
    """Make of a picture what is stored."""
    upright = _in_srgb(ImageOps.exif_transpose(image))
    if max(upright.size) > limits.max_side:
        upright.thumbnail((limits.max_side, limits.max_side), Image.Resampling.LANCZOS)
    original = _save(upright, folder / "original", _format_of(image.format, upright))
    preview = preview_of(upright, folder, limits)
    width, height = upright.size
    return Processed(MediaKind.PHOTO, original, preview, width, height, None, hash_of(upright))


def preview_of(image: Image.Image, folder: Path, limits: MediaLimits) -> ProducedFile:
    """Make a small version of a picture."""
    small = image.copy()
    small.thumbnail((limits.preview_side, limits.preview_side), Image.Resampling.LANCZOS)
    return _save(small, folder / "preview", "WEBP" if small.mode == "RGBA" else "JPEG")


def hash_of(image: Image.Image) -> str:
    """Return a picture's blurhash: about 30 characters, see https://blurha.sh."""
    tiny = flat(image).resize((32, 32), Image.Resampling.BILINEAR)
    pixels = tiny.tobytes()
    rows = [[list(pixels[i : i + 3]) for i in range(y * 96, y * 96 + 96, 3)] for y in range(32)]
    return str(blurhash.encode(rows, components_x=4, components_y=3))


def flat(image: Image.Image) -> Image.Image:
    """Return a picture without transparency, on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, _WHITE)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return a picture as RGB, or RGBA where something can be seen through."""
    if image.mode.startswith("I"):
        # 16 bits a pixel.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    clear = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    mode = "RGBA" if clear else "RGB"
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "RGBA", "CMYK", "L"}:
        image = _converted(image, profile, mode)
    image = image.convert(mode)
    if clear and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    return image


def _converted(image: Image.Image, profile: bytes, mode: str) -> Image.Image:
    target = mode if image.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        made = ImageCms.profileToProfile(image, source, srgb, outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A profile that is not one: the pixels are taken for sRGB, as browsers do.
        return image
    return image if made is None else made


def _format_of(source: str | None, image: Image.Image) -> str:
    """Return what a picture is stored as: drawings stay sharp, photographs stay small."""
    if image.mode == "RGBA":
        return "WEBP"
    drawn = source in {"PNG", "GIF"} and image.getcolors(_FEW_COLOURS) is not None
    return "PNG" if drawn else "JPEG"


def _save(image: Image.Image, path: Path, kind: str) -> ProducedFile:
    extension = _EXTENSIONS[kind]
    target = path.with_suffix("." + extension)
    # A copy of the pixels alone: `info` would carry a profile or a comment along.
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    if kind == "PNG":
        bare.save(target, kind, optimize=True)
    elif kind == "WEBP":
        bare.save(target, kind, quality=88, method=4)
    else:
        bare.save(target, kind, quality=87, optimize=True, progressive=True)
    return ProducedFile(target, f"image/{kind.lower()}", extension, target.stat().st_size)
