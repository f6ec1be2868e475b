"""Figures as a page shows them: the file beside it, its caption, its size on the screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urbancam.showing import captions
from urbancam.showing.report.alt_texts import ALT_TEXTS

# Of 300 pixels an inch; so the text of figures is as large on the page as its small print.
SCREEN_PX_PER_PX = 0.45
PX_PER_M = 300 / 0.0254


@dataclass(frozen=True)
class Picture:
    """A figure's file.

    Attributes:
        name: Name as in `exhibits.FIGURES`, or of the cities experiment.
        width_px: Width at 300 pixels an inch.
        caption: What it shows, paragraph by paragraph.
    """

    name: str
    width_px: int
    caption: tuple[str, ...] = ()


def collect_pictures(pngs: Mapping[str, bytes], captions_text: str) -> dict[str, Picture]:
    """The figures of a run by name.

    Args:
        pngs: Name of the figure -> its PNG.
        captions_text: The captions beside them (`captions.FILE`).
    """
    words = captions.read_captions(captions_text)
    return {name: Picture(name, _width_px(png), words.get(name, ())) for name, png in pngs.items()}


def _width_px(png: bytes) -> int:
    """The width that a PNG would have at 300 pixels an inch: sheets of photographs have fewer."""
    width_px = int.from_bytes(png[16:20], "big")  # its header holds it there
    place = png.find(b"pHYs")  # pixels a metre, where the file tells
    if place < 0:
        return width_px
    px_per_m = int.from_bytes(png[place + 4 : place + 8], "big")
    return round(width_px / px_per_m * PX_PER_M)


def page_figure(picture: Picture, heading: str) -> dict[str, Any]:
    """What the templates take of a figure."""
    return {
        "name": picture.name,
        "heading": heading,
        "alt": ALT_TEXTS[picture.name],
        "caption": picture.caption,
        "width": round(picture.width_px * SCREEN_PX_PER_PX),
    }
