"""Income by a KNOWN rule: what the image shows, where the cell lies, and what nobody can see.

    log income = log MEDIAN + SPREAD * (sqrt(a) visible + sqrt(b) smooth + sqrt(c) unseen)
    a + b + c = 1

Each part has mean 0 and variance 1 over the inhabited cells of the city. `visible` is the share of
the cell under the class that raises income minus the share under the class that lowers it; every
other class is inert.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.layout.site import CELL_M, Site, to_laea

RAISES = landuse.GREEN
LOWERS = landuse.INDUSTRY
INERT = landuse.URBAN_HIGH  # one of the inert classes, in many cells: the control
MEDIAN_EUR = 21_000.0  # ASSUME: near the French median standard of living of 2015, 20 300 (INSEE)
# ASSUME: standard deviation of log income; the deciles then lie a factor of 1.95 apart
SPREAD = 0.26
WAVELENGTHS_M = (1400.0, 3200.0)  # shortest and longest wave of the smooth part
WAVES = 12  # of the smooth part


@dataclass(frozen=True)
class Rule:
    """Shares of the variance of log income.

    Args:
        visible_share: Share that the image shows.
        smooth_share: Share that only the place tells.
    """

    visible_share: float
    smooth_share: float

    @property
    def unseen_share(self) -> float:
        """Share that nobody can see."""
        return 1 - self.visible_share - self.smooth_share


def class_shares(plan: Plan, squares: np.ndarray) -> pd.DataFrame:
    """Share of each cell under each Urban Atlas code.

    Args:
        plan: Polygons and their codes.
        squares: (N,) cells, EPSG:3035.

    Returns:
        One row per square, one column per code.
    """
    faces = to_laea(plan.faces)
    cell, face = shapely.STRtree(faces).query(squares, predicate="intersects")
    pieces = shapely.intersection(squares[cell], faces[face])
    area_m2 = shapely.area(pieces)
    share = area_m2 / CELL_M**2

    rows = pd.DataFrame({"cell": cell, "code": plan.codes[face], "share": share})
    shares = rows.pivot_table(
        index="cell",
        columns="code",
        values="share",
        aggfunc="sum",
        fill_value=0.0,
    )

    # Cells and codes without a piece have their row and column too.
    codes = sorted(set(plan.codes))
    return shares.reindex(index=range(len(squares)), columns=codes, fill_value=0.0)


def draw_incomes(
    site: Site,
    shares: pd.DataFrame,
    centres: np.ndarray,
    city: np.ndarray,
    rule: Rule,
) -> pd.DataFrame:
    """Income of every cell and its three parts.

    Args:
        site: Gives the random numbers.
        shares: Table of `class_shares`, (N, codes).
        centres: (N, 2) centres of the cells, EPSG:3035, m.
        city: (N,) bool, the inhabited cells of the city; over these the parts have variance 1.
        rule: Shares of the variance.

    Returns:
        `share_raises, share_lowers, visible, smooth, unseen, income_eur`.
    """
    rng = site.random(30)
    raises = shares[RAISES]
    lowers = shares[LOWERS]
    table = pd.DataFrame({"share_raises": raises, "share_lowers": lowers})
    table["visible"] = _standardise(raises - lowers, city)
    table["smooth"] = _standardise(_smooth_field(centres, rng), city)
    table["unseen"] = _standardise(rng.standard_normal(len(table)), city)

    parts = table[["visible", "smooth", "unseen"]].to_numpy()
    weights = np.sqrt([rule.visible_share, rule.smooth_share, rule.unseen_share])
    table["income_eur"] = MEDIAN_EUR * np.exp(SPREAD * parts @ weights)
    return table


def _standardise(values: np.ndarray, over: np.ndarray) -> np.ndarray:
    """Values (N,) with mean 0 and variance 1 over some of them, (N,) bool."""
    return (values - values[over].mean()) / values[over].std()


def _smooth_field(centres: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A sum of waves in all directions: (N,)."""
    heading = rng.uniform(0, 2 * np.pi, WAVES)
    per_m = 2 * np.pi / rng.uniform(*WAVELENGTHS_M, WAVES)
    phase = rng.uniform(0, 2 * np.pi, WAVES)
    direction = np.stack([np.cos(heading), np.sin(heading)])
    along_m = centres @ direction
    return np.sin(along_m * per_m + phase).sum(axis=1)


def effect_per_share(table: pd.DataFrame, rule: Rule) -> float:
    """By how much log income rises per whole share of the raising class; the other lowers it."""
    difference = table["share_raises"] - table["share_lowers"]
    slope, _ = np.polyfit(difference, table["visible"], 1)
    return float(SPREAD * np.sqrt(rule.visible_share) * slope)
