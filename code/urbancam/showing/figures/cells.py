"""A sheet of cells: image, signed activation map over the image, and land cover."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from urbancam.showing.figures import style
from urbancam.showing.figures.maps import cell_side_m
from urbancam.tables import grid

GROUPS = {0: "observed and predicted poorest", 4: "observed and predicted richest"}
PANELS = ("image", "activation map", "land cover")
MARGIN_MM, GAP_MM, ROW_GAP_MM, TOP_MM = 2.0, 0.6, 4.5, 8.0
PANEL_MM = (style.TWO_COLUMNS_MM - 3 * MARGIN_MM - 4 * GAP_MM) / 6
LEGEND_COLUMNS = 3
# Grey values of a signed map: 128 is zero, 255 the most rich-raising, 1 the most poor-raising.
ZERO, SCALE = 128, 127


@dataclass(frozen=True)
class CellPicture:
    """What the sheet shows of a cell.

    Attributes:
        cell_id: its INSPIRE id.
        income_eur: EUR per year and person.
        predicted_class: 0 poorest .. 4 richest.
        image: (H, W, 3) uint8, row 0 in the north; None where there is none.
        activation: (h, w) uint8 signed map; None where there is none.
        fragments: `class, geometry` (polygons in EPSG:3035, m).
    """

    cell_id: str
    income_eur: float
    predicted_class: int
    image: np.ndarray | None
    activation: np.ndarray | None
    fragments: pd.DataFrame


def choose_cells(predictions: pd.DataFrame, per_group: int, seed: int) -> dict[str, list[str]]:
    """Cells for the sheet, at random: some observed and predicted poorest, some both times richest.

    Args:
        predictions: `idINSPIRE, income_class, predicted_class`.
        per_group: cells a group, fewer where there are not so many.
        seed: of the draw.

    Returns:
        Title of the group -> ids, in the order of the table.
    """
    # ASSUME: cells that are told right, at random: neither the finest maps nor the worst.
    chosen = {}
    for number, title in GROUPS.items():
        right = predictions[
            (predictions[["income_class", "predicted_class"]] == number).all(axis=1)
        ]
        drawn = right.sample(min(per_group, len(right)), random_state=seed).sort_index()
        chosen[title] = drawn["idINSPIRE"].tolist()
    return chosen


def signed_values(activation: np.ndarray) -> np.ndarray:
    """A signed map's grey values (uint8, 128 = zero) as -1 (most poor-raising) .. 1 (most rich-raising)."""
    return np.clip((activation.astype(float) - ZERO) / SCALE, -1, 1)


