"""The local effect of a class: what is contributed where it lies, against other places of the cell.

A map whose shares add up to 1 is dark on every class when it is bright on one, so a ratio that
differs from 1 does not say that a class is read. Here the contributions (c, in squares p of cell i,
logit units of a whole cell) are regressed on the shares of the squares, with an intercept for every
cell:

    c_ip = intercept_i + sum_u effect_u share_ipu + e_ip

Effects are told against a reference class: one that the network treats as the reference has 0,
however bright others are. A position sees beyond its square, so what lies beside a class that is
read takes some of its light; shares are therefore blurred, by the width that explains most
(local_moments.py). Null 0: within cells, the network does not know places of this class from places
of the reference. Blocks are resampled, with the width as it is; cells weigh alike.
"""

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.adjusted import effects_against, explained
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.local_moments import CONTRIBUTION, UNCOVERED
from urbancam.scoring.bootstrap import Estimate


def local_effects(city: LandCover, moments: pd.DataFrame, class_of_code: dict) -> Estimate:
    """Effect of each class on contributions, against the city's reference class.

    Args:
        city: Statistics of the city.
        moments: Rows of `local_moments.parquet`.
        class_of_code: `{code: class}` of the city's classes.

    Returns:
        (U,) logit units of a whole cell, as `adjusted_effects` returns them.
    """
    n_classes = len(city.classes)
    # What no polygon covers is a class beside the others.
    column = {code: city.classes.index(name) for code, name in class_of_code.items()}
    column |= {UNCOVERED: n_classes, CONTRIBUTION: n_classes + 1}
    ids = moments["idINSPIRE"].astype("category").cat
    cell = city.predictions.index.get_indexer(ids.categories)[ids.codes]
    # A cell of which no fragment has a pixel is in no table of land cover.
    is_covered = cell >= 0
    widths = moments["width"].to_numpy()
    by_width = []
    for width in np.unique(widths):  # a copy of some rows at a time: they are tens of millions
        rows = is_covered & (widths == width)
        by_width.append(_products(city, cell[rows], moments[rows], column))
    return effects_within(city, by_width)


def effects_within(city: LandCover, by_width: list[np.ndarray]) -> Estimate:
    """Effect of each class, with the blur of the shares that explains most.

    Args:
        city: Statistics of the city.
        by_width: Of each blur (n_blocks, U + 2, U + 2), sums of the moments of each block's cells:
            of the classes, of what no polygon covers, of the contribution.

    Returns:
        As `local_effects`.
    """
    products = max(by_width, key=lambda of_blocks: explained(of_blocks.sum(0)))
    value, draws = effects_against(products[:, :-1], city.counts, len(city.classes), city.reference)
    return Estimate(value, draws, city.held_blocks(city.present, city.block_numbers))


def _products(
    city: LandCover, cell: np.ndarray, rows: pd.DataFrame, column: dict[int, int]
) -> np.ndarray:
    """(n_blocks, U + 2, U + 2) sums of the moments of each block's cells.

    Args:
        city: Statistics of the city.
        cell: (R,) number of each row's cell among the city's.
        rows: R rows of `local_moments.parquet`, of one width.
        column: Code -> its column.
    """
    block = city.block_numbers[cell]
    first, second = (rows[name].map(column).to_numpy() for name in ("code", "other"))
    products = np.zeros((city.n_blocks, len(city.classes) + 2, len(city.classes) + 2))
    # Codes of one class add up to it.
    np.add.at(products, (block, first, second), rows["value"].to_numpy())
    return products


def local_effect(city: LandCover, moments: pd.DataFrame, class_of_code: dict) -> pd.DataFrame:
    """The table `local_effect.csv`; results/README.md says each column.

    Arguments as in `local_effects`.
    """
    effects = local_effects(city, moments, class_of_code)
    return city.table_of_effects(effects)
