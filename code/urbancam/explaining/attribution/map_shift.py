"""Does the map lie where the polygons are? The shift at which the two agree best.

The map of a cell is moved by steps of a few pixels, both ways, and laid on polygons that stay.
Agreement is the share of the map's variance within the cell that lies between classes,

    explained = sum_cells SS_between / sum_cells SS_total,

over the middle of the cell, which every shift fills. A map that is laid where its network looks
agrees best at no shift; one that is laid half a position off, half a position off.
"""

import numpy as np
import pandas as pd

from urbancam.scoring import bootstrap

STEPS = 4  # shifts each way are at most this many steps
STEPS_A_POSITION = 4  # so the largest shift is a whole position
STEPS_AN_IMAGE = 16  # at least, so that half of the image's side is left at the largest shift

SUMS = ["idINSPIRE", "east_px", "north_px", "between", "total"]
TABLE = ["east_m", "north_m", "n_cells", "explained", "best", "best_share"]


def shift_sums(values: np.ndarray, classes: np.ndarray, step_px: int) -> pd.DataFrame:
    """Sums of squares of one cell at every shift.

    Args:
        values: (H, W) map, row 0 = north.
        classes: (H, W) number of the class at each pixel.
        step_px: Pixels of a step.

    Returns:
        `east_px, north_px, between, total`: by how much the map is moved, and its sums of squares.
    """
    margin = STEPS * step_px
    # Every step-th pixel is enough: a position is several steps wide.
    inner = slice(margin, len(values) - margin, step_px)
    of_pixel = classes[inner, inner].ravel()
    _, of_pixel, sizes = np.unique(of_pixel, return_inverse=True, return_counts=True)
    rows = []
    for east in range(-STEPS, STEPS + 1):
        for north in range(-STEPS, STEPS + 1):
            # Rows go south. What is rolled over the edge stays in the margin.
            shift_px = east * step_px, north * step_px
            moved = np.roll(values, (-shift_px[1], shift_px[0]), (0, 1))
            at_pixel = moved[inner, inner].ravel().astype(float)
            at_pixel = at_pixel - at_pixel.mean()
            sums = np.bincount(of_pixel, at_pixel)
            rows.append((*shift_px, (sums**2 / sizes).sum(), (at_pixel**2).sum()))
    return pd.DataFrame(rows, columns=SUMS[1:])


def step_px(size_px: int, positions: int) -> int:
    """Pixels of a step, for an image of so many pixels and positions a side."""
    return max(1, size_px // max(positions * STEPS_A_POSITION, STEPS_AN_IMAGE))


def map_shift(
    sums: pd.DataFrame, blocks: pd.Series, pixel_m: float, draws: int, seed: int
) -> pd.DataFrame:
    """The table `map_shift.csv`; results/README.md says each column.

    Args:
        sums: Rows of `shift_sums` of all cells, with `idINSPIRE`.
        blocks: (cells,) block of each cell, indexed by idINSPIRE.
        pixel_m: Metres of a pixel.
        draws: Number of bootstrap draws.
        seed: Seed of the draws.
    """
    if sums.empty:
        return pd.DataFrame(columns=TABLE)
    shifts = ["east_px", "north_px"]
    between, total = (
        sums.pivot(index="idINSPIRE", columns=shifts, values=name) for name in ("between", "total")
    )
    of_cell = blocks.reindex(between.index)
    numbers, n_blocks = bootstrap.number_blocks(of_cell)
    numerators = bootstrap.block_sums(between.to_numpy(), numbers, n_blocks)
    denominators = bootstrap.block_sums(total.to_numpy(), numbers, n_blocks)
    explained = bootstrap.divide(numerators.sum(0), denominators.sum(0))
    counts = bootstrap.block_draws(of_cell, draws, seed)
    drawn = bootstrap.ratio_draws(numerators, denominators, counts)
    wins = np.bincount(np.nan_to_num(drawn).argmax(1), minlength=len(explained))

    table = between.columns.to_frame(index=False)
    return pd.DataFrame(
        {
            "east_m": table["east_px"] * pixel_m,
            "north_m": table["north_px"] * pixel_m,
            "n_cells": len(between),
            "explained": explained,
            "best": np.arange(len(explained)) == np.nan_to_num(explained).argmax(),
            "best_share": wins / len(drawn) if len(drawn) else np.nan,
        }
    )
