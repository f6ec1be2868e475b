"""Scores within parts of a city: department, campaign of the flight, distance to what was learned
from; with cells counted alike, and by the people in them.

A score over a whole city may come from differences between its departments, or between flights. The
score within parts, the mean over them by their cells, has none of these. It is of the parts that
have an interval of their own: a part of few blocks adds to the mean, but its spread is not known.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from urbancam.scoring import metrics
from urbancam.scoring.bootstrap import (
    block_draws,
    block_sums,
    divide,
    effective_blocks,
    number_blocks,
)
from urbancam.scoring.vocabulary import DIFFERENCE, MODEL, VALUE
from urbancam.tables import grid
from urbancam.workflow.settings.feature_sets import asked_for
from urbancam.workflow.settings.sections import Statistics

METRICS = ["accuracy", "mae_classes", "spearman"]
# Whose differences to the model are told, beside those that the settings name
BASELINES = ("coordinates", "land_cover")
CITY = "city"  # the grouping whose one group is all cells
WITHIN = "within"  # the mean over the groups
# ASSUME: five bins of about as many cells show a slope, and leave each enough blocks.
DISTANCE_BINS = 5
SCORE_COLUMNS = (
    "predictor metric value ci_low ci_high difference difference_ci_low difference_ci_high"
    " n_cells n_blocks"
).split()
COLUMNS = ["subset", *SCORE_COLUMNS]


def subgroup_table(
    predictors: Mapping[str, pd.DataFrame],
    groupings: Mapping[str, np.ndarray],
    people: np.ndarray,
    blocks: np.ndarray,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The rows of `subgroups.csv`.

    Args:
        predictors: Name -> predictions as in `metrics.scores`, of the same n cells in one order.
        groupings: Name -> (n,) group of each cell, null where it is not known.
        people: (n,) people in each cell; NaN where they are not counted, and then none is weighed
            by them.
        blocks: (n,) spatial block of each cell.
        statistics: Section `statistics`.
        seed: Seed of the draws.

    Returns:
        `grouping, subset, weighting` and `SCORE_COLUMNS`: all cells, then each group, and where
        there are several, the mean over them.
    """
    weights = {"cells": np.ones(len(people)), "people": np.asarray(people, dtype=float)}
    if not np.isfinite(weights["people"]).all():
        del weights["people"]
    everywhere = np.full(len(people), "all", dtype=object)
    parts = [
        _score_groups(predictors, groups, weights[weighting], blocks, statistics, seed).assign(
            grouping=grouping, weighting=weighting
        )
        for grouping, groups in {CITY: everywhere, **groupings}.items()
        for weighting in weights
    ]
    table = pd.concat(parts, ignore_index=True)
    first = ["grouping", "subset", "weighting"]
    return table[[*first, *table.columns.drop(first)]]


