"""What all figures share: sizes, fonts, colours, footer, and a figure as the bytes of a file.

Figures are made without pyplot: no backend is chosen on import, no global state touched, nothing stays open.
"""

import functools
import io
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, Colormap, LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure

# Nature Portfolio's artwork guide: 89 mm one column, 183 mm two columns, 247 mm page height, text 5 to 7 pt.
ONE_COLUMN_MM = 89
TWO_COLUMNS_MM = 183
PNG_DPI = 300
FOOTER_PT = 6

RC = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same bytes on every machine
    "font.size": 6.5,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "pdf.fonttype": 42,  # text stays text in the PDF
    "figure.facecolor": "white",
}

# As published: poor is blue, rich is red (maps in RdBu_r; bars #0d3362 and #c64737). The middle of the five
# is a pale yellow, not RdBu's white, so that it stands out from the paper and from unused cells.
CLASS_COLOURS = ("#2166ac", "#86bbdb", "#f6e6a2", "#f19a6b", "#b2182b")
CLASS_LABELS = ("poorest", "poor", "middle", "rich", "richest")
SIDE_COLOURS = {"poor": "#0d3362", "rich": "#c64737"}
UNUSED_COLOUR = "#d4d4d4"
# As published, but for nature: to the red-green blind its darkseagreen is urban fabric's salmon.
SUPER_CLASS_COLOURS = {
    "urban fabric": "#e69584",
    "functional area": "#f4a460",
    "infrastructure": "#aeaeb8",
    "nature": "#6fd6cf",
    "no use": "#c0c0c0",
}


def styled(make: Callable[..., Figure]) -> Callable[..., Figure]:
    """Make the figure under this module's rcParams, and leave matplotlib's as they were."""

    @functools.wraps(make)
    def made(*args: Any, **kwargs: Any) -> Figure:
        with mpl.rc_context(RC):
            return make(*args, **kwargs)

    return made


def new_figure(
    width_mm: float, content_mm: float, *footer: str, layout: str | None = "constrained"
) -> Figure:
    """A figure with an Agg canvas: `content_mm` of height for the axes, the footer's lines below it.

    Args:
        width_mm: width, mm.
        content_mm: height the constrained layout may fill, mm.
        footer: caption and credits; each starts a line and is wrapped to the width.
        layout: None where the axes are placed by `add_axes_mm`.
    """
    characters = int(
        (width_mm - 3) / 25.4 * 72 / FOOTER_PT * 1.9
    )  # DejaVu Sans: 0.53 em a character on average
    lines = [part for line in footer if line for part in textwrap.wrap(line, characters)]
    footer_mm = len(lines) * FOOTER_PT * 1.3 / 72 * 25.4 + 2
    height_mm = content_mm + footer_mm
    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), dpi=PNG_DPI, layout=layout)
    FigureCanvasAgg(figure)
    if layout:
        share = footer_mm / height_mm
        figure.get_layout_engine().set(rect=(0, share, 1, 1 - share), w_pad=0.03, h_pad=0.03)
    figure.text(
        2 / width_mm,
        1 / height_mm,
        "\n".join(lines),
        fontsize=FOOTER_PT,
        color="0.35",
        linespacing=1.3,
    )
    return figure


def add_axes_mm(
    figure: Figure, left: float, top: float, width: float, height: float, **kwargs: Any
) -> Axes:
    """Axes at a fixed place: mm from the figure's left and upper edge."""
    figure_width, figure_height = figure.get_size_inches() * 25.4
    bottom = figure_height - top - height
    box = (
        left / figure_width,
        bottom / figure_height,
        width / figure_width,
        height / figure_height,
    )
    return figure.add_axes(box, **kwargs)


def text_mm(figure: Figure, left: float, top: float, text: str, **kwargs: Any) -> None:
    """Text whose upper left corner is at a fixed place: mm from the figure's left and upper edge."""
    width, height = figure.get_size_inches() * 25.4
    figure.text(left / width, 1 - top / height, text, va="top", **kwargs)


def set_title(ax: Axes, letter: str, title: str, pad_pt: float = 4) -> None:
    """A panel's bold letter and title, left-aligned; `y` is given, else matplotlib moves the title about."""
    ax.set_title(rf"$\bf{{{letter}}}$  {title}", loc="left", y=1.0, pad=pad_pt)


