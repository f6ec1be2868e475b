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
MARGIN_MM = 2.0
GAP_MM = 0.6
ROW_GAP_MM = 4.5
TOP_MM = 8.0
# Two groups of three panels stand side by side.
PANEL_MM = (style.TWO_COLUMNS_MM - 3 * MARGIN_MM - 4 * GAP_MM) / 6
STEP_MM = PANEL_MM + GAP_MM
LEGEND_COLUMNS = 3
# Grey values of a signed map: 128 is zero, 255 the most rich-raising, 1 the most poor-raising.
ZERO = 128
SCALE = 127


@dataclass(frozen=True)
class CellPicture:
    """What the sheet has of a cell.

    Attributes:
        cell_id: INSPIRE id of the cell.
        income_eur: Mean income, EUR per year and person.
        predicted_class: Predicted income class, 0 poorest .. 4 richest.
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
        per_group: Number of cells a group, fewer where there are not so many.
        seed: Seed of the draw.

    Returns:
        Title of the group -> ids, in the order of the table.
    """
    # ASSUME: cells that are told right, at random: neither the finest maps nor the worst.
    chosen = {}
    for income_class, title in GROUPS.items():
        is_class = predictions[["income_class", "predicted_class"]] == income_class
        right = predictions[is_class.all(axis=1)]
        count = min(per_group, len(right))
        cells = right.sample(count, random_state=seed).sort_index()
        chosen[title] = cells["idINSPIRE"].tolist()
    return chosen


def signed_values(activation: np.ndarray) -> np.ndarray:
    """A signed map's values, from -1 (most poor-raising) to 1 (most rich-raising).

    Args:
        activation: uint8 grey values, 128 is zero.
    """
    return np.clip((activation.astype(float) - ZERO) / SCALE, -1, 1)


@style.in_house_style
def draw_cell_sheet(
    groups: dict[str, list[CellPicture]], classes: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """A column of cells for each group, three panels a cell; land cover numbered as in the legend.

    Args:
        groups: Title -> cells, two groups; a group may be empty.
        classes: `class, name, colour`; a class's number is its place in this table, from 1.
        city: Name of the city.
        credits: Line of data credits.
    """
    classes = classes.assign(number=range(1, len(classes) + 1)).set_index("class")
    legend = _classes_in(groups, classes)
    rows = max(len(cells) for cells in groups.values())
    legend_rows = -(-len(legend) // LEGEND_COLUMNS)  # rounded up
    sheet_mm = TOP_MM + rows * (PANEL_MM + ROW_GAP_MM)
    height_mm = sheet_mm + (3.4 * max(legend_rows, 3) + 3)
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, _CAPTION, credits, layout=None)
    # A group a column, a cell a row.
    for column, (title, cells) in enumerate(groups.items()):
        left_mm = MARGIN_MM + column * (3 * PANEL_MM + 2 * GAP_MM + MARGIN_MM)
        _write_head(figure, left_mm, "ab"[column], f"{city}: {title}", bool(cells))
        for row, cell in enumerate(cells):
            _draw_cell(figure, cell, classes, left_mm, TOP_MM + row * (PANEL_MM + ROW_GAP_MM))
    _add_activation_bar(figure, sheet_mm)
    _add_legend(figure, legend, sheet_mm)
    return figure


def _classes_in(groups: dict[str, list[CellPicture]], classes: pd.DataFrame) -> pd.DataFrame:
    """The rows of the classes that any cell holds."""
    keys = set()
    for cells in groups.values():
        for cell in cells:
            keys |= set(cell.fragments["class"])
    return classes[classes.index.isin(keys)]


def _write_head(figure: Figure, left_mm: float, letter: str, title: str, has_cells: bool) -> None:
    style.text_mm(figure, left_mm, 1.2, letter, fontsize=style.HEADING_PT, weight="bold")
    style.text_mm(figure, left_mm + 3, 1.2, title, fontsize=style.HEADING_PT)
    panels = PANELS if has_cells else ("no such cell",)
    for number, panel in enumerate(panels):
        style.text_mm(figure, left_mm + number * STEP_MM, 5.4, panel, color="0.35")


def _draw_cell(
    figure: Figure,
    cell: CellPicture,
    classes: pd.DataFrame,
    left_mm: float,
    top_mm: float,
) -> None:
    """A cell's three panels and the line above them.

    Args:
        figure: The sheet.
        cell: The cell.
        classes: `colour, number`, by class.
        left_mm: Distance from the figure's left edge, mm.
        top_mm: Distance from the figure's upper edge, mm.
    """
    label = style.CLASS_LABELS[cell.predicted_class]
    words = f"{cell.income_eur:,.0f} EUR, predicted {label}"
    style.text_mm(figure, left_mm, top_mm + 0.7, words)
    axes = []
    for number in range(len(PANELS)):
        panel_mm = left_mm + number * STEP_MM
        axes.append(style.add_axes_mm(figure, panel_mm, top_mm + 3.6, PANEL_MM, PANEL_MM))

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
    _draw_activation(axes[1], cell.activation, extent)
    _draw_fragments(axes[2], cell.fragments, classes)


def _extent(cell_id: str) -> tuple[float, float, float, float]:
    """West, east, south and north of a cell, m in EPSG:3035."""
    west, south = grid.corners(pd.Series([cell_id]))[0]
    side_m = cell_side_m(cell_id)
    return west, west + side_m, south, south + side_m


def _write_note(ax: Axes, words: str) -> None:
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center")


def _draw_activation(ax: Axes, activation: np.ndarray | None, extent: tuple[float, ...]) -> None:
    if activation is None:
        _write_note(ax, "no map")
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


def _add_activation_bar(figure: Figure, top_mm: float) -> None:
    ax = style.add_axes_mm(figure, MARGIN_MM + 3, top_mm + 2, 20, 2.2)
    colours = ScalarMappable(Normalize(-1, 1), style.signed_colours())
    bar = figure.colorbar(colours, cax=ax, orientation="horizontal")
    bar.set_ticks([-1, 0, 1], labels=["poor", "0", "rich"])
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(length=1.5, pad=1)


def _add_legend(figure: Figure, legend: pd.DataFrame, top_mm: float) -> None:
    """The numbers, names and colours of the classes, below the cells.

    Args:
        figure: The sheet.
        legend: `number, name, colour`, a row a class.
        top_mm: Distance from the figure's upper edge, mm.
    """
    handles = [
        Line2D(
            [],
            [],
            marker="s",
            linestyle="",
            markersize=5,
            color=(row.colour, 0.6),
            markeredgecolor="black",
            markeredgewidth=0.4,
            label=f"{row.number} {row.name}",
        )
        for row in legend.itertuples(index=False)
    ]
    x = (MARGIN_MM + 30) / style.TWO_COLUMNS_MM
    y = 1 - (top_mm + 1) / (figure.get_figheight() * style.MM_PER_INCH)
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
    "Cells drawn at random among those whose class is told right; income is the mean per person "
    "and year. Activation map, scaled cell by cell: in red what speaks for rich, in blue what "
    "speaks for poor. Land cover: each class is numbered once in a cell."
)
