"""Co-activation as chords: which neighbour makes the network look more at a class.

This is the published F3. The city's class table says which classes have sectors, and at which of
them a chord may end.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Wedge
from matplotlib.path import Path

# The published selection: of the 20 largest pairs those above 1.2, at most 10.
LARGEST = 20
ABOVE = 1.2
AT_MOST = 10
MOST_SECTORS = 24  # that a number is legible at
# ASSUME: all sectors alike wide and coloured by super-class as in the polar figure, where circlize
# used a Spectral palette; chords whose interval covers 1 are outlined only. The selection itself is
# the published one.
FILLED = 0.88  # of a sector, by the chords of the busiest one
FILLED_ALPHA = 0.85
DASHES = (0, (3, 2))
# Radii; the sectors' inner edge is at 1.
RING = 1.06  # of the sectors' outer edge
TIP = 0.985  # of an arrow's tip
NECK = 0.86  # of an arrow's barbs


def sectors_of(classes: pd.DataFrame, tables: list[pd.DataFrame]) -> list[str]:
    """The classes that have sectors, clockwise from the top.

    Args:
        classes: `chord_sector`, by class.
        tables: `object, neighbour` of all diagrams; of more classes than have room around a circle
            those that any pair has are taken.
    """
    places = classes.loc[classes["chord_sector"] > 0, "chord_sector"].sort_values()
    sectors = places.index.tolist()
    if len(sectors) <= MOST_SECTORS:
        return sectors
    used = set().union(*(set(pairs["object"]) | set(pairs["neighbour"]) for pairs in tables))
    return [key for key in sectors if key in used]


def select_pairs(pairs: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """The pairs that F3 draws: of the 20 largest at most 10 above 1.2.

    The rule is circlize's input as published (section 5.5): `value` is emp_a / emp_b, how much the
    neighbour changes the object over how much the object changes the neighbour; for the empirical
    diagrams r1 / r2.

    Args:
        pairs: `object, neighbour, published_value` of one side.
        classes: `chord_sector, is_chord_object`, by class.

    Returns:
        Its rows, largest first.
    """
    sectors = classes.index[classes["chord_sector"] > 0]
    objects = sectors.intersection(classes.index[classes["is_chord_object"]])
    have_sectors = pairs["object"].isin(objects) & pairs["neighbour"].isin(sectors)
    are_finite = np.isfinite(pairs["published_value"].astype(float))
    candidates = pairs[have_sectors & are_finite]
    candidates = candidates.sort_values("published_value", ascending=False, kind="stable")
    largest = candidates.head(LARGEST)
    return largest[largest["published_value"] > ABOVE].head(AT_MOST)


def chord_unit(selections: list[pd.DataFrame], n_sectors: int) -> float:
    """Radians of a chord's width per unit of value: the busiest of all sectors is filled."""
    busiest = 0.0
    for pairs in selections:
        if pairs.empty:
            continue
        # A chord takes room in both of its sectors.
        ends = pd.concat([pairs["object"], pairs["neighbour"]]).to_numpy()
        values = pd.concat([pairs["published_value"]] * 2)
        busiest = max(busiest, values.groupby(ends).sum().max())
    return FILLED * 2 * np.pi / n_sectors / busiest if busiest else 0.0


def place_chords(
    pairs: pd.DataFrame, unit: float, sectors: list[str]
) -> list[tuple[float, float, float]]:
    """Where each chord ends, and how wide it is.

    Within a sector the chords stand side by side, about its middle, sorted by how far round the
    other end is, so that those of one sector do not cross.

    Args:
        pairs: As `select_pairs` returns them.
        unit: As `chord_unit` returns it.
        sectors: As `sectors_of` returns them.

    Returns:
        Of each chord the middle of its end at the neighbour and at the object, and its width, rad.
    """
    ends = []
    for chord, pair in enumerate(pairs.itertuples()):
        neighbour = sectors.index(pair.neighbour)
        object_ = sectors.index(pair.object)
        # The farthest other end, clockwise, comes first.
        turn = (object_ - neighbour) % len(sectors)
        back = (neighbour - object_) % len(sectors)
        ends.append(_ChordEnd(neighbour, -turn, chord, False))
        ends.append(_ChordEnd(object_, -back, chord, True))
    widths = pairs["published_value"].to_numpy(float) * unit
    middles = np.zeros((len(pairs), 2))
    size = 2 * np.pi / len(sectors)  # rad
    for sector in {end.sector for end in ends}:
        ends_here = sorted(end for end in ends if end.sector == sector)
        # Half of what the sector's chords take lies before its middle.
        angle = size * (sector + 0.5) - sum(widths[end.chord] for end in ends_here) / 2
        for end in ends_here:
            width = widths[end.chord]
            middles[end.chord, int(end.is_object)] = angle + width / 2
            angle += width
    return [(*middle, width) for middle, width in zip(middles, widths, strict=True)]


