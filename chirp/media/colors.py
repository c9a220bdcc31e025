"""Pictures of all modes and color spaces as sRGB of 8 bits a channel."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

_DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_srgb(picture: Image.Image) -> Image.Image:
    """Return `picture` as RGB, or as RGBA where at least one pixel can be seen through."""
    profile = picture.info.get("icc_profile")
    picture = _without_depth(picture)
    picture = picture.convert("RGBA") if picture.has_transparency_data else _opaque(picture)
    if profile:
        picture = _converted(picture, profile)
    if picture.mode == "RGBA":
        return (
            picture
            if picture.getchannel("A").getextrema() != (255, 255)
            else picture.convert("RGB")
        )
    return picture.convert("RGB")


def _opaque(picture: Image.Image) -> Image.Image:
    """Return what a profile can be applied to: its channels as they are, palettes resolved."""
    return picture if picture.mode in {"RGB", "CMYK", "L"} else picture.convert("RGB")


def _without_depth(picture: Image.Image) -> Image.Image:
    """Return 16 bits of grey as 8: `convert` alone would cut off, not scale."""
    if picture.mode not in _DEEP:
        return picture
    wide = picture.convert("I")
    return wide.point(lambda value: value * (1 / 256)).convert("L")


def _converted(picture: Image.Image, profile: bytes) -> Image.Image:
    """Apply an ICC profile; a broken one, or one for other channels, is ignored as in browsers."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return picture
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        found = ImageCms.profileToProfile(picture, source, _SRGB, outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return found or picture