def set_heading(figure: Figure, city: str, title: str) -> None:
    """What the whole figure shows, above its panels."""
    words = f"{city}: {title}" if city else title
    figure.suptitle(words, x=0.01, ha="left", fontsize=8, weight="bold")


def sentences(*parts: str) -> str:
    """The parts that are not empty, each with its full stop."""
    return " ".join(f"{part}." for part in parts if part)


def class_colours() -> tuple[ListedColormap, BoundaryNorm]:
    """Colour map and norm of the income classes 0 .. 4; below 0 is unused, masked is paper."""
    colours = ListedColormap(CLASS_COLOURS).with_extremes(under=UNUSED_COLOUR, bad="white")
    return colours, BoundaryNorm(np.arange(len(CLASS_COLOURS) + 1) - 0.5, len(CLASS_COLOURS))


def signed_colours() -> Colormap:
    """Diverging map of -1 (speaks for poor, blue) .. 1 (speaks for rich, red), transparent at zero."""
    ends = [mpl.colors.to_rgb(CLASS_COLOURS[0]), mpl.colors.to_rgb(CLASS_COLOURS[-1])]
    stops = [
        (0.0, (*ends[0], 0.85)),
        (0.5, (*ends[0], 0.0)),
        (0.5, (*ends[1], 0.0)),
        (1.0, (*ends[1], 0.85)),
    ]
    return LinearSegmentedColormap.from_list("signed", stops)


def diverging_colours() -> Colormap:
    """Diverging map from poor (blue) over white, nothing, to rich (red); masked is grey."""
    ends = (CLASS_COLOURS[0], "white", CLASS_COLOURS[-1])
    return LinearSegmentedColormap.from_list("diverging", ends).with_extremes(bad=UNUSED_COLOUR)


def credit_line(
    vintage: int, edition: int, years: list[int], rendered: bool, target: str = "income"
) -> str:
    """The line that names the data's providers, as their licences ask.

    Args:
        vintage: year of INSEE's incomes.
        edition: year of the Urban Atlas.
        years: campaign years of the images, [] where unknown.
        rendered: the city is the rendered demo, in the providers' packaging but none of their data.
        target: what the classes are quintiles of; said where it is not income.
    """
    people = "Classes are quintiles of people per cell: read fewest for poor, most for rich. "
    note = "" if target == "income" else people
    if rendered:
        return f"{note}Data: rendered demo city (no real place, incomes or images)."
    span = (
        ""
        if not years
        else f" {min(years)}"
        if min(years) == max(years)
        else f" {min(years)}-{max(years)}"
    )
    return (
        f"{note}Data: images © IGN, BD ORTHO{span}; incomes INSEE, Filosofi {vintage}; land cover Copernicus Land "
        f"Monitoring Service, Urban Atlas {edition}, © European Union."
    )


SITE_CREDITS = {
    "files": "images as dropped into data/cities_data",
    "hub": "images of DL-SLICER (Bissarinova et al. 2024)",
    "ign": "images © IGN, BD ORTHO",
}


def site_credit_line(sources: set[str], rendered: bool) -> str:
    """The same line for the cities experiment.

    Args:
        sources: column `source` of sites.csv.
        rendered: the sites are the rendered demo towns.
    """
    if rendered:
        return "Data: rendered demo towns (no real places)."
    return (
        f"Data: {'; '.join(words for source, words in SITE_CREDITS.items() if source in sources)}."
    )


def render(figure: Figure, format: str) -> bytes:
    """The figure as the bytes of a "png" or "pdf" file, the same ones every time.

    matplotlib's dates are left out, which would otherwise make every file differ.
    """
    buffer = io.BytesIO()
    metadata = {"Software": None} if format == "png" else {"CreationDate": None}
    with mpl.rc_context(RC), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Glyph .* missing from font"
        )  # a city's name; the README of results tells
        figure.savefig(buffer, format=format, metadata=metadata)
    return buffer.getvalue()


def render_files(drawn: dict[str, Figure]) -> Iterator[tuple[str, bytes]]:
    """Each figure as two files: name with suffix, and content."""
    for name, figure in drawn.items():
        for kind in ("png", "pdf"):
            yield f"{name}.{kind}", render(figure, kind)
