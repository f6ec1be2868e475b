"""Relevance of patches as pictures: heat map, overlay, masked image, and a sheet of patches."""

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from urbancam.showing.figures import style

COLOURS = "seismic"  # published
OVERLAY_SHARE = 0.5  # of the image over the heat map (published)
MARGIN_MM = 2.0
GAP_MM = 0.5
ROW_GAP_MM = 4.0
TOP_MM = 12.0
KINDS = {
    "overlay": "relevance under the image",
    "masked": "where it is above its mean by one standard deviation",
}


@dataclass(frozen=True)
class PatchPicture:
    """What the sheet has of a patch.

    Attributes:
        title: Name of the patch, and the city that relevance speaks for.
        image: (H, W, 3) uint8.
        relevance: Layer -> (H, W) map stretched to 0..1, layers from shallow to deep.
    """

    title: str
    image: np.ndarray
    relevance: dict[str, np.ndarray]


def heat_map(relevance: np.ndarray) -> np.ndarray:
    """A map as colours: its least value dark blue, its largest dark red (published).

    Args:
        relevance: (H, W) map in 0..1.

    Returns:
        (H, W, 3) uint8.
    """
    colours = mpl.colormaps[COLOURS]
    return colours(np.clip(relevance, 0, 1), bytes=True)[..., :3]


def overlay(image: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """The image, half transparent, over the heat map of its relevance (published).

    Args:
        image: (H, W, 3) uint8.
        relevance: (H, W) map in 0..1.

    Returns:
        (H, W, 3) uint8.
    """
    mixed = OVERLAY_SHARE * image.astype(float) + (1 - OVERLAY_SHARE) * heat_map(relevance)
    return np.round(mixed).astype(np.uint8)


def masked(image: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """The image where the map is above its mean by one deviation, else black (published).

    Args:
        image: (H, W, 3) uint8.
        relevance: (H, W) map.

    Returns:
        (H, W, 3) uint8.
    """
    # ASSUME: mean and deviation over the pixels of the map laid on the image.
    threshold = relevance.mean() + relevance.std()
    mask = (relevance > threshold).astype(np.uint8)
    return image * mask[..., None]


PICTURES = {  # kind -> picture of an image and its relevance
    "heat": lambda image, relevance: heat_map(relevance),
    "overlay": overlay,
    "masked": masked,
}


@style.in_house_style
def draw_relevance_sheet(patches: list[PatchPicture], city: str, credits: str = "") -> Figure:
    """A row a patch: image, then overlays, then masked images, each from shallow to deep layers.

    Args:
        patches: At least one patch, all with the same layers.
        city: Name of the city.
        credits: Line of data credits.
    """
    layers = list(patches[0].relevance)
    # The image itself, then a picture of each kind and layer; all are squares.
    columns = 1 + len(KINDS) * len(layers)
    gaps_mm = (columns - 1) * GAP_MM
    side_mm = (style.TWO_COLUMNS_MM - 2 * MARGIN_MM - gaps_mm) / columns
    row_mm = side_mm + ROW_GAP_MM
    height_mm = TOP_MM + len(patches) * row_mm
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, _CAPTION, credits, layout=None)
    figure.png_dpi, figure.png_colours = style.PHOTOGRAPHS
    _write_head(figure, layers, side_mm + GAP_MM, city)
    for number, patch in enumerate(patches):
        _draw_row(figure, patch, TOP_MM + number * row_mm, side_mm)
    return figure


def _write_head(figure: Figure, layers: list[str], step_mm: float, city: str) -> None:
    """The city, the kinds of pictures and their layers, above the columns.

    Args:
        figure: The sheet.
        layers: Layers, from shallow to deep.
        step_mm: Distance from column to column, mm.
        city: Name of the city.
    """
    style.text_mm(figure, MARGIN_MM, 1.2, city, fontsize=style.HEADING_PT, weight="bold")
    for number, words in enumerate(KINDS.values()):
        first = 1 + number * len(layers)
        style.text_mm(figure, MARGIN_MM + first * step_mm, 5.2, words, color="0.35")
        for column, layer in enumerate(layers, first):
            style.text_mm(figure, MARGIN_MM + column * step_mm, 8.4, layer, color="0.35")
    style.text_mm(figure, MARGIN_MM, 8.4, "patch", color="0.35")


def _draw_row(figure: Figure, patch: PatchPicture, top_mm: float, side_mm: float) -> None:
    """A patch's title and pictures.

    Args:
        figure: The sheet.
        patch: The patch.
        top_mm: Distance of the row from the figure's upper edge, mm.
        side_mm: Side of a picture, mm.
    """
    style.text_mm(figure, MARGIN_MM, top_mm + 0.6, patch.title)
    pictures = [patch.image]
    for kind in KINDS:
        paint = PICTURES[kind]
        pictures += [paint(patch.image, relevance) for relevance in patch.relevance.values()]
    for column, picture in enumerate(pictures):
        left_mm = MARGIN_MM + column * (side_mm + GAP_MM)
        ax = style.add_axes_mm(figure, left_mm, top_mm + 3.2, side_mm, side_mm)
        ax.imshow(picture, interpolation="antialiased")
        ax.set_axis_off()


_CAPTION = (
    "What speaks for the city named above each patch, in contrast to the other cities: "
    "Relevance-CAM of a network that was not trained on the patch's site. Each map is stretched "
    "from its own least (blue) to its own largest value (red): colours do not compare between "
    "maps. Patches drawn at random among the tested ones."
)
