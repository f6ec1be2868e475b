"""Styles of QGIS (QML): areas coloured by a column's values, or by ranges of them.

Only what decides how areas look is written; QGIS fills in the rest. Tried with QGIS 3.22.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

QGIS = {"version": "3.22.0", "styleCategories": "Symbology"}
OUTLINE = "255,255,255,90"  # thin and pale, so that small cells keep their colour
OUTLINE_MM = 0.05


@dataclass(frozen=True)
class Entry:
    """One colour of a legend.

    Attributes:
        label: What the legend says beside it.
        colour: "#rrggbb".
        value: The value that has it; "" for all others. Of a range its lower end.
        upper: Upper end of a range.
    """

    label: str
    colour: str
    value: object = ""
    upper: float | None = None


def by_value(column: str, entries: Sequence[Entry]) -> str:
    """QML: a colour for each value of a column."""
    root, renderer = _renderer("categorizedSymbol", column)
    categories = ElementTree.SubElement(renderer, "categories")
    for number, entry in enumerate(entries):
        words = {"symbol": str(number), "value": str(entry.value), "label": entry.label}
        ElementTree.SubElement(categories, "category", words | {"render": "true"})
    _add_symbols(renderer, entries)
    return ElementTree.tostring(root, encoding="unicode")


def by_range(column: str, entries: Sequence[Entry]) -> str:
    """QML: a colour for each range of a column's values."""
    root, renderer = _renderer("graduatedSymbol", column)
    renderer.set("graduatedMethod", "GraduatedColor")
    ranges = ElementTree.SubElement(renderer, "ranges")
    for number, entry in enumerate(entries):
        ends = {"lower": repr(entry.value), "upper": repr(entry.upper)}
        words = {"symbol": str(number), "label": entry.label, "render": "true"}
        ElementTree.SubElement(ranges, "range", words | ends)
    _add_symbols(renderer, entries)
    return ElementTree.tostring(root, encoding="unicode")


def _renderer(kind: str, column: str) -> tuple[ElementTree.Element, ElementTree.Element]:
    root = ElementTree.Element("qgis", QGIS)
    words = {"type": kind, "attr": column, "symbollevels": "0", "enableorderby": "0"}
    return root, ElementTree.SubElement(root, "renderer-v2", words | {"forceraster": "0"})


def _add_symbols(renderer: ElementTree.Element, entries: Sequence[Entry]) -> None:
    """A filled area in each entry's colour."""
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, entry in enumerate(entries):
        words = {"type": "fill", "name": str(number), "alpha": "1", "clip_to_extent": "1"}
        symbol = ElementTree.SubElement(symbols, "symbol", words)
        fill = ElementTree.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1"})
        red_green_blue = [str(int(entry.colour[place : place + 2], 16)) for place in (1, 3, 5)]
        looks = {
            "color": ",".join([*red_green_blue, "255"]),
            "style": "solid",
            "outline_color": OUTLINE,
            "outline_style": "solid",
            "outline_width": str(OUTLINE_MM),
            "outline_width_unit": "MM",
        }
        # QGIS since 3.20 reads options, before that properties.
        options = ElementTree.SubElement(fill, "Option", {"type": "Map"})
        for name, value in looks.items():
            ElementTree.SubElement(
                options, "Option", {"name": name, "type": "QString", "value": value}
            )
            ElementTree.SubElement(fill, "prop", {"k": name, "v": value})
