"""Co-activation: which neighbour makes the network look more at a class.

The matrices show all pairs; the chords below them are the published F3, a selection.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from urbancam.scoring.vocabulary import SIDES
from urbancam.showing.figures import chords, style

# Four panels a row.
LEFT_MM, SIDE_MM, GAP_MM = 7, 40.5, 4
LINE_MM, LIST_COLUMNS = 2.9, 4
WIDEST = 1.0  # the colours of a matrix end at half and at twice as much (logarithm to base 2)


@style.in_house_style
def draw_coactivation(
    coactivation: pd.DataFrame,
    coassociation: pd.DataFrame,
    classes: pd.DataFrame,
    city: str = "",
    credits: str = "",
) -> Figure:
    """Activation and observed incomes, poor and rich: a matrix of all pairs, below it the chords.

    An arrow goes from the neighbour to the object.

    Args:
        coactivation: `coactivation.csv`: `side, object, neighbour, value, ci_low, ci_high,
            published_value`.
        coassociation: `observed_coassociation.csv`, the same columns.
        classes: `class, number, name, super_class, super_class_colour, chord_sector,
            is_chord_object`.
        city: Name of the city.
        credits: Line of data credits.
    """
    heading = f"{city}: which neighbour changes the object".removeprefix(": ")
    heading, heading_mm = style.fold_heading(heading, style.TWO_COLUMNS_MM)
    chords_mm = heading_mm + 6 + SIDE_MM + 14
    list_mm = chords_mm + SIDE_MM + 3
    height_mm = list_mm + LINE_MM * (len(classes) // LIST_COLUMNS + 1) + 8
    figure = style.new_figure(
        style.TWO_COLUMNS_MM, height_mm, _caption(classes), credits, layout=None
    )
    style.text_mm(figure, 2, 1, heading, fontsize=style.HEADING_PT, weight="bold")

    panels = {}
    for kind, table in {"activation": coactivation, "observed incomes": coassociation}.items():
        for side in SIDES:
            panels[f"{kind}, {side}"] = table[table["side"] == side]
    members = matrix_classes(list(panels.values()), classes)
    classes = classes.set_index("class")
    selections = {title: chords.select_pairs(pairs, classes) for title, pairs in panels.items()}
    # One scale for all diagrams, and the same classes in all.
    sectors = chords.sectors_of(classes, list(panels.values()))
    unit = chords.chord_unit(list(selections.values()), len(sectors))
    for column, (title, pairs) in enumerate(panels.items()):
        left_mm = LEFT_MM + column * (SIDE_MM + GAP_MM)
        ax = style.add_axes_mm(figure, left_mm, heading_mm + 6, SIDE_MM, SIDE_MM)
        image = _draw_matrix(ax, pairs, members, classes)
        style.set_title(ax, "abcd"[column], title)
        ax.set_xlabel("neighbour", labelpad=1)
        ax = style.add_axes_mm(figure, left_mm, chords_mm, SIDE_MM, SIDE_MM)
        chords.draw_diagram(ax, selections[title], unit, classes, sectors)
        style.set_title(ax, "efgh"[column], title, 2)
    figure.axes[0].set_ylabel("object", labelpad=1)
    _list_classes(figure, classes, list_mm)
    _add_keys(figure, image, height_mm)
    return figure


def matrix_classes(tables: list[pd.DataFrame], classes: pd.DataFrame) -> list[str]:
    """The classes that any pair has, in the order of their numbers.

    Args:
        tables: `object, neighbour`.
        classes: `class`, in the order of their numbers.
    """
    of_pairs = set()
    for pairs in tables:
        of_pairs |= set(pairs["object"]) | set(pairs["neighbour"])
    return [key for key in classes["class"] if key in of_pairs]


def _draw_matrix(
    ax: Axes, pairs: pd.DataFrame, members: list[str], classes: pd.DataFrame
) -> AxesImage:
    """All pairs: an object a line, a neighbour a column; marked where the interval leaves out 1.

    Args:
        ax: Axes to draw on.
        pairs: `object, neighbour, value, ci_low, ci_high` of one side.
        members: Classes of the lines and columns.
        classes: `number`, by class.
    """
    shape = (max(len(members), 1),) * 2
    values, low, high = (
        _square(pairs, column, members).reshape(shape) if members else np.full(shape, np.nan)
        for column in ("value", "ci_low", "ci_high")
    )
    ax.set_facecolor(style.UNUSED_COLOUR)
    with np.errstate(divide="ignore"):
        logarithms = np.ma.masked_invalid(np.log2(values.clip(1 / 64, 64)))
    image = ax.imshow(logarithms, cmap="PuOr", vmin=-WIDEST, vmax=WIDEST)
    lines, columns = np.nonzero((low > 1) | (high < 1))
    ax.plot(columns, lines, "o", color="black", markersize=1.3, linestyle="")
    numbers = [classes.loc[key, "number"] for key in members]
    ax.set_xticks(range(len(members)), labels=numbers, rotation=90, fontsize=5)
    ax.set_yticks(range(len(members)), labels=numbers, fontsize=5)
    ax.tick_params(length=0, pad=1)
    ax.spines[:].set_visible(False)
    return image


def _square(pairs: pd.DataFrame, column: str, members: list[str]) -> np.ndarray:
    """A column's values, an object a line and a neighbour a column, NaN where there is no pair."""
    table = pairs.pivot(index="object", columns="neighbour", values=column)
    return table.reindex(index=members, columns=members).to_numpy(float)


