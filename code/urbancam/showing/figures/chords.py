"""Co-activation as chords: which neighbour makes the network look more at a kind of urban fabric.

This is the published F3.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Wedge
from matplotlib.path import Path

from urbancam.showing.figures import style

# The published order, clockwise from the top; airports have no sector.
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
# The published selection: of the 20 largest pairs those above 1.2, at most 10.
LARGEST = 20
ABOVE = 1.2
AT_MOST = 10
# ASSUME: all sectors alike wide and coloured by super-class as in the polar figure, where circlize
# used a Spectral palette; chords whose interval covers 1 are outlined only. The selection itself is
# the published one.
SECTOR = 2 * np.pi / len(SECTORS)  # rad
FILLED = 0.88  # of a sector, by the chords of the busiest one
FILLED_ALPHA = 0.85
DASHES = (0, (3, 2))
# Radii; the sectors' inner edge is at 1.
RING = 1.06  # of the sectors' outer edge
TIP = 0.985  # of an arrow's tip
NECK = 0.86  # of an arrow's barbs


def select_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that F3 draws: urban fabric as object, of the 20 largest at most 10 above 1.2.

    The rule is circlize's input as published (section 5.5): `value` is emp_a / emp_b, how much the
    neighbour changes the object over how much the object changes the neighbour; for the empirical
    diagrams r1 / r2.

    Args:
        pairs: `object, neighbour, published_value` of one side.

    Returns:
        Its rows, largest first.
    """
    have_sectors = pairs["object"].isin(SECTORS) & pairs["neighbour"].isin(SECTORS)
    are_fabric = pairs["object"].astype(str).str.contains(OBJECTS)
    are_finite = np.isfinite(pairs["published_value"].astype(float))
    candidates = pairs[have_sectors & are_fabric & are_finite]
    candidates = candidates.sort_values("published_value", ascending=False, kind="stable")
    largest = candidates.head(LARGEST)
    return largest[largest["published_value"] > ABOVE].head(AT_MOST)


def chord_unit(selections: list[pd.DataFrame]) -> float:
    """Radians of a chord's width per unit of value: the busiest of all sectors is filled."""
    busiest = 0.0
    for pairs in selections:
        if pairs.empty:
            continue
        # A chord takes room in both of its sectors.
        ends = pd.concat([pairs["object"], pairs["neighbour"]]).to_numpy()
        values = pd.concat([pairs["published_value"]] * 2)
        busiest = max(busiest, values.groupby(ends).sum().max())
    return FILLED * SECTOR / busiest if busiest else 0.0


def place_chords(pairs: pd.DataFrame, unit: float) -> list[tuple[float, float, float]]:
    """Where each chord ends, and how wide it is.

    Within a sector the chords stand side by side, about its middle, sorted by how far round the
    other end is, so that those of one sector do not cross.

    Args:
        pairs: As of `select_pairs`.
        unit: As of `chord_unit`.

    Returns:
        Of each chord the middle of its end at the neighbour and at the object, and its width, rad.
    """
    ends = []
    for chord, pair in enumerate(pairs.itertuples()):
        neighbour = SECTORS.index(pair.neighbour)
        object_ = SECTORS.index(pair.object)
        ends.append(_ChordEnd(neighbour, _turn(neighbour, object_), chord, False))
        ends.append(_ChordEnd(object_, _turn(object_, neighbour), chord, True))
    widths = pairs["published_value"].to_numpy(float) * unit
    middles = np.zeros((len(pairs), 2))
    for sector in {end.sector for end in ends}:
        ends_here = sorted(end for end in ends if end.sector == sector)
        # Half of what the sector's chords take lies before its middle.
        angle = SECTOR * (sector + 0.5) - sum(widths[end.chord] for end in ends_here) / 2
        for end in ends_here:
            width = widths[end.chord]
            middles[end.chord, int(end.is_object)] = angle + width / 2
            angle += width
    return [(*middle, width) for middle, width in zip(middles, widths, strict=True)]