class _ChordEnd(NamedTuple):
    """An end of a chord; ends sort by sector, then by the turn.

    Attributes:
        sector: Sector of the end.
        turn: Sectors to that of the other end, clockwise, as a negative number.
        chord: Number of the chord.
        is_object: Whether it is the end at the object.
    """

    sector: int
    turn: int
    chord: int
    is_object: bool


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


def draw_diagram(
    ax: Axes, pairs: pd.DataFrame, unit: float, classes: pd.DataFrame, sectors: list[str]
) -> None:
    """The published diagram of selected pairs.

    Args:
        ax: Axes to draw on.
        pairs: As `select_pairs` returns them.
        unit: As `chord_unit` returns it.
        classes: `number, super_class_colour`, by class.
        sectors: As `sectors_of` returns them.
    """
    ax.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
    ax.set_axis_off()
    used = set(pairs["object"]) | set(pairs["neighbour"])
    _draw_sectors(ax, classes.loc[sectors], used)
    places = place_chords(pairs, unit, sectors)
    _draw_pairs(ax, pairs, places, classes)


def _draw_sectors(ax: Axes, classes: pd.DataFrame, used: set[str]) -> None:
    """The numbered sectors; numbers of those that a chord ends at are bold.

    Args:
        ax: Axes to draw on.
        classes: `number, super_class_colour`, by class, in the order of the sectors.
        used: Classes that a chord ends at.
    """
    size = 2 * np.pi / max(len(classes), 1)  # rad
    for place, (key, row) in enumerate(classes.iterrows()):
        # matplotlib's angles run anticlockwise from the right.
        start = 90 - np.degrees(size * place)
        wedge = Wedge(
            (0, 0),
            RING,
            start - np.degrees(size) + 1,
            start - 1,
            width=RING - 1,
            facecolor=row["super_class_colour"],
            edgecolor="0.3",
            linewidth=0.3,
        )
        ax.add_patch(wedge)
        x, y = _point(size * (place + 0.5), RING + 0.08)
        weight = "bold" if key in used else "normal"
        ax.text(
            x,
            y,
            str(row["number"]),
            ha="center",
            va="center",
            fontsize=5.5,
            weight=weight,
        )


def _draw_pairs(
    ax: Axes,
    pairs: pd.DataFrame,
    places: list[tuple[float, float, float]],
    classes: pd.DataFrame,
) -> None:
    """Chords in the colour of the neighbour; only outlined where the change's interval covers 1.

    Args:
        ax: Axes to draw on.
        pairs: As of `select_pairs`, with `ci_low, ci_high` of the object's change.
        places: As `place_chords` returns them.
        classes: `super_class_colour`, by class.
    """
    if pairs.empty:
        ax.text(0, 0, f"no pair above {ABOVE:g}", ha="center", va="center")
    for pair, place in zip(pairs.itertuples(), places, strict=True):
        look = {"facecolor": "none", "linestyle": DASHES}
        if pair.ci_low > 1 or pair.ci_high < 1:
            look = {
                "facecolor": classes.loc[pair.neighbour, "super_class_colour"],
                "linestyle": "-",
            }
        path = chord_path(*place)
        ax.add_patch(PathPatch(path, edgecolor="0.25", linewidth=0.4, alpha=FILLED_ALPHA, **look))
