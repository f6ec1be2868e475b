"""The same model under other splits and seeds: what leaks from training into test, and its worth.

A test cell whose neighbours, imputation group or block were trained on is half known before its
image is seen. The coordinates baseline sees no image at all: what it scores under a split is what
the split gives away.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from urbancam.learning import baselines, splits
from urbancam.scoring import bootstrap, metrics
from urbancam.tables import grid
from urbancam.workflow.settings.feature_sets import COORDINATES
from urbancam.workflow.settings.settings import Settings

# Without a trained network, the coordinates under each split that samples.csv can tell.
METHODS = ("random", "group", "block")
KEYS = {
    "cell": "idINSPIRE",
    "group": "group",
    "block": "block",
}
SUMMARY = ["mean", "std", "min", "max"]


def split_again(samples: pd.DataFrame, method: str, settings: Settings) -> pd.DataFrame:
    """The used cells of a run with the folds that another method of splitting would give them, and
    the `unit` that it would not divide."""
    folds = splits.assign_folds(samples, method, settings.split.folds, settings.fold_seed)
    return samples.assign(fold=folds, unit=splits.units(samples, method))


def count_leaks(
    samples: pd.DataFrame,
    method: str,
    settings: Settings,
    folds: int,
) -> dict[str, float]:
    """What stands on both sides of a split.

    Args:
        samples: Used cells with `idINSPIRE, income_class, block, group, fold`.
        method: Method of the split.
        settings: Settings of the run.
        folds: Number of folds that are tested.

    Returns:
        `leaks_cell, leaks_group, leaks_block`: how many of them stand in more than one role of some
        fold; `trained_neighbours`: share of a test cell's neighbours (eight at most, those in use)
        that are trained or validated on, mean over test cells that have any.
    """
    split = settings.split
    leaking: dict[str, set] = {name: set() for name in KEYS}
    neighbours = grid.neighbours(samples["idINSPIRE"])
    shares = []
    for fold in range(folds):
        role = splits.roles(samples, fold, method, split.validation_fraction, settings.fold_seed)
        for name, key in KEYS.items():
            leaking[name] |= in_several_roles(samples, role, key)
        test = role == "test"
        shares.append(_share_of_neighbours(neighbours[test], ~test))
    return _counts(leaking, np.concatenate(shares))


def in_several_roles(samples: pd.DataFrame, role: np.ndarray, key: str) -> set:
    """The values of `key` (idINSPIRE, group, block) that stand in more than one role."""
    columns = {
        "key": samples[key].to_numpy(),
        "role": role,
    }
    n_roles = pd.DataFrame(columns).dropna().groupby("key")["role"].nunique()
    return set(n_roles.index[n_roles > 1])


def count_shared(
    samples: pd.DataFrame,
    others: pd.DataFrame,
) -> dict[str, float]:
    """What a city that is left out shares with the cities it learns from; as `count_leaks`.

    Args:
        samples: Used cells of the city left out, with `idINSPIRE, group, block`.
        others: The same of all other cities together.
    """
    shared = {}
    for name, key in KEYS.items():
        shared[name] = set(samples[key].dropna()) & set(others[key].dropna())

    # Neighbours of the city's cells among the cells of all cities
    outside = others.loc[~others["idINSPIRE"].isin(samples["idINSPIRE"]), "idINSPIRE"]
    ids = pd.concat([samples["idINSPIRE"], outside], ignore_index=True)
    is_outside = np.arange(len(ids)) >= len(samples)
    neighbours = grid.neighbours(ids)[: len(samples)]
    return _counts(shared, _share_of_neighbours(neighbours, is_outside))


def _share_of_neighbours(neighbours: sparse.csr_array, trained: np.ndarray) -> np.ndarray:
    """Share of each cell's neighbours that are trained on, of the cells that have any.

    Args:
        neighbours: (n, m), 1 where two cells touch.
        trained: (m,) bool.
    """
    n_neighbours = neighbours.sum(1)
    n_trained = neighbours @ trained
    has_any = n_neighbours > 0
    return n_trained[has_any] / n_neighbours[has_any]


def _counts(leaking: dict[str, set], shares: np.ndarray) -> dict[str, float]:
    """The numbers that `count_leaks` returns, of what leaks and the shares of neighbours."""
    counts = {f"leaks_{name}": len(values) for name, values in leaking.items()}
    counts["trained_neighbours"] = float(shares.mean()) if len(shares) else np.nan
    return counts


def score_coordinates(
    samples: pd.DataFrame,
    targets: pd.DataFrame,
    blocks: np.ndarray,
    settings: Settings,
) -> pd.DataFrame:
    """Scores of the coordinates baseline under the folds of `samples`.

    Args:
        samples: All used cells with `idINSPIRE, income_class, fold`: the neighbours are looked for
            among them; `unit` is what the split does not divide, the fold where it is not told.
        targets: (n,) rows of `predictions.csv` of those that are scored, in the order of the
            samples.
        blocks: (n,) spatial blocks to resample.
        settings: Settings of the run.

    Returns:
        `metric, value, ci_low, ci_high, n_cells`.
    """
    statistics = settings.statistics
    predictions = _predict_by_coordinates(samples, targets, settings.baselines.reaches_m)
    numbers, n_blocks = bootstrap.number_blocks(blocks)
    as_they_are = np.ones((1, n_blocks), int)
    resampled = bootstrap.block_draws(blocks, statistics.draws, settings.seed)
    scores = metrics.scores(predictions, numbers, np.vstack([as_they_are, resampled]))
    blocks_of_cells = bootstrap.effective_blocks(np.bincount(numbers))
    columns = {"metric": scores.columns, "n_cells": len(targets)}
    columns |= metrics.with_interval("value", scores.to_numpy(), blocks_of_cells, statistics)
    return pd.DataFrame(columns)


def _predict_by_coordinates(
    samples: pd.DataFrame,
    targets: pd.DataFrame,
    reaches_m: Sequence[float],
) -> pd.DataFrame:
    """The targets with the predictions and folds of the coordinates baseline."""
    corners = grid.corners(samples["idINSPIRE"])
    classes = samples["income_class"].to_numpy(int)
    folds = samples["fold"].to_numpy(int)
    baseline = baselines.find(COORDINATES, reaches_m)
    predictions = baselines.out_of_fold(
        baseline, corners, classes, folds, units=samples.get("unit")
    )
    scored = samples["idINSPIRE"].isin(targets["idINSPIRE"]).to_numpy()
    columns = predictions[scored].reset_index(drop=True)
    return targets.reset_index(drop=True).assign(**columns, fold=folds[scored])


def pooled_scores(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `metrics.csv` of all cells over all folds.

    They are of the model and its baselines.
    """
    all_cells = table["subset"] == "all"
    all_folds = table["fold"].astype(str) == "all"
    return table.loc[all_cells & all_folds].drop(columns=["subset", "fold", "n_blocks"])


def spread_over_seeds(values: list[pd.DataFrame]) -> pd.DataFrame:
    """How much results differ between seeds.

    Args:
        values: `quantity, metric, class, value` of each seed; of the two names one is empty.

    Returns:
        `quantity, metric, class, n_seeds, mean, sd, min, max`; sd with n - 1, empty for a single
        seed.
    """
    table = pd.concat(values, ignore_index=True)
    keys = ["quantity", "metric", "class"]
    grouped = table.groupby(keys, sort=False, dropna=False)["value"]
    summary = grouped.agg(SUMMARY).rename(columns={"std": "sd"}).reset_index()
    summary.insert(len(keys), "n_seeds", len(values))
    return summary