class _ChordEnd(NamedTuple):
    """An end of a chord; ends sort by sector, then by the turn.

    Attributes:
        sector: Sector of the end.
        turn: As of `_turn`, to the sector of the other end.
        chord: Number of the chord.
        is_object: Whether it is the end at the object.
    """

    sector: int
    turn: int
    chord: int
    is_object: bool


def _turn(sector: int, other: int) -> int:
    """Sectors from one to another, clockwise, as a negative number: the farthest sorts first."""
    return -((other - sector) % len(SECTORS))


def _point(angle: float, radius: float) -> tuple[float, float]:
    """A point at an angle, clockwise from the top."""
    return radius * np.sin(angle), radius * np.cos(angle)


def chord_path(start: float, end: float, width: float) -> Path:
    """An arrow through the middle of the circle.

    Args:
        start: Angle where it begins, rad.
        end: Angle where it ends, rad.
        width: Width of the chord, rad.
    """
    # The barbs are as wide as the chord; its shaft at the head is narrower.
    half = width / 2
    shaft = width / 2 * 0.6
    # From the neighbour through the circle's middle, which bends both edges, to the tip and back.
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


def draw_diagram(ax: Axes, pairs: pd.DataFrame, unit: float, classes: pd.DataFrame) -> None:
    """The published diagram of selected pairs."""
    ax.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
    ax.set_axis_off()
    _draw_sectors(ax, classes, set(pairs["object"]) | set(pairs["neighbour"]))
    _draw_pairs(ax, pairs, unit, classes)


def _draw_sectors(ax: Axes, classes: pd.DataFrame, used: set[str]) -> None:
    """The numbered sectors; numbers of those that a chord ends at are bold.

    Args:
        ax: Axes to draw on.
        classes: `number, super_class`, by class.
        used: Classes that a chord ends at.
    """
    for number, key in enumerate(SECTORS):
        # matplotlib's angles run anticlockwise from the right.
        start = 90 - np.degrees(SECTOR * number)
        wedge = Wedge(
            (0, 0),
            RING,
            start - np.degrees(SECTOR) + 1,
            start - 1,
            width=RING - 1,
            facecolor=class_colour(classes, key),
            edgecolor="0.3",
            linewidth=0.3,
        )
        ax.add_patch(wedge)
        x, y = _point(SECTOR * (number + 0.5), RING + 0.08)
        weight = "bold" if key in used else "normal"
        ax.text(
            x,
            y,
            str(classes.loc[key, "number"]),
            ha="center",
            va="center",
            fontsize=5.5,
            weight=weight,
        )


def _draw_pairs(ax: Axes, pairs: pd.DataFrame, unit: float, classes: pd.DataFrame) -> None:
    """Chords in the colour of the neighbour; only outlined where the change's interval covers 1.

    Args:
        ax: Axes to draw on.
        pairs: As of `select_pairs`, with `ci_low, ci_high` of the object's change.
        unit: As of `chord_unit`.
        classes: `super_class`, by class.
    """
    if pairs.empty:
        ax.text(0, 0, f"no pair above {ABOVE:g}", ha="center", va="center")
    places = place_chords(pairs, unit)
    for pair, place in zip(pairs.itertuples(), places, strict=True):
        look = {"facecolor": "none", "linestyle": DASHES}
        if pair.ci_low > 1 or pair.ci_high < 1:
            look = {"facecolor": class_colour(classes, pair.neighbour), "linestyle": "-"}
        path = chord_path(*place)
        ax.add_patch(PathPatch(path, edgecolor="0.25", linewidth=0.4, alpha=FILLED_ALPHA, **look))


def class_colour(classes: pd.DataFrame, key: str) -> str:
    """The colour of the class's super-class."""
    return style.SUPER_CLASS_COLOURS[classes.loc[key, "super_class"]]