def distance_table(
    predictors: Mapping[str, pd.DataFrame],
    distances_m: np.ndarray,
    blocks: np.ndarray,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The rows of `distance.csv`: scores by how far the nearest cell learned from is.

    Args:
        predictors: As in `subgroup_table`.
        distances_m: (n,) of `nearest_training_m`.
        blocks: As in `subgroup_table`.
        statistics: As in `subgroup_table`.
        seed: As in `subgroup_table`.

    Returns:
        `from_m, to_m` (least and greatest distance within a bin) and `SCORE_COLUMNS`.
    """
    if not len(distances_m):
        return pd.DataFrame(columns=["from_m", "to_m", *SCORE_COLUMNS])
    bins = _distance_bins(distances_m)
    ones = np.ones(len(bins))
    table = _score_groups(predictors, bins, ones, blocks, statistics, seed)
    table = table[table["subset"] != WITHIN]
    ends_m = pd.Series(distances_m).groupby(bins).agg(["min", "max"])
    table.insert(0, "from_m", ends_m["min"].reindex(table["subset"]).to_numpy())
    table.insert(1, "to_m", ends_m["max"].reindex(table["subset"]).to_numpy())
    return table.drop(columns="subset").reset_index(drop=True)


def _distance_bins(distances_m: np.ndarray) -> np.ndarray:
    """(n,) number of each cell's bin: from near to far, each takes its share of the cells left.

    Distances on a grid come in few values, and most cells may lie at the shortest: quantiles would
    then leave one bin for all others.
    """
    values_m, value_of_cell, counts = np.unique(
        distances_m, return_inverse=True, return_counts=True
    )
    bin_of_value = np.zeros(len(values_m), dtype=int)
    number, inside, left = 0, 0, len(distances_m)
    for place, count in enumerate(counts):
        bin_of_value[place] = number
        inside += count
        if inside >= left / (DISTANCE_BINS - number):
            number, inside, left = number + 1, 0, left - inside
    return bin_of_value[value_of_cell]


def nearest_training_m(samples: pd.DataFrame, tested: pd.Series) -> np.ndarray:
    """Distance of each tested cell to the nearest cell that its network was trained or validated
    on, between their centres.

    Args:
        samples: Used cells with `idINSPIRE, fold`.
        tested: (n,) ids of tested cells, among the samples.

    Returns:
        (n,) m; infinite where all cells are of one fold.
    """
    corners_m = grid.corners(samples["idINSPIRE"])
    folds = samples["fold"].to_numpy()
    distances_m = np.full(len(samples), np.inf)
    for fold in np.unique(folds):
        test = folds == fold
        if not test.all():
            distances_m[test], _ = KDTree(corners_m[~test]).query(corners_m[test])
    return pd.Series(distances_m, samples["idINSPIRE"]).loc[tested].to_numpy()


def _score_groups(
    predictors: Mapping[str, pd.DataFrame],
    groups: np.ndarray,
    weights: np.ndarray,
    blocks: np.ndarray,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """`COLUMNS` of each group, and of the mean over several."""
    numbers, n_blocks = number_blocks(blocks)
    as_they_are = np.ones((1, n_blocks), dtype=int)
    counts = np.vstack([as_they_are, block_draws(blocks, statistics.draws, seed)])
    names = sorted(set(pd.Series(groups).dropna()))
    effective = {name: _effective(numbers, weights * (groups == name)) for name in names}
    # Where no part has an interval of its own, their mean has none either.
    averaged = [name for name in names if effective[name] >= statistics.min_blocks] or names
    rows, scores_of, sizes = [], [], []
    for group in names:
        inside = groups == group
        scores = _score(predictors, inside, numbers, counts, weights)
        rows.append(
            _rows(scores, effective[group], statistics).assign(subset=group, n_cells=inside.sum())
        )
        if group in averaged:
            scores_of.append(np.stack(list(scores.values())))
            sizes.append(counts @ block_sums(weights * inside, numbers, n_blocks))
    if len(rows) > 1:
        mean = dict(zip(scores, _mean_within(np.stack(scores_of), np.stack(sizes)), strict=True))
        inside = pd.Series(groups).isin(averaged).to_numpy()
        largest = max(effective.values())
        known = largest >= statistics.min_blocks
        rests_on = _effective(numbers, weights * inside) if known else largest
        rows.append(_rows(mean, rests_on, statistics).assign(subset=WITHIN, n_cells=inside.sum()))
    return pd.concat(rows, ignore_index=True)[COLUMNS] if rows else pd.DataFrame(columns=COLUMNS)


def _effective(numbers: np.ndarray, weights: np.ndarray) -> int:
    """Effective number of blocks of cells with these weights."""
    return int(effective_blocks(np.bincount(numbers, weights=weights)))


def _score(
    predictors: Mapping[str, pd.DataFrame],
    inside: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
    weights: np.ndarray,
) -> dict[str, np.ndarray]:
    """Predictor -> (1 + draws, 2 metrics), first of the cells as they are: its scores, then the
    model's less these (of the model NaN)."""
    scores = {
        name: metrics.scores(predictors[name][inside], numbers[inside], counts, weights[inside])[
            METRICS
        ].to_numpy()
        for name in (MODEL, *BASELINES, *asked_for(predictors))
        if name in predictors
    }
    differences = {name: scores[MODEL] - table for name, table in scores.items()}
    differences[MODEL] = np.full(scores[MODEL].shape, np.nan)
    return {name: np.hstack([table, differences[name]]) for name, table in scores.items()}


def _mean_within(scores: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(predictors, draws, 2 metrics) mean over the groups where a score is defined.

    Args:
        scores: (groups, predictors, draws, 2 metrics).
        sizes: (groups, draws) sum of the weights of the cells of each group in each draw.
    """
    weights = np.where(np.isnan(scores), 0, sizes[:, None, :, None])
    total = (weights * np.nan_to_num(scores)).sum(axis=0)
    return divide(total, weights.sum(axis=0))


def _rows(scores: dict[str, np.ndarray], n_blocks: int, statistics: Statistics) -> pd.DataFrame:
    """A row for each predictor and metric: `SCORE_COLUMNS` but the number of cells."""
    parts = []
    for predictor, draws in scores.items():
        own, difference = np.split(draws, 2, axis=1)
        columns = {"predictor": predictor, "metric": METRICS, "n_blocks": n_blocks}
        columns |= metrics.with_interval(VALUE, own, n_blocks, statistics)
        columns |= metrics.with_interval(DIFFERENCE, difference, n_blocks, statistics)
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
