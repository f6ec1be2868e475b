"""Relevance of patches as pictures: heat map, overlay, masked image, and a sheet of a city's patches."""

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from urbancam.showing.figures import style

COLOURS = "seismic"  # published
OVERLAY_SHARE = 0.5  # of the image over the heat map (published)
MARGIN_MM, GAP_MM, ROW_GAP_MM, TOP_MM = 2.0, 0.5, 4.0, 12.0
KINDS = {
    "overlay": "relevance under the image",
    "masked": "where it is above its mean by one standard deviation",
}


@dataclass(frozen=True)
class PatchPicture:
    """What the sheet shows of a patch.

    Attributes:
        title: its name, and the city that relevance speaks for.
        image: (H, W, 3) uint8.
        relevance: layer -> (H, W) map stretched to 0..1, layers from shallow to deep.
    """

    title: str
    image: np.ndarray
    relevance: dict[str, np.ndarray]


def heat_map(relevance: np.ndarray) -> np.ndarray:
    """(H, W) map in 0..1 -> (H, W, 3) uint8, its least value dark blue, its largest dark red (published)."""
    return mpl.colormaps[COLOURS](np.clip(relevance, 0, 1), bytes=True)[..., :3]


def overlay(image: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """The (H, W, 3) uint8 image, half transparent, over the heat map of its (H, W) relevance (published)."""
    mixed = OVERLAY_SHARE * image.astype(float) + (1 - OVERLAY_SHARE) * heat_map(relevance)
    return np.round(mixed).astype(np.uint8)


def masked(image: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """The image where the map is above its mean by one standard deviation, black elsewhere (published)."""
    # ASSUME: mean and deviation over the pixels of the map laid on the image.
    return image * (relevance > relevance.mean() + relevance.std())[..., None].astype(np.uint8)


PICTURES = {
    "heat": lambda image, relevance: heat_map(relevance),
    "overlay": overlay,
    "masked": masked,
}


@style.styled
def draw_relevance_sheet(patches: list[PatchPicture], city: str, credits: str = "") -> Figure:
    """A row a patch: the image, then overlays, then masked images, each from shallow to deep layers.

    Args:
        patches: at least one, all with the same layers.
        city: its name.
        credits: the line of data credits.
    """
    layers = list(patches[0].relevance)
    columns = 1 + len(KINDS) * len(layers)
    side_mm = (style.TWO_COLUMNS_MM - 2 * MARGIN_MM - (columns - 1) * GAP_MM) / columns
    pitch_mm = side_mm + ROW_GAP_MM
    figure = style.new_figure(
        style.TWO_COLUMNS_MM, TOP_MM + len(patches) * pitch_mm, _CAPTION, credits, layout=None
    )
    _write_head(figure, layers, side_mm + GAP_MM, city)
    for row, patch in enumerate(patches):
        top_mm = TOP_MM + row * pitch_mm
        style.text_mm(figure, MARGIN_MM, top_mm + 0.6, patch.title)
        pictures = [patch.image]
        pictures += [
            PICTURES[kind](patch.image, patch.relevance[layer])
            for kind in KINDS
            for layer in layers
        ]
        for column, picture in enumerate(pictures):
            left_mm = MARGIN_MM + column * (side_mm + GAP_MM)
            _show(style.add_axes_mm(figure, left_mm, top_mm + 3.2, side_mm, side_mm), picture)
    return figure


def _write_head(figure: Figure, layers: list[str], step_mm: float, city: str) -> None:
    style.text_mm(figure, MARGIN_MM, 1.2, city, fontsize=7.5)
    for number, words in enumerate(KINDS.values()):
        first = 1 + number * len(layers)
        style.text_mm(figure, MARGIN_MM + first * step_mm, 5.2, words, color="0.35")
        for offset, layer in enumerate(layers):
            style.text_mm(figure, MARGIN_MM + (first + offset) * step_mm, 8.4, layer, color="0.35")
    style.text_mm(figure, MARGIN_MM, 8.4, "patch", color="0.35")


def _show(ax: Axes, picture: np.ndarray) -> None:
    ax.imshow(picture, interpolation="antialiased")
    ax.set_axis_off()


_CAPTION = (
    "What speaks for the city named above each patch, in contrast to the other cities: Relevance-CAM of a network "
    "that was not trained on the patch's site. Each map is stretched from its own least (blue) to its own largest "
    "value (red): colours do not compare between maps. Patches drawn at random among the tested ones."
)
