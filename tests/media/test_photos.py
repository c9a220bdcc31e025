"""Photos: what is stored of them, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageCms

from tests.media.conftest import Bench
from tests.media.samples import animation, drawing, saved, with_exif

RED, BLUE, GREEN = (200, 0, 0), (0, 0, 200), (0, 200, 0)


def near(picture: Image.Image, x: float, y: float, color: tuple[int, ...], by: int = 40) -> bool:
    """Tell whether the pixel at these parts of the width and height has that color."""
    found = picture.convert("RGB").getpixel((int(picture.width * x), int(picture.height * y)))
    assert isinstance(found, tuple)
    return all(abs(a - b) <= by for a, b in zip(found, color, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
async def test_each_type_becomes_a_photo_with_a_preview(bench: Bench, kind: str) -> None:
    made = await bench.process(saved(drawing(), kind))
    assert (made.kind, made.width, made.height, made.duration_ms) == ("photo", 96, 64, None)
    stored_as = "image/png" if kind in {"PNG", "GIF"} else "image/jpeg"  # it has three colors
    assert (made.original.content_type, made.preview.content_type) == (stored_as, "image/jpeg")
    assert bench.left() == sorted([made.original.path.name, made.preview.path.name])
    assert made.original.size_bytes == made.original.path.stat().st_size
    assert len(made.blurhash) == 28
    with Image.open(made.original.path) as stored:
        assert near(stored, 0.4, 0.8, RED)
        assert near(stored, 0.8, 0.5, BLUE)


@pytest.mark.parametrize(
    ("orientation", "x", "y"),
    [(1, 0, 0), (2, 1, 0), (3, 1, 1), (4, 0, 1), (5, 0, 0), (6, 1, 0), (7, 1, 1), (8, 0, 1)],
)
async def test_a_photo_is_turned_upright(bench: Bench, orientation: int, x: int, y: int) -> None:
    made = await bench.process(saved(drawing(), "JPEG", exif=with_exif(orientation)))
    assert (made.width, made.height) == ((96, 64) if orientation < 5 else (64, 96))
    with Image.open(made.original.path) as stored:
        assert near(stored, 0.1 + 0.8 * x, 0.1 + 0.8 * y, GREEN)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
async def test_no_metadata_is_stored(bench: Bench, kind: str) -> None:
    data = saved(drawing(), kind, exif=with_exif())
    assert b"Secret Camera" in data
    made = await bench.process(data)
    for file in (made.original, made.preview):
        with Image.open(file.path) as stored:
            assert not dict(stored.getexif())
            assert "icc_profile" not in stored.info
        assert b"Secret" not in file.path.read_bytes()


async def test_a_comment_and_the_tail_of_a_polyglot_are_gone(bench: Bench) -> None:
    data = saved(drawing(), "JPEG", comment=b"<script>alert(1)</script>")
    made = await bench.process(data + b"PK\x03\x04 a whole archive PK\x05\x06")
    stored = made.original.path.read_bytes()
    assert b"<script>" not in stored
    assert b"PK\x03\x04" not in stored


async def test_transparency_is_kept_as_webp(bench: Bench) -> None:
    picture = drawing(mode="RGBA")
    picture.paste((0, 0, 0, 0), (60, 0, 96, 64))
    made = await bench.process(saved(picture, "PNG"))
    assert made.original.content_type == made.preview.content_type == "image/webp"
    with Image.open(made.original.path) as stored:
        alpha = stored.convert("RGBA").getchannel("A")
    assert (alpha.getpixel((80, 32)), alpha.getpixel((20, 50))) == (0, 255)


async def test_a_palette_with_a_transparent_color_is_kept(bench: Bench) -> None:
    made = await bench.process(
        saved(drawing(mode="P"), "PNG", transparency=drawing(mode="P").getpixel((90, 60)))
    )
    with Image.open(made.original.path) as stored:
        assert stored.convert("RGBA").getchannel("A").getextrema()[0] == 0


async def test_an_alpha_channel_that_hides_nothing_makes_no_webp(bench: Bench) -> None:
    made = await bench.process(saved(drawing(mode="RGBA"), "PNG"))
    assert made.original.extension == "png"


async def test_sixteen_bits_of_grey_are_scaled_not_cut_off(bench: Bench) -> None:
    grey = Image.frombytes("I;16", (32, 32), (0x8000).to_bytes(2, "little") * 1024)
    made = await bench.process(saved(grey, "PNG"))
    with Image.open(made.original.path) as stored:
        assert near(stored, 0.5, 0.5, (128, 128, 128), by=2)


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P", "YCbCr"])
async def test_other_color_modes_are_converted(bench: Bench, mode: str) -> None:
    kind = "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"
    made = await bench.process(saved(drawing(mode=mode), kind))
    with Image.open(made.original.path) as stored:
        assert stored.mode == "RGB"
        assert mode in {"L", "1"} or near(stored, 0.8, 0.5, BLUE)


async def test_a_profile_is_applied(bench: Bench) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    broken = await bench.process(saved(drawing(), "JPEG", icc_profile=b"nonsense" * 20))
    foreign = await bench.process(saved(drawing(), "JPEG", icc_profile=profile))
    for made in (broken, foreign):  # of other channels, or none at all: the pixels as they are
        with Image.open(made.original.path) as stored:
            assert near(stored, 0.8, 0.5, BLUE)


async def test_a_large_photo_is_stored_smaller(bench: Bench) -> None:
    made = await bench.process(saved(Image.new("L", (8000, 400)), "PNG"))
    assert (made.width, made.height) == (4096, 205)
    with Image.open(made.preview.path) as preview:
        assert preview.size == (640, 32)


async def test_a_line_of_pixels_keeps_a_side(bench: Bench) -> None:
    made = await bench.process(saved(Image.new("RGB", (20_000, 1)), "PNG"))
    assert (made.width, made.height) == (4096, 1)


async def test_broken_exif_does_not_cost_the_photo(bench: Bench) -> None:
    made = await bench.process(saved(drawing(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff junk"))
    assert made.width == 96


async def test_a_jpeg_of_several_pictures_is_a_photo(bench: Bench) -> None:
    assert (await bench.process(animation("MPO"))).kind == "photo"


async def test_the_source_stays(bench: Bench, tmp_path: Path) -> None:
    data = saved(drawing(), "JPEG")
    await bench.process(data)
    assert bench.source.read_bytes() == data
