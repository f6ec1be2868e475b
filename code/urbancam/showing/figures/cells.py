"""A sheet of cells: image, signed activation map over the image, and land cover."""

import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from urbancam.showing.figures import cell_panels, colour_maps, style
from urbancam.showing.figures.cell_panels import CellPicture
from urbancam.showing.wording import value_words

GROUPS = {0: "observed poorest", 4: "observed richest"}
PANELS = ("image", "activation map", "land cover")
MARGIN_MM = 2.0
GAP_MM = 0.6
ROW_GAP_MM = 4.5
TOP_MM = 8.0
# Two groups of three panels stand side by side.
PANEL_MM = (style.TWO_COLUMNS_MM - 3 * MARGIN_MM - 4 * GAP_MM) / 6
STEP_MM = PANEL_MM + GAP_MM
LEGEND_COLUMNS = 3


def choose_cells(predictions: pd.DataFrame, per_group: int, seed: int) -> dict[str, list[str]]:
    """Cells for the sheet, at random: of the observed poorest and richest, half hits, half misses.

    Args:
        predictions: `idINSPIRE, income_class, predicted_class`.
        per_group: Number of cells a group, fewer where there are not so many.
        seed: Seed of the draw.

    Returns:
        Title of the group -> ids: hits, then misses, each in the order of the table.
    """
    # ASSUME: as many cells told wrong as told right, at random: neither the finest maps nor the
    # worst.
    chosen = {}
    for income_class, title in GROUPS.items():
        observed = predictions[predictions["income_class"] == income_class]
        is_hit = observed["predicted_class"] == income_class
        cells = []
        for kind in (observed[is_hit], observed[~is_hit]):
            count = min(per_group // 2, len(kind))
            cells += kind.sample(count, random_state=seed).sort_index()["idINSPIRE"].tolist()
        chosen[title] = cells
    return chosen


@style.in_house_style
def draw_cell_sheet(
    groups: dict[str, list[CellPicture]], classes: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """A column of cells for each group, three panels a cell; land cover numbered as in the legend.

    Args:
        groups: Title -> cells, two groups; a group may be empty.
        classes: `class, number, name, colour`.
        city: Name of the city.
        credits: Line of data credits.
    """
    classes = classes.set_index("class")
    legend = _classes_in(groups, classes)
    rows = max(len(cells) for cells in groups.values())
    legend_rows = -(-len(legend) // LEGEND_COLUMNS)  # rounded up
    heading, heading_mm = style.fold_heading(city, style.TWO_COLUMNS_MM)
    top_mm = heading_mm + TOP_MM
    sheet_mm = top_mm + rows * (PANEL_MM + ROW_GAP_MM)
    height_mm = sheet_mm + (3.4 * max(legend_rows, 3) + 3)
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, _CAPTION, credits, layout=None)
    figure.png_dpi, figure.png_colours = style.PHOTOGRAPHS
    style.text_mm(figure, MARGIN_MM, 1, heading, fontsize=style.HEADING_PT, weight="bold")
    # A group a column, a cell a row.
    for column, (title, cells) in enumerate(groups.items()):
        left_mm = MARGIN_MM + column * (3 * PANEL_MM + 2 * GAP_MM + MARGIN_MM)
        _write_head(figure, left_mm, heading_mm, "ab"[column], title, bool(cells))
        for row, cell in enumerate(cells):
            _draw_cell(figure, cell, classes, left_mm, top_mm + row * (PANEL_MM + ROW_GAP_MM))
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


def _write_head(
    figure: Figure, left_mm: float, top_mm: float, letter: str, title: str, has_cells: bool
) -> None:
    """A group's letter and title, and what its columns are."""
    heading = {"fontsize": style.HEADING_PT}
    style.text_mm(figure, left_mm, top_mm + 1.2, letter, weight="bold", **heading)
    style.text_mm(figure, left_mm + 3, top_mm + 1.2, title, **heading)
    panels = PANELS if has_cells else ("no such cell",)
    for number, panel in enumerate(panels):
        style.text_mm(figure, left_mm + number * STEP_MM, top_mm + 5.4, panel, color="0.35")


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
    words = f"{cell.cell_id}, {value_words(cell.value)} EUR, predicted {label}"
    style.text_mm(figure, left_mm, top_mm + 0.9, words, fontsize=style.SMALL_PT)
    axes = []
    for number in range(len(PANELS)):
        panel_mm = left_mm + number * STEP_MM
        axes.append(style.add_axes_mm(figure, panel_mm, top_mm + 3.6, PANEL_MM, PANEL_MM))

    cell_panels.draw_panels(axes, cell, classes)


def _add_activation_bar(figure: Figure, top_mm: float) -> None:
    ax = style.add_axes_mm(figure, MARGIN_MM + 3, top_mm + 2, 20, 2.2)
    colours = ScalarMappable(Normalize(-1, 1), colour_maps.signed_colours())
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
    "Cells drawn at random among those observed poorest (a) and richest (b): first cells whose "
    "class is told right, then cells whose class is not; id of the cell, its income. "
    "Activation map, scaled cell by cell: in red what speaks for rich, in blue what speaks "
    "for poor. Land cover: each class is numbered once in a cell, as in all figures."
)
