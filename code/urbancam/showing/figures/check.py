"""The picture of a check: a city's images and land cover, each with its cells over it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from urbancam.showing.figures import style

PANEL_MM = 90  # width of a panel, and its height at most
TITLE_MM, ROW_MM = 7, 4.2
COLUMNS = 4  # of the legend
DPI = 150
CELLS_COLOUR, IMAGES_COLOUR = "#d4003c", "#0057b8"
GROUND = "#e8e8e8"  # where nothing lies
CLASSES_NAMED = 18  # of the legend; more are not told apart
Lines = Sequence[np.ndarray]  # each (N, 2), in the picture's coordinates


@style.in_house_style
def draw_check(
    images: np.ndarray,
    land_cover: np.ndarray,
    extent: tuple[float, float, float, float],
    cells: Lines,
    footprints: Lines,
    classes: dict[str, str],
    caption: str,
) -> Figure:
    """Two panels on one grid, with the outlines of cells and images.

    Args:
        images: (H, W, 4) uint8 RGBA, row 0 in the north.
        land_cover: Likewise.
        extent: (west, south, east, north), m.
        cells: Outline of the cells.
        footprints: Outlines of the images' files.
        classes: Colour of each class of land cover that is drawn, by its name.
        caption: What it shows.
    """
    west, south, east, north = extent
    panel_mm = PANEL_MM * min(1, (east - west) / (north - south))
    height_mm = panel_mm * (north - south) / (east - west)
    named = list(classes.items())[:CLASSES_NAMED]
    rows = -(-(len(named) + 2) // COLUMNS)  # rounded up
    legend_mm = rows * ROW_MM + 3
    figure = style.new_figure(
        style.TWO_COLUMNS_MM, TITLE_MM + height_mm + legend_mm, caption, layout=None
    )
    figure.png_dpi = DPI
    panels = (("a", "images", images), ("b", "land cover", land_cover))
    for number, (letter, title, picture) in enumerate(panels):
        left_mm = number * style.TWO_COLUMNS_MM / 2
        ax = style.add_axes_mm(figure, left_mm, TITLE_MM, panel_mm, height_mm)
        ax.set_facecolor(GROUND)
        ax.imshow(picture, extent=(west, east, south, north), interpolation="nearest")
        ax.add_collection(LineCollection(footprints, colors=IMAGES_COLOUR, linewidths=0.6))
        ax.add_collection(LineCollection(cells, colors=CELLS_COLOUR, linewidths=0.8))
        ax.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[])
        style.set_title(ax, letter, title)

    handles = [
        Patch(facecolor="none", edgecolor=CELLS_COLOUR, label="cells"),
        Patch(facecolor="none", edgecolor=IMAGES_COLOUR, label="files of images"),
    ]
    handles += [Patch(facecolor=colour, label=name) for name, colour in named]
    below = legend_mm / (TITLE_MM + height_mm + legend_mm)
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, below), ncols=COLUMNS)
    return figure
