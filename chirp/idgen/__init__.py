"""Ids that carry their time: two layouts, a generator, and the order in which ids settle."""

from chirp.idgen.generator import IdGenerator
from chirp.idgen.layout import (
    LAYOUT_48,
    LAYOUT_64,
    ClockOutOfRange,
    IdRange,
    Layout,
    layout_named,
)
from chirp.idgen.watermark import Watermark

__all__ = [
    "LAYOUT_48",
    "LAYOUT_64",
    "ClockOutOfRange",
    "IdGenerator",
    "IdRange",
    "Layout",
    "Watermark",
    "layout_named",
]
