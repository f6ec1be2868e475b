"""What the sheet of cells shows of one cell: its image, its map and its land cover."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from urbancam.showing.figures import colour_maps
from urbancam.tables import grid

SCALE_SHARE = 0.25  # of a cell's side, of the bar in its image
# Grey values of a signed map: 128 is zero, 255 the most rich-raising, 1 the most poor-raising.
ZERO = 128
SCALE = 127


@dataclass(frozen=True)
class CellPicture:
    """What the sheet has of a cell.

    Attributes:
        cell_id: INSPIRE id of the cell.
        value: Mean income, as section `cells` names it.
        predicted_class: Predicted income class, 0 poorest .. 4 richest.
        image: (H, W, 3) uint8, row 0 in the north; None where there is none.
        activation: (h, w) uint8 signed map; None where there is none.
        fragments: `class, geometry` (polygons, m).
    """

    cell_id: str
    value: float
    predicted_class: int
    image: np.ndarray | None
    activation: np.ndarray | None
    fragments: pd.DataFrame


def signed_values(activation: np.ndarray) -> np.ndarray:
    """A signed map's values, from -1 (most poor-raising) to 1 (most rich-raising).

    Args:
        activation: uint8 grey values, 128 is zero.
    """
    return np.clip((activation.astype(float) - ZERO) / SCALE, -1, 1)


def draw_panels(axes: list[Axes], cell: CellPicture, classes: pd.DataFrame) -> None:
    """A cell's image, map and land cover on three axes.

    Args:
        axes: Axes of the three.
        cell: The cell.
        classes: `colour, number`, by class.
    """
    # All panels lie on the same ground; a lacking picture leaves its frame.
    extent = _extent(cell.cell_id)
    for ax in axes:
        ax.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    if cell.image is None:
        _write_note(axes[0], "no image")
    else:
        axes[0].imshow(cell.image, extent=extent)
        # Paler and without colour below the others, so that what lies on it can be told.
        pale = 128 + cell.image.mean(axis=2) / 2
        for ax in axes[1:]:
            ax.imshow(pale, extent=extent, cmap="gray", vmin=0, vmax=255)
    _add_scale(axes[0], extent)
    _draw_activation(axes[1], cell.activation, extent)
    _draw_fragments(axes[2], cell.fragments, classes)


def _add_scale(ax: Axes, extent: tuple[float, ...]) -> None:
    """A bar with its length, in the lower left corner of an image."""
    west, east, south, _ = extent
    side_m = east - west
    length_m = side_m * SCALE_SHARE
    start = west + 0.04 * side_m
    y = south + 0.05 * side_m
    around = [withStroke(linewidth=2.2, foreground="black")]
    bar = {"color": "white", "linewidth": 1.2, "solid_capstyle": "butt", "gid": "scale"}
    ax.plot([start, start + length_m], [y, y], path_effects=around, **bar)
    ax.text(
        start,
        y + 0.03 * side_m,
        f"{length_m:g} m",
        color="white",
        fontsize=5,
        va="bottom",
        path_effects=[withStroke(linewidth=1, foreground="black")],
    )


def _extent(cell_id: str) -> tuple[float, float, float, float]:
    """West, east, south and north of a cell, m in its coordinate system."""
    west, south, east, north = grid.bounds(cell_id)
    return west, east, south, north


def _write_note(ax: Axes, words: str) -> None:
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center")


def _draw_activation(ax: Axes, activation: np.ndarray | None, extent: tuple[float, ...]) -> None:
    if activation is None:
        _write_note(ax, "no map")
        return
    ax.imshow(
        signed_values(activation),
        extent=extent,
        cmap=colour_maps.signed_colours(),
        vmin=-1,
        vmax=1,
        interpolation="bilinear",
    )


def _draw_fragments(ax: Axes, fragments: pd.DataFrame, classes: pd.DataFrame) -> None:
    """Polygons in their class's colour; the class's number on its largest polygon in the cell."""
    if fragments.empty:
        _write_note(ax, "no land cover")
    # Filled and outlined apart: the filling is pale, the outline is not.
    for key, geometry in zip(fragments["class"], fragments["geometry"], strict=True):
        outline = _outline(geometry)
        colour = (classes.loc[key, "colour"], 0.45)
        ax.add_patch(PathPatch(outline, facecolor=colour, linewidth=0))
        ax.add_patch(PathPatch(outline, fill=False, edgecolor="black", linewidth=0.5))

    # Each class is numbered once, where it has most room.
    areas_m2 = shapely.area(fragments["geometry"])
    by_area = fragments.assign(area_m2=areas_m2).sort_values("area_m2")
    largest = by_area.groupby("class").tail(1)
    for key, geometry in zip(largest["class"], largest["geometry"], strict=True):
        point = shapely.point_on_surface(geometry)
        ax.text(
            point.x,
            point.y,
            str(classes.loc[key, "number"]),
            ha="center",
            va="center",
            fontsize=6,
            weight="bold",
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
        )


def _outline(geometry: shapely.Geometry) -> Path:
    """All rings of a (multi)polygon as one path; holes turn the other way round and stay empty."""
    paths = []
    for polygon in shapely.get_parts(shapely.orient_polygons(geometry)):
        for ring in (polygon.exterior, *polygon.interiors):
            corners = np.asarray(ring.coords)[:, :2]
            paths.append(Path(corners, closed=True))
    return Path.make_compound_path(*paths)
