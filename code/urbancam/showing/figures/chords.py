"""Co-activation as chords: which neighbour makes the network look more at a kind of urban fabric (the published F3)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Wedge
from matplotlib.path import Path

from urbancam.scoring.vocabulary import SIDES
from urbancam.showing.figures import style

# The published order and numbering, 1 .. 19, clockwise from the top; airports have no sector.
SECTORS = (
    "agri_wetland",
    "green_ua",
    "natural_areas",
    "comr_indst",
    "leis_fac",
    "const_dmp",
    "no_use",
    "roads",
    "railway",
    "motorways",
    "port",
    "water",
    "op_sp_beach",
    "isoltd_rsdnt",
    "vld_uf",
    "ld_uf",
    "md_uf",
    "hd_uf",
    "vhd_uf",
)
OBJECTS = "uf"  # a chord ends at urban fabric: this stands in the object's key
LARGEST, ABOVE, AT_MOST = 20, 1.2, 10  # of the published selection
# ASSUME: all sectors alike wide and coloured by super-class as in the polar figure, where circlize used a Spectral
# palette; chords whose interval covers 1 are outlined only. The selection itself is the published one.
SECTOR = 2 * np.pi / len(SECTORS)  # rad
FILLED = 0.88  # of a sector, by the chords of the busiest one
RING, TIP, NECK = (
    1.06,
    0.985,
    0.86,
)  # radii: of the sectors' outer edge, of an arrow's tip, of its barbs


def select_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that F3 draws: urban fabric as object, the 20 largest, of them those above 1.2, at most 10.

    The rule is circlize's input as published (section 5.5): `value` is emp_a / emp_b, how much the neighbour changes
    the object over how much the object changes the neighbour; for the empirical diagrams r1 / r2.

    Args:
        pairs: `object, neighbour, published_value` of one side.

    Returns:
        Its rows, largest first.
    """
    known = pairs["object"].isin(SECTORS) & pairs["neighbour"].isin(SECTORS)
    fabric = pairs["object"].astype(str).str.contains(OBJECTS)
    found = pairs[known & fabric & np.isfinite(pairs["published_value"].astype(float))]
    found = found.sort_values("published_value", ascending=False, kind="stable").head(LARGEST)
    return found[found["published_value"] > ABOVE].head(AT_MOST)


@style.styled
def draw_chords(
    coactivation: pd.DataFrame,
    coassociation: pd.DataFrame,
    classes: pd.DataFrame,
    city: str = "",
    credits: str = "",
) -> Figure:
    """Four diagrams: activation and observed incomes, poor and rich; an arrow from the neighbour to the object.

    Args:
        coactivation: `coactivation.csv`: `side, object, neighbour, value, ci_low, ci_high, published_value`.
        coassociation: `observed_coassociation.csv`, the same columns.
        classes: `class, name, super_class`.
        city: its name.
        credits: the line of data credits.
    """
    classes = classes.set_index("class")
    figure = style.new_figure(style.TWO_COLUMNS_MM, 146, _CAPTION, credits, layout=None)
    style.text_mm(
        figure,
        2,
        1.2,
        f"{city}: which neighbour changes the object".removeprefix(": "),
        fontsize=8,
        weight="bold",
    )
    kinds = {"activation": coactivation, "observed incomes": coassociation}
    chosen = {
        (kind, side): select_pairs(table[table["side"] == side])
        for kind, table in kinds.items()
        for side in SIDES
    }
    unit = chord_unit(list(chosen.values()))
    for number, ((kind, side), pairs) in enumerate(chosen.items()):
        row, column = divmod(number, 2)
        ax = style.add_axes_mm(figure, 4 + column * 62, 11 + row * 68, 58, 58)
        ax.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
        ax.set_axis_off()
        style.set_title(ax, "abcd"[number], f"{kind}, {side}", 2)
        _draw_sectors(ax, classes, set(pairs["object"]) | set(pairs["neighbour"]))
        _draw_pairs(ax, pairs, unit, classes)
    _list_sectors(figure, classes)
    return figure


def chord_unit(selections: list[pd.DataFrame]) -> float:
    """Radians of a chord's width per unit of value, the same in all diagrams: the busiest sector is filled."""
    busiest = 0.0
    for pairs in selections:
        ends = pd.concat([pairs["object"], pairs["neighbour"]])
        values = pd.concat([pairs["published_value"]] * 2)
        busiest = max(busiest, values.groupby(ends.to_numpy()).sum().max() if len(pairs) else 0.0)
    return FILLED * SECTOR / busiest if busiest else 0.0


