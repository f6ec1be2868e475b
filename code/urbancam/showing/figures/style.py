"""What all figures share: sizes, fonts, colours, footer, and a figure as the bytes of a file.

Figures are made without pyplot: no backend is chosen on import, no global state is touched, and
nothing stays open.
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

# Nature Portfolio's artwork guide: 89 mm one column, 183 mm two columns, 247 mm page height,
# text of 5 to 7 pt.
ONE_COLUMN_MM = 89
TWO_COLUMNS_MM = 183
PNG_DPI = 300
MM_PER_INCH = 25.4
PT_PER_INCH = 72
FOOTER_PT = 6
FOOTER_LINE_HEIGHT = 1.3  # of the font's size
CHARACTERS_PER_EM = 1.9  # DejaVu Sans: a character takes 0.53 em on average

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

# As published: poor is blue, rich is red (maps in RdBu_r; bars #0d3362 and #c64737). The middle of
# the five is a pale yellow, not RdBu's white, so that it stands out from the paper and from unused
# cells.
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


def in_house_style(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw the figure under this module's rcParams, and leave matplotlib's as they were."""

    @functools.wraps(draw)
    def draw_in_style(*args: Any, **kwargs: Any) -> Figure:
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return draw_in_style


def new_figure(
    width_mm: float, content_mm: float, *footer: str, layout: str | None = "constrained"
) -> Figure:
    """A figure with an Agg canvas: `content_mm` of height for the axes, the footer below it.

    Args:
        width_mm: Width of the figure, mm.
        content_mm: Height that the constrained layout may fill, mm.
        footer: Caption and credits; each starts a line and is wrapped to the width.
        layout: None where the axes are placed by `add_axes_mm`.
    """
    # The footer's height is known before the figure is: its lines have a fixed size.
    lines = _wrap_footer(footer, width_mm)
    footer_mm = len(lines) * FOOTER_PT * FOOTER_LINE_HEIGHT / PT_PER_INCH * MM_PER_INCH + 2
    height_mm = content_mm + footer_mm
    size_inches = (width_mm / MM_PER_INCH, height_mm / MM_PER_INCH)
    figure = Figure(figsize=size_inches, dpi=PNG_DPI, layout=layout)
    FigureCanvasAgg(figure)
    if layout:
        # Axes stay above the footer.
        share = footer_mm / height_mm
        above_footer = (0, share, 1, 1 - share)
        figure.get_layout_engine().set(rect=above_footer, w_pad=0.03, h_pad=0.03)
    figure.text(
        2 / width_mm,
        1 / height_mm,
        "\n".join(lines),
        fontsize=FOOTER_PT,
        color="0.35",
        linespacing=FOOTER_LINE_HEIGHT,
    )
    return figure


def _wrap_footer(footer: tuple[str, ...], width_mm: float) -> list[str]:
    """The footer's lines, none of them wider than the figure."""
    width_em = (width_mm - 3) / MM_PER_INCH * PT_PER_INCH / FOOTER_PT
    characters = int(width_em * CHARACTERS_PER_EM)
    lines = []
    for paragraph in footer:
        lines += textwrap.wrap(paragraph, characters)
    return lines


def add_axes_mm(
    figure: Figure, left: float, top: float, width: float, height: float, **kwargs: Any
) -> Axes:
    """Axes at a fixed place.

    Args:
        figure: Figure that gets the axes.
        left: Distance from the figure's left edge, mm.
        top: Distance from the figure's upper edge, mm.
        width: Width of the axes, mm.
        height: Height of the axes, mm.
        kwargs: As for `Figure.add_axes`.
    """
    figure_width, figure_height = figure.get_size_inches() * MM_PER_INCH
    # matplotlib counts from below, in shares of the figure.
    bottom = figure_height - top - height
    box = (
        left / figure_width,
        bottom / figure_height,
        width / figure_width,
        height / figure_height,
    )
    return figure.add_axes(box, **kwargs)


def text_mm(figure: Figure, left: float, top: float, text: str, **kwargs: Any) -> None:
    """Text with its upper left corner at a fixed place, mm from the figure's left and top."""
    width, height = figure.get_size_inches() * MM_PER_INCH
    x = left / width
    y = 1 - top / height
    figure.text(x, y, text, va="top", **kwargs)


def set_title(ax: Axes, letter: str, title: str, pad_pt: float = 4) -> None:
    """A panel's bold letter and title, left-aligned."""
    # Without `y`, matplotlib moves the title about.
    ax.set_title(f"{bold(letter)}  {title}", loc="left", y=1.0, pad=pad_pt)