def _list_classes(figure: Figure, classes: pd.DataFrame, top_mm: float) -> None:
    """Number, colour and name of each class, in columns."""
    lines = -(-len(classes) // LIST_COLUMNS)  # rounded up
    for place, row in enumerate(classes.to_dict("records")):
        column, line = divmod(place, lines)
        left_mm = 3 + column * 45
        at_mm = top_mm + LINE_MM * line
        square = {"color": row["super_class_colour"], "fontsize": 6}
        style.text_mm(figure, left_mm, at_mm, "\N{BLACK SQUARE}", **square)
        style.text_mm(figure, left_mm + 2.5, at_mm, f"{row['number']} {row['name']}", fontsize=5)


def _add_keys(figure: Figure, image: AxesImage, height_mm: float) -> None:
    """What colours, dots, filled and dashed arrows mean."""
    ax = style.add_axes_mm(figure, LEFT_MM, height_mm - 6, 30, 2)
    bar = figure.colorbar(image, cax=ax, orientation="horizontal", extend="both")
    bar.set_ticks([-1, 0, 1], labels=["half", "object's change", "twice"])
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(length=1.5, pad=1)
    edge = {"edgecolor": "0.25", "linewidth": 0.5}
    handles = [
        Line2D([], [], marker="o", linestyle="", color="black", markersize=1.3),
        Patch(facecolor="0.7", **edge),
        Patch(facecolor="none", linestyle=chords.DASHES, **edge),
    ]
    words = ["interval leaves out 1", "arrow: it does", "it does not, or is not known"]
    figure.legend(
        handles=handles,
        labels=words,
        loc="lower right",
        ncols=3,
        borderpad=0.2,
        handlelength=2.2,
    )


def _caption(classes: pd.DataFrame) -> str:
    objects = classes[classes["is_chord_object"] & (classes["chord_sector"] > 0)]
    condition = ""
    if len(objects) < (classes["chord_sector"] > 0).sum():
        condition = f", if {' or '.join(objects['super_class'].unique())} is the object"
    return _CAPTION.format(condition=condition)


_CAPTION = (
    "a to d, all pairs of classes that enough cells hold both of: how much the object (line) "
    "changes where the neighbour (column) is present; activation: its activation ratio; observed "
    "incomes: the share of poor, or rich, cells. Dots: the interval leaves out 1; grey: no such "
    "pair. e to h, an arrow from a neighbour to the object{condition}: the 20 "
    "largest pairs, of them those above 1.2, at most 10, as published. Width: the object's change "
    "where the neighbour is present over the neighbour's where the object is, on one scale in all "
    "diagrams. Filled: the interval of the object's change leaves out 1; dashed outline: it does "
    "not, or is not known. Classes have the same numbers in all figures."
)