def place_chords(pairs: pd.DataFrame, unit: float) -> list[tuple[float, float, float]]:
    """Middle of each chord's end at the neighbour and at the object, and its width, radians.

    Within a sector the chords stand side by side, about its middle, sorted by how far round the other end is, so that
    those of one sector do not cross.
    """
    ends = []  # sector, clockwise distance to the other end's, chord, whether it is the object's end
    for chord, pair in enumerate(pairs.itertuples()):
        here, there = SECTORS.index(pair.neighbour), SECTORS.index(pair.object)
        ends += [
            (here, -((there - here) % len(SECTORS)), chord, False),
            (there, -((here - there) % len(SECTORS)), chord, True),
        ]
    widths = pairs["published_value"].to_numpy(float) * unit
    middles = np.zeros((len(pairs), 2))
    for sector in {end[0] for end in ends}:
        mine = sorted(end for end in ends if end[0] == sector)
        angle = SECTOR * (sector + 0.5) - sum(widths[end[2]] for end in mine) / 2
        for _, _, chord, is_object in mine:
            middles[chord, int(is_object)] = angle + widths[chord] / 2
            angle += widths[chord]
    return [(*middle, width) for middle, width in zip(middles, widths, strict=True)]


def _point(angle: float, radius: float) -> tuple[float, float]:
    """Clockwise from the top."""
    return radius * np.sin(angle), radius * np.cos(angle)


def chord_path(start: float, end: float, width: float) -> Path:
    """An arrow through the middle of the circle, from the angle `start` to the angle `end`; `width` in radians."""
    half, shaft = (
        width / 2,
        width / 2 * 0.6,
    )  # the barbs are as wide as the chord, its shaft at the head is narrower
    corners = [
        (Path.MOVETO, _point(start - half, 1)),
        (Path.LINETO, _point(start, 1)),
        (Path.LINETO, _point(start + half, 1)),
        (Path.CURVE3, (0, 0)),
        (Path.CURVE3, _point(end - shaft, NECK)),
        (Path.LINETO, _point(end - half, NECK)),
        (Path.LINETO, _point(end, TIP)),
        (Path.LINETO, _point(end + half, NECK)),
        (Path.LINETO, _point(end + shaft, NECK)),
        (Path.CURVE3, (0, 0)),
        (Path.CURVE3, _point(start - half, 1)),
    ]
    codes, points = zip(*corners, strict=True)
    return Path(points, codes)


def _draw_sectors(ax: Axes, classes: pd.DataFrame, used: set[str]) -> None:
    for number, key in enumerate(SECTORS):
        right = 90 - np.degrees(
            SECTOR * number
        )  # matplotlib's angles run anticlockwise from the right
        colour = style.SUPER_CLASS_COLOURS[classes.loc[key, "super_class"]]
        ax.add_patch(
            Wedge(
                (0, 0),
                RING,
                right - np.degrees(SECTOR) + 1,
                right - 1,
                width=RING - 1,
                facecolor=colour,
                edgecolor="0.3",
                linewidth=0.3,
            )
        )
        x, y = _point(SECTOR * (number + 0.5), RING + 0.08)
        weight = "bold" if key in used else "normal"
        ax.text(x, y, str(number + 1), ha="center", va="center", fontsize=6, weight=weight)


def _draw_pairs(ax: Axes, pairs: pd.DataFrame, unit: float, classes: pd.DataFrame) -> None:
    """Chords in the colour of the neighbour; only outlined where the interval of the object's change covers 1."""
    if pairs.empty:
        ax.text(0, 0, f"no pair above {ABOVE:g}", ha="center", va="center")
    for pair, (start, end, width) in zip(
        pairs.itertuples(), place_chords(pairs, unit), strict=True
    ):
        colour = style.SUPER_CLASS_COLOURS[classes.loc[pair.neighbour, "super_class"]]
        sure = pair.ci_low > 1 or pair.ci_high < 1
        ax.add_patch(
            PathPatch(
                chord_path(start, end, width),
                facecolor=colour if sure else "none",
                edgecolor="0.25",
                linewidth=0.4,
                linestyle="-" if sure else (0, (3, 2)),
                alpha=0.85,
            )
        )


def _list_sectors(figure: Figure, classes: pd.DataFrame) -> None:
    for number, key in enumerate(SECTORS):
        top = 12 + 6.4 * number
        colour = style.SUPER_CLASS_COLOURS[classes.loc[key, "super_class"]]
        style.text_mm(figure, 129, top, "\N{BLACK SQUARE}", color=colour, fontsize=8)
        style.text_mm(figure, 132.5, top, f"{number + 1}  {classes.loc[key, 'name']}", fontsize=6)


_CAPTION = (
    "An arrow from a neighbour to the object whose value it changes, if urban fabric is the object: the 20 largest "
    "pairs, of them those above 1.2, at most 10, as published. Width: the object's change where the neighbour is "
    "present over the neighbour's where the object is, on one scale in all diagrams; activation: change of the "
    "activation ratio; observed incomes: of the share of poor, or rich, cells. Filled: the interval of the object's "
    "change leaves out 1; dashed outline: it does not, or is not known."
)
