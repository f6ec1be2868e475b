"""What all figures share: sizes, faces, colours, captions, and a figure as the bytes of a file.

Figures are made without pyplot: no backend is chosen on import, no global state is touched, and
nothing stays open.
"""

import functools
import io
import logging
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from urbancam.showing.figures import faces

log = logging.getLogger(__name__)

# Nature Portfolio's artwork guide: 89 mm one column, 183 mm two columns, 247 mm page height,
# text of 5 to 7 pt in Helvetica or the like.
ONE_COLUMN_MM = 89
TWO_COLUMNS_MM = 183
PNG_DPI = 300
# Photographs make large files: pixels an inch and colours of the PNG of a sheet of them, whose PDF
# and SVG are as fine as all others.
PHOTOGRAPHS = 150, 160
MM_PER_INCH = 25.4
PT_PER_INCH = 72
SMALL_PT, HEADING_PT = 5.5, 7
CAPTION_PT = 6
CAPTION_LINE_HEIGHT = 1.3  # of the size of its letters
CHARACTERS_PER_EM = 2.0  # Liberation Sans: a character takes half an em on average
MISSING_GLYPH = "Glyph .* missing from font"  # as matplotlib warns

RC = {
    "font.family": faces.FAMILIES,
    "font.size": 6,
    "text.parse_math": False,  # a city may have a dollar in its name
    "axes.titlesize": 7,
    "axes.labelsize": 6.5,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "legend.fontsize": 6,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "pdf.fonttype": 42,  # text stays text in the PDF
    "svg.fonttype": "none",  # and in the SVG
    "svg.hashsalt": "UrbanCAM",  # its parts are called the same every time
    "figure.facecolor": "white",
}

# As published: poor is blue, rich is red (maps in RdBu_r; bars #0d3362 and #c64737). The middle of
# the five is a pale yellow, not RdBu's white, so that it stands out from the paper and from unused
# cells.
CLASS_COLOURS = ("#2166ac", "#86bbdb", "#f6e6a2", "#f19a6b", "#b2182b")
CLASS_LABELS = ("poorest", "poor", "middle", "rich", "richest")
SIDE_COLOURS = {"poor": "#0d3362", "rich": "#c64737"}
UNUSED_COLOUR = "#d4d4d4"
# From a class predicted too poor to one predicted too rich; no colour of the classes, and neither
# white nor grey between them.
DIFFERENCE_COLOURS = (
    "#542788", "#8073ac", "#b2abd2", "#d8d3ea", "#fbf3dc",
    "#cfe8c5", "#a6dba0", "#5aae61", "#1b7837",
)  # fmt: skip