@style.styled
def draw_cell_sheet(
    groups: dict[str, list[CellPicture]], classes: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """A column of cells for each group, three panels a cell; land cover numbered as in the legend.

    Args:
        groups: title -> cells, two groups; a group may be empty.
        classes: `class, name, colour`; a class's number is its place in this table, from 1.
        city: its name.
        credits: the line of data credits.
    """
    classes = classes.assign(number=range(1, len(classes) + 1)).set_index("class")
    shown = {key for cells in groups.values() for cell in cells for key in cell.fragments["class"]}
    legend = classes[classes.index.isin(shown)]
    rows = max(len(cells) for cells in groups.values())
    sheet_mm = TOP_MM + rows * (PANEL_MM + ROW_GAP_MM)
    legend_mm = 3.4 * max(-(-len(legend) // LEGEND_COLUMNS), 3) + 3
    figure = style.new_figure(
        style.TWO_COLUMNS_MM, sheet_mm + legend_mm, _CAPTION, credits, layout=None
    )
    for column, (title, cells) in enumerate(groups.items()):
        left_mm = MARGIN_MM + column * (3 * PANEL_MM + 2 * GAP_MM + MARGIN_MM)
        _write_head(figure, left_mm, rf"$\bf{{{'ab'[column]}}}$  {city}: {title}", bool(cells))
        for row, cell in enumerate(cells):
            _draw_cell(figure, cell, classes, left_mm, TOP_MM + row * (PANEL_MM + ROW_GAP_MM))
    _add_activation_bar(figure, sheet_mm)
    _add_legend(figure, legend, sheet_mm)
    return figure


def _write_head(figure: Figure, left_mm: float, title: str, has_cells: bool) -> None:
    style.text_mm(figure, left_mm, 1.2, title, fontsize=7.5)
    for number, panel in enumerate(PANELS if has_cells else ("no such cell",)):
        style.text_mm(figure, left_mm + number * (PANEL_MM + GAP_MM), 5.4, panel, color="0.35")


def _draw_cell(
    figure: Figure, cell: CellPicture, classes: pd.DataFrame, left_mm: float, top_mm: float
) -> None:
    words = f"{cell.income_eur:,.0f} EUR, predicted {style.CLASS_LABELS[cell.predicted_class]}"
    style.text_mm(figure, left_mm, top_mm + 0.7, words)
    axes = [
        style.add_axes_mm(
            figure, left_mm + k * (PANEL_MM + GAP_MM), top_mm + 3.6, PANEL_MM, PANEL_MM
        )
        for k in range(len(PANELS))
    ]
    west, south = grid.corners(pd.Series([cell.cell_id]))[0]
    side_m = cell_side_m(cell.cell_id)
    extent = (west, west + side_m, south, south + side_m)
    for ax in axes:
        ax.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    if cell.image is None:
        _say(axes[0], "no image")
    else:
        axes[0].imshow(cell.image, extent=extent)
        for ax in axes[1:]:  # paler and without colour, so that what lies on it can be told
            ax.imshow(
                128 + cell.image.mean(axis=2) / 2, extent=extent, cmap="gray", vmin=0, vmax=255
            )
    _draw_activation(axes[1], cell.activation, extent)
    _draw_fragments(axes[2], cell.fragments, classes)


def _say(ax: Axes, words: str) -> None:
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center")


def _draw_activation(ax: Axes, activation: np.ndarray | None, extent: tuple[float, ...]) -> None:
    if activation is None:
        _say(ax, "no map")
        return
    ax.imshow(
        signed_values(activation),
        extent=extent,
        cmap=style.signed_colours(),
        vmin=-1,
        vmax=1,
        interpolation="bilinear",
    )


def _draw_fragments(ax: Axes, fragments: pd.DataFrame, classes: pd.DataFrame) -> None:
    """Polygons filled in their class's colour; the class's number on its largest polygon in the cell."""
    if fragments.empty:
        _say(ax, "no land cover")
    for key, geometry in zip(fragments["class"], fragments["geometry"], strict=True):
        ax.add_patch(
            PathPatch(_outline(geometry), facecolor=(classes.loc[key, "colour"], 0.45), linewidth=0)
        )
        ax.add_patch(PathPatch(_outline(geometry), fill=False, edgecolor="black", linewidth=0.5))
    by_area = fragments.assign(area_m2=shapely.area(fragments["geometry"])).sort_values("area_m2")
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
    """All rings of a (multi)polygon as one path; holes turn the other way round and so stay empty."""
    parts = shapely.get_parts(shapely.orient_polygons(geometry))
    rings = [ring.coords for part in parts for ring in (part.exterior, *part.interiors)]
    return Path.make_compound_path(*(Path(np.asarray(ring)[:, :2], closed=True) for ring in rings))


def _add_activation_bar(figure: Figure, top_mm: float) -> None:
    ax = style.add_axes_mm(figure, MARGIN_MM + 3, top_mm + 2, 20, 2.2)
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1, 1), style.signed_colours()), cax=ax, orientation="horizontal"
    )
    bar.set_ticks([-1, 0, 1], labels=["poor", "0", "rich"])
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(length=1.5, pad=1)


def _add_legend(figure: Figure, legend: pd.DataFrame, top_mm: float) -> None:
    handles = [
        Line2D(
            [],
            [],
            marker="s",
            linestyle="",
            markersize=5,
            color=(colour, 0.6),
            markeredgecolor="black",
            markeredgewidth=0.4,
            label=f"{number} {name}",
        )
        for number, name, colour in zip(
            legend["number"], legend["name"], legend["colour"], strict=True
        )
    ]
    x, y = (
        (MARGIN_MM + 30) / style.TWO_COLUMNS_MM,
        1 - (top_mm + 1) / (figure.get_figheight() * 25.4),
    )
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(x, y),
        ncols=LEGEND_COLUMNS,
        fontsize=6,
        borderpad=0,
        borderaxespad=0,
        handletextpad=0.1,
        columnspacing=1,
    )


_CAPTION = (
    "Cells drawn at random among those whose class is told right; income is the mean per person and year. "
    "Activation map, scaled cell by cell: in red what speaks for rich, in blue what speaks for poor. Land "
    "cover: each class is numbered once in a cell."
)
