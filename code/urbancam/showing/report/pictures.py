"""Figures as a page shows them: the file beside it, its caption, its size on the screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urbancam.showing import captions
from urbancam.showing.report.alt_texts import ALT_TEXTS

# Figures have 300 pixels an inch; so their text is as large on the page as its small print.
SCREEN_PX_PER_PX = 0.45


@dataclass(frozen=True)
class Picture:
    """A figure's file.

    Attributes:
        name: Name as in `exhibits.FIGURES`, or of the cities experiment.
        width_px: Width of the file.
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
    return {
        # A PNG's header holds its width there.
        name: Picture(name, int.from_bytes(png[16:20], "big"), words.get(name, ()))
        for name, png in pngs.items()
    }


def page_figure(picture: Picture, heading: str) -> dict[str, Any]:
    """What the templates take of a figure."""
    return {
        "name": picture.name,
        "heading": heading,
        "alt": ALT_TEXTS[picture.name],
        "caption": picture.caption,
        "width": round(picture.width_px * SCREEN_PX_PER_PX),
    }