def in_house_style(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw the figure under this module's rcParams, and leave matplotlib's as they were."""

    @functools.wraps(draw)
    def draw_in_style(*args: Any, **kwargs: Any) -> Figure:
        faces.register()
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return draw_in_style


class PaperFigure(Figure):
    """A figure with its caption, which stands beside it rather than in it.

    Attributes:
        caption: What the figure shows, and the credits; a paragraph each.
        png_dpi: Pixels an inch of the PNG.
        png_colours: Colours of its palette, for a small file; None: all of them.
    """

    caption: tuple[str, ...] = ()
    png_dpi: int = PNG_DPI
    png_colours: int | None = None


def new_figure(
    width_mm: float, height_mm: float, *caption: str, layout: str | None = "constrained"
) -> PaperFigure:
    """A figure with an Agg canvas.

    Args:
        width_mm: Width of the figure, mm.
        height_mm: Height of the figure, mm.
        caption: What it shows, and the credits; a paragraph each, empty ones are left out.
        layout: None where the axes are placed by `add_axes_mm`.
    """
    # Whole pixels: a caption below the picture does not shift it by parts of one.
    size_inches = np.round(np.array([width_mm, height_mm]) / MM_PER_INCH * PNG_DPI) / PNG_DPI
    figure = PaperFigure(figsize=size_inches, dpi=PNG_DPI, layout=layout)
    FigureCanvasAgg(figure)
    figure.caption = tuple(paragraph for paragraph in caption if paragraph)
    if layout:
        figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
    return figure


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
    ax.set_title(letter, loc="left", y=1.0, pad=pad_pt, weight="bold")
    ax.annotate(
        title,
        (0, 1),
        xycoords="axes fraction",
        xytext=(HEADING_PT * 1.3, pad_pt),
        textcoords="offset points",
        fontsize=HEADING_PT,
        annotation_clip=False,
    )


def fold_heading(words: str, width_mm: float) -> tuple[str, float]:
    """A heading in as many lines as a width asks for, and their height, mm."""
    bold_em = 0.6  # of a letter, on average
    characters = int(width_mm / MM_PER_INCH * PT_PER_INCH / HEADING_PT / bold_em)
    lines = textwrap.wrap(words, characters) or [""]
    return "\n".join(lines), len(lines) * HEADING_PT * 1.25 / PT_PER_INCH * MM_PER_INCH + 1


def set_heading(figure: Figure, city: str, title: str, legend_mm: float = 0) -> None:
    """What the whole figure shows, above its panels, left of a legend of such a width."""
    words = f"{city}: {title}" if city else title
    lines, _ = fold_heading(words, figure.get_figwidth() * MM_PER_INCH - legend_mm)
    figure.suptitle(lines, x=0.01, ha="left", fontsize=HEADING_PT, weight="bold")


def sentences(*parts: str) -> str:
    """The parts that are not empty as one text, each with its full stop."""
    return " ".join(f"{part}." for part in parts if part)


def render(
    figure: PaperFigure, kind: str, title: str = "", source: str = "", caption_inside: bool = False
) -> bytes:
    """The figure as the bytes of a file, the same ones every time: no date stands in it.

    Args:
        figure: The figure.
        kind: "png", "pdf" or "svg".
        title: Name of the figure, for the file's metadata.
        source: City, run and commit, for the file's metadata.
        caption_inside: Whether the caption also stands in the picture, below everything else.
    """
    metadata = _metadata(kind, title, source)
    faces.register()
    with mpl.rc_context(RC), warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", MISSING_GLYPH)
        page = _write_caption(figure) if caption_inside else None
        if kind == "png" and figure.png_colours:
            content = _render_palette(figure, metadata, page)
        else:
            dpi = figure.png_dpi if kind == "png" else PNG_DPI
            content = _save(figure, page, format=kind, dpi=dpi, metadata=metadata)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        log.warning("%s: %s", title, message)
    return faces.name_alike(content) if kind == "svg" else content


def _save(figure: PaperFigure, page: Bbox | None, **how: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, bbox_inches=page, **how)
    return buffer.getvalue()


def _render_palette(
    figure: PaperFigure, metadata: dict[str, str | None], page: Bbox | None
) -> bytes:
    """A PNG of as few colours as the figure asks for."""
    pixels = np.frombuffer(_save(figure, page, format="rgba", dpi=figure.png_dpi), np.uint8)
    width_px = int(figure.get_figwidth() * figure.png_dpi)
    image = Image.fromarray(pixels.reshape(-1, width_px, 4)).convert("RGB")
    texts = PngInfo()
    for key, words in metadata.items():
        if words:
            texts.add_text(key, words)
    buffer = io.BytesIO()
    # Without dithering, whose noise packs badly; means, else small fields of a legend turn grey.
    small = image.quantize(figure.png_colours, kmeans=1, dither=Image.Dither.NONE)
    resolution = (figure.png_dpi, figure.png_dpi)
    small.save(buffer, "png", optimize=True, pnginfo=texts, dpi=resolution)
    return buffer.getvalue()


def _metadata(kind: str, title: str, source: str) -> dict[str, str | None]:
    """What the file says of itself; None keeps matplotlib from writing a date."""
    if kind == "png":
        return {"Title": title, "Source": source, "Software": None}
    if kind == "pdf":
        return {"Title": title, "Subject": source, "CreationDate": None}
    return {"Title": title, "Source": source, "Date": None}


def _write_caption(figure: PaperFigure) -> Bbox:
    """Write the caption below the figure; the page that holds both, inches."""
    width, height = figure.get_size_inches()
    width_em = (width - 0.12) * PT_PER_INCH / CAPTION_PT
    characters = int(width_em * CHARACTERS_PER_EM)
    lines = [line for words in figure.caption for line in textwrap.wrap(words, characters)]
    below = len(lines) * CAPTION_PT * CAPTION_LINE_HEIGHT / PT_PER_INCH + 0.08
    below = np.ceil(below * PNG_DPI) / PNG_DPI
    if not any(text.get_gid() == "caption" for text in figure.texts):
        figure.text(
            0.06 / width,
            -0.02 / height,
            "\n".join(lines),
            va="top",
            fontsize=CAPTION_PT,
            color="0.35",
            linespacing=CAPTION_LINE_HEIGHT,
            gid="caption",
        )
    return Bbox([[0, -below], [width, height]])
