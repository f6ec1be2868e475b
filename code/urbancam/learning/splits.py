"""Folds: random, INSEE's imputation group, spatial block, campaign of the flight, whole city.

Neighbouring cells look alike and earn alike, and cells of one imputation group share one income by
construction: a random split puts them on both sides and rewards memory (docs/method.md, "What a
split gives away"). Blocks keep whole neighbourhoods, and whole groups, on one side.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from urbancam.scoring.samples import assign_blocks
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import campaigns
from urbancam.workflow.settings.sections import Split

# Parts that the training part is divided into; the validation part takes its share of them.
VALIDATION_PARTS = 20
SAMPLE_COLUMNS = ["idINSPIRE", "used", "reason", "income_class", "block", "group", "fold"]


def units(samples: pd.DataFrame, method: str) -> pd.Series:
    """What a split must not divide: the block, the group (a lone cell is its own), or the cell."""
    if method in ("block", "campaign", "city"):
        return samples["block"]
    if method == "group":
        names = samples["group"].astype("string").radd("group ")
        return names.fillna(samples["idINSPIRE"])
    return samples["idINSPIRE"]


def assign_folds(
    samples: pd.DataFrame,
    method: str,
    folds: int,
    seed: int,
) -> np.ndarray:
    """Test fold of each cell, 0 .. folds-1, stratified on the class as far as the units allow.

    Args:
        samples: Used cells with `idINSPIRE, income_class, block, group`, by campaign also with
            `campaign_year`.
        method: "block", "group", "random", "campaign" (two folds: whole campaigns are left out) or
            "city" (one fold: the whole city is left out).
        folds: Number of folds of the first three.
        seed: Seed of the shuffle.

    Raises:
        InputError: There are fewer units, or fewer cells of each class, than folds; or one
            campaign, to leave out.
    """
    if method == "city":
        return np.zeros(len(samples), dtype=int)
    if method == "campaign":
        return _leave_campaigns_out(samples["campaign_year"])
    unit = units(samples, method)
    n_units = unit.nunique()
    most = min(n_units, _largest_class(samples))
    if n_units < folds:
        raise InputError(
            f"{n_units} {method} units of {len(samples)} usable cells cannot fill {folds} folds",
            "split.folds, split.block_m",
            _fewer_folds(most, method),
        )
    if _largest_class(samples) < folds:
        raise InputError(
            f"{len(samples)} usable cells are too few for {folds} folds of five classes",
            "split.folds",
            _fewer_folds(most, method),
        )
    return _stratified(samples, unit, method, folds, seed)


def _fewer_folds(most: int, method: str) -> str:
    """What to do where there are too many folds.

    Args:
        most: Number of folds that there could be.
        method: As for `assign_folds`.
    """
    ways = [f"ask for at most {most} folds (split.folds)"] if most >= 2 else []
    if method == "block":
        ways.append("ask for smaller blocks (split.block_m)")
    if method in ("block", "group"):
        ways.append("choose another split.method")
    return "; or ".join(ways) or "this city is too small to be divided: take a larger one"


def _leave_campaigns_out(years: pd.Series) -> np.ndarray:
    """(N,) fold of each cell by the campaign of its image (`campaigns.sides`)."""
    if years.isna().any():
        raise InputError(
            f"of {years.isna().sum():,} of {len(years):,} cells the campaign is not known",
            "images.csv, campaign_year",
            "choose another split.method",
        )
    names = years.map(campaigns.name)
    cells = names.value_counts().to_dict()
    fold_of = campaigns.sides(cells)
    if not fold_of:
        counts = ", ".join(f"{year}: {count:,} cells" for year, count in sorted(cells.items()))
        raise InputError(
            f"there are no campaigns to leave out, each side with {campaigns.MIN_SHARE:.0%} of the "
            f"cells: {counts}",
            "images.csv, campaign_year",
            "choose another split.method, or leave campaign out of compare.splits",
        )
    return names.map(fold_of).to_numpy(dtype=int)


def roles(
    samples: pd.DataFrame,
    fold: int | None,
    method: str,
    validation_fraction: float,
    seed: int,
) -> np.ndarray:
    """Role of each cell in one fold: "test", "validation" or "train".

    The validation part is made of whole units of the cells not in the test fold; under `random` it
    is the first quarter of them in a seeded order, as published (Keras's validation_split).

    Args:
        samples: Used cells with `idINSPIRE, income_class, block, group, fold`.
        fold: The test fold; None where no cell is tested, in a city that another one, left out,
            learns from.
        method: "block", "group", "random", "campaign" or "city".
        validation_fraction: Share of the cells not in the test fold.
        seed: Seed of the shuffle.

    Raises:
        InputError: No cell is in the fold, or the other cells cannot be divided.
    """
    role = np.where(samples["fold"] == fold, "test", "train").astype("<U10")
    if fold is not None and "test" not in role:
        raise InputError(
            f"no cell is in fold {fold}",
            "samples.csv, split.folds",
            "run 10_assign_folds with the same settings",
        )
    rest = np.flatnonzero(role == "train")
    if not len(rest):
        return role
    if method == "random":
        order = np.random.default_rng([seed, fold or 0]).permutation(rest)
        n_validation = int(validation_fraction * len(rest))
        role[order[:n_validation]] = "validation"
        return role

    # ASSUME: validation asks what the test asks (unseen blocks).
    others = samples.iloc[rest]
    unit = units(others, method)
    parts = min(VALIDATION_PARTS, unit.nunique(), _largest_class(others))
    if parts < 2:
        raise _undivided(others, fold)
    dealt = _deal(others, unit, method, parts, seed + 1 + (fold or 0))
    # Of few uneven units some parts stay empty: those that hold cells are all there are.
    filled, part = np.unique(dealt, return_inverse=True)
    parts = len(filled)
    if parts < 2:
        raise _undivided(others, fold)
    # At least one part is validated on, and one trained on.
    validation_parts = max(1, round(validation_fraction * parts))
    validation_parts = min(validation_parts, parts - 1)
    role[rest[part < validation_parts]] = "validation"
    return role


def _undivided(others: pd.DataFrame, fold: int | None) -> InputError:
    """The cells outside a fold are too few, or of too few units."""
    return InputError(
        f"the {len(others)} cells outside fold {fold} cannot be divided into training and "
        "validation",
        "split.block_m, split.folds",
        "ask for smaller blocks; the city may be too small",
    )


def _largest_class(samples: pd.DataFrame) -> int:
    """Number of cells of the most frequent class."""
    return samples["income_class"].value_counts().max()


def _stratified(
    samples: pd.DataFrame,
    unit: pd.Series,
    method: str,
    folds: int,
    seed: int,
) -> np.ndarray:
    """(N,) number of the fold of each cell, none empty; arguments as of `assign_folds`."""
    number = _deal(samples, unit, method, folds, seed)
    if len(np.unique(number)) < folds:
        raise InputError(
            f"the {unit.nunique()} {method} units are too uneven to fill {folds} folds",
            "split.folds, split.block_m",
            _fewer_folds(folds - 1, method),
        )
    return number


def _deal(
    samples: pd.DataFrame,
    unit: pd.Series,
    method: str,
    folds: int,
    seed: int,
) -> np.ndarray:
    """(N,) number of the fold of each cell, 0 .. folds-1; some may have none."""
    if method == "random":
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        groups = None
    else:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        groups = unit
    features = np.zeros(len(samples))
    with warnings.catch_warnings():
        # A class with fewer cells than folds cannot stand in all of them.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = list(splitter.split(features, samples["income_class"], groups))
    number = np.full(len(samples), -1)
    for fold, (_, test) in enumerate(parts):
        number[test] = fold
    return number


def add_folds(table: pd.DataFrame, split: Split, seed: int) -> pd.DataFrame:
    """The table `samples.csv`: adds `block` to every cell and `fold` to the used ones.

    Args:
        table: `idINSPIRE, group, used, reason, income_class`, by campaign also `campaign_year`.
        split: Settings of the split.
        seed: Seed of the folds.

    Raises:
        InputError: There are fewer blocks (groups, cells) than folds.
    """
    blocks = assign_blocks(table["idINSPIRE"], table["group"], split.block_m)
    table = table.assign(block=blocks)
    used = table[table["used"]]
    folds = assign_folds(used, split.method, split.folds, seed)
    table["fold"] = pd.Series(folds, index=used.index)
    return table[SAMPLE_COLUMNS].astype({"income_class": "Int64", "fold": "Int64"})
