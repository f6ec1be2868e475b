"""The same model under other splits and seeds: what leaks from training into test, and what that is worth.

A test cell whose neighbours, imputation group or block were trained on is half known before its image is seen. The
coordinates baseline sees no image at all: what it scores under a split is what the split gives away.
"""

import numpy as np
import pandas as pd

from urbancam.learning import baselines, splits
from urbancam.scoring import bootstrap, metrics
from urbancam.tables import grid
from urbancam.workflow.settings import Settings

METHODS = (
    "random",
    "group",
    "block",
)  # a city left out has no neighbours: no coordinates baseline, nothing to leak
KEYS = {"cell": "idINSPIRE", "group": "group", "block": "block"}
SUMMARY = ["mean", "std", "min", "max"]


def split_again(samples: pd.DataFrame, method: str, settings: Settings) -> pd.DataFrame:
    """The used cells of a run with the folds that another method of splitting would give them."""
    folds = splits.assign_folds(samples, method, settings.split.folds, settings.seed)
    return samples.assign(fold=folds)


def count_leaks(
    samples: pd.DataFrame, method: str, settings: Settings, folds: int
) -> dict[str, float]:
    """What stands on both sides of a split.

    Args:
        samples: used cells with `idINSPIRE, income_class, block, group, fold`.
        method: of the split.
        settings: of the run.
        folds: how many folds are tested.

    Returns:
        `leaks_cell, leaks_group, leaks_block`: how many of them stand in more than one role of some fold;
        `trained_neighbours`: share of a test cell's neighbours (eight at most, those in use) that are trained or
        validated on, mean over test cells that have any.
    """
    leaking: dict[str, set] = {name: set() for name in KEYS}
    neighbours, known = grid.neighbours(samples["idINSPIRE"], settings.census.cell_size_m), []
    for fold in range(folds):
        role = splits.roles(
            samples, fold, method, settings.split.validation_fraction, settings.seed
        )
        for name, key in KEYS.items():
            leaking[name] |= splits.in_several_roles(samples, role, key)
        test = role == "test"
        there = neighbours[test].sum(1)
        known.append((neighbours[test] @ ~test)[there > 0] / there[there > 0])
    share = np.concatenate(known)
    counts = {f"leaks_{name}": len(found) for name, found in leaking.items()}
    return counts | {"trained_neighbours": float(share.mean()) if len(share) else np.nan}


def count_shared(
    samples: pd.DataFrame, others: pd.DataFrame, cell_size_m: float
) -> dict[str, float]:
    """What a city that is left out shares with the cities it learns from; as `count_leaks`.

    Args:
        samples: used cells of the city left out, with `idINSPIRE, group, block`.
        others: the same of all other cities together.
        cell_size_m: side of a cell.
    """
    shared = {
        name: set(samples[key].dropna()) & set(others[key].dropna()) for name, key in KEYS.items()
    }
    outside = others.loc[~others["idINSPIRE"].isin(samples["idINSPIRE"]), "idINSPIRE"]
    known = np.arange(len(samples) + len(outside)) >= len(samples)
    neighbours = grid.neighbours(
        pd.concat([samples["idINSPIRE"], outside], ignore_index=True), cell_size_m
    )
    neighbours = neighbours[: len(samples)]
    there = neighbours.sum(1)
    share = (neighbours @ known)[there > 0] / there[there > 0]
    counts = {f"leaks_{name}": len(found) for name, found in shared.items()}
    return counts | {"trained_neighbours": float(share.mean()) if len(share) else np.nan}


def score_coordinates(
    samples: pd.DataFrame, targets: pd.DataFrame, blocks: np.ndarray, settings: Settings
) -> pd.DataFrame:
    """Scores of the coordinates baseline under the folds of `samples`.

    Args:
        samples: all used cells with `idINSPIRE, income_class, fold`: the neighbours are looked for among them.
        targets: (n,) rows of `predictions.csv` of those that are scored, in the order of the samples.
        blocks: (n,) spatial blocks to resample.
        settings: of the run.

    Returns:
        `metric, value, ci_low, ci_high, n`.
    """
    statistics = settings.statistics
    coordinates = baselines.table(statistics.neighbours)["coordinates"]
    classes, folds = samples["income_class"].to_numpy(int), samples["fold"].to_numpy(int)
    predicted = baselines.out_of_fold(
        coordinates, grid.corners(samples["idINSPIRE"]), classes, folds
    )
    scored = samples["idINSPIRE"].isin(targets["idINSPIRE"]).to_numpy()
    predicted = targets.reset_index(drop=True).assign(
        **predicted[scored].reset_index(drop=True), fold=folds[scored]
    )
    numbers, n_blocks = bootstrap.number_blocks(blocks)
    counts = np.vstack(
        [
            np.ones((1, n_blocks), int),
            bootstrap.block_draws(blocks, statistics.draws, settings.seed),
        ]
    )
    drawn = metrics.scores(predicted, numbers, counts)
    low, high = bootstrap.interval(drawn.to_numpy()[1:], statistics.confidence)
    table = pd.DataFrame(
        {"metric": drawn.columns, "value": drawn.iloc[0].to_numpy(), "ci_low": low, "ci_high": high}
    )
    return table.assign(n=len(targets))


def pooled(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `metrics.csv` of all cells over all folds, of the model, its baselines and their differences."""
    rows = table[(table["subset"] == "all") & (table["fold"].astype(str) == "all")]
    return rows[["predictor", "metric", "value", "ci_low", "ci_high", "n"]]


def spread(values: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """How much results differ between seeds.

    Args:
        values: seed -> `quantity, name, value`.

    Returns:
        `quantity, name, n_seeds, mean, sd, min, max`; sd with n - 1, empty for a single seed.
    """
    table = pd.concat(values.values(), ignore_index=True)
    grouped = table.groupby(["quantity", "name"], sort=False)["value"]
    made = grouped.agg(SUMMARY).rename(columns={"std": "sd"}).reset_index()
    made.insert(2, "n_seeds", len(values))
    return made