def bold(letter: str) -> str:
    """A bold letter inside a text of another weight, as mathtext."""
    return rf"$\bf{{{letter}}}$"


def set_heading(figure: Figure, city: str, title: str) -> None:
    """What the whole figure shows, above its panels."""
    words = f"{city}: {title}" if city else title
    figure.suptitle(words, x=0.01, ha="left", fontsize=8, weight="bold")


def sentences(*parts: str) -> str:
    """The parts that are not empty as one text, each with its full stop."""
    return " ".join(f"{part}." for part in parts if part)


def class_colours() -> tuple[ListedColormap, BoundaryNorm]:
    """Colour map and norm of the income classes 0 .. 4; below 0 is unused, masked is paper."""
    colours = ListedColormap(CLASS_COLOURS).with_extremes(under=UNUSED_COLOUR, bad="white")
    count = len(CLASS_COLOURS)
    boundaries = np.arange(count + 1) - 0.5  # a class lies in the middle of its colour
    return colours, BoundaryNorm(boundaries, count)


def signed_colours() -> Colormap:
    """Diverging map of -1 (speaks for poor, blue) .. 1 (for rich, red), transparent at zero."""
    blue = mpl.colors.to_rgb(CLASS_COLOURS[0])
    red = mpl.colors.to_rgb(CLASS_COLOURS[-1])
    stops = [
        (0.0, (*blue, 0.85)),
        (0.5, (*blue, 0.0)),
        (0.5, (*red, 0.0)),
        (1.0, (*red, 0.85)),
    ]
    return LinearSegmentedColormap.from_list("signed", stops)


def diverging_colours() -> Colormap:
    """Diverging map from poor (blue) over white, nothing, to rich (red); masked is grey."""
    stops = (CLASS_COLOURS[0], "white", CLASS_COLOURS[-1])
    colours = LinearSegmentedColormap.from_list("diverging", stops)
    return colours.with_extremes(bad=UNUSED_COLOUR)


def credit_line(
    vintage: int, edition: int, years: list[int], rendered: bool, target: str = "income"
) -> str:
    """The line that names the data's providers, as their licences ask.

    Args:
        vintage: Year of INSEE's incomes.
        edition: Year of the Urban Atlas.
        years: Campaign years of the images, [] where they are unknown.
        rendered: Whether the city is the rendered demo, in the providers' packaging but with none
            of their data.
        target: What the classes are quintiles of; the line says so where it is not income.
    """
    note = ""
    if target != "income":
        note = "Classes are quintiles of people per cell: read fewest for poor, most for rich. "
    if rendered:
        return f"{note}Data: rendered demo city (no real place, incomes or images)."
    return (
        f"{note}Data: images © IGN, BD ORTHO{_year_span(years)}; "
        f"incomes INSEE, Filosofi {vintage}; "
        "land cover Copernicus Land Monitoring Service, "
        f"Urban Atlas {edition}, © European Union."
    )


def _year_span(years: list[int]) -> str:
    """The years after a name: " 2014-2017", " 2014", or nothing."""
    if not years:
        return ""
    first = min(years)
    last = max(years)
    return f" {first}" if first == last else f" {first}-{last}"


SITE_CREDITS = {
    "files": "images as dropped into data/cities_data",
    "hub": "images of DL-SLICER (Bissarinova et al. 2024)",
    "ign": "images © IGN, BD ORTHO",
}


def site_credit_line(sources: set[str], rendered: bool) -> str:
    """The line that names the data's providers, for the cities experiment.

    Args:
        sources: Column `source` of sites.csv.
        rendered: Whether the sites are the rendered demo towns.
    """
    if rendered:
        return "Data: rendered demo towns (no real places)."
    credits = [words for source, words in SITE_CREDITS.items() if source in sources]
    return f"Data: {'; '.join(credits)}."


def render(figure: Figure, format: str) -> bytes:
    """The figure as the bytes of a "png" or "pdf" file, the same ones every time.

    matplotlib's dates are left out, which would otherwise make every file differ.
    """
    buffer = io.BytesIO()
    metadata = {"Software": None} if format == "png" else {"CreationDate": None}
    with mpl.rc_context(RC), warnings.catch_warnings():
        # A city's name may lack letters in the font; the README of results tells.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(buffer, format=format, metadata=metadata)
    return buffer.getvalue()


def render_files(figures: dict[str, Figure]) -> Iterator[tuple[str, bytes]]:
    """Each figure as two files: name with suffix, and content."""
    for name, figure in figures.items():
        for kind in ("png", "pdf"):
            yield f"{name}.{kind}", render(figure, kind)
