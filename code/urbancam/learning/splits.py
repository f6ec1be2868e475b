"""Folds: random, INSEE's imputation group, spatial block, whole city.

Neighbouring cells look alike and earn alike, and cells of one imputation group share one income by construction:
a random split puts them on both sides and rewards memory (README, "What this does instead"). Blocks keep whole
neighbourhoods, and whole groups, on one side.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from urbancam.tables import grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.sections import Split

VALIDATION_PARTS = (
    20  # the training part is divided into so many, of which the validation part takes its share
)
ROLES = ("train", "validation", "test")


def assign_blocks(ids: pd.Series, groups: pd.Series, block_m: int) -> pd.Series:
    """Spatial block of each cell, on INSEE's grid in EPSG:3035; an imputation group is never split.

    A group whose cells lie in several blocks goes whole to the block that holds most of them (ties: the block
    that sorts first).

    Args:
        ids: (N,) INSPIRE ids of the cells.
        groups: (N,) imputation group, null where a cell is alone.
        block_m: side of a block, m.

    Returns:
        (N,) block names "N<south>E<west>" in m, index of `ids`.
    """
    blocks = grid.blocks(ids, block_m)
    # ASSUME: what a group gains by staying whole outweighs that a few of its cells lie beyond their block's edge.
    grouped = groups.notna()
    home = (
        blocks[grouped]
        .groupby(groups[grouped])
        .agg(lambda names: names.value_counts().sort_index().idxmax())
    )
    return blocks.where(~grouped, groups.map(home)).rename("block")


def units(samples: pd.DataFrame, method: str) -> pd.Series:
    """What a split must not divide: the block, the group (a lone cell is its own), or the single cell."""
    if method in ("block", "city"):
        return samples["block"]
    if method == "group":
        return samples["group"].astype("string").radd("group ").fillna(samples["idINSPIRE"])
    return samples["idINSPIRE"]


def assign_folds(samples: pd.DataFrame, method: str, folds: int, seed: int) -> np.ndarray:
    """Test fold of each cell, 0 .. folds-1, stratified on the class as far as the units allow.

    Args:
        samples: used cells with `idINSPIRE, income_class, block, group`.
        method: "block", "group", "random" or "city" (one fold: the whole city is left out).
        folds: number of folds.
        seed: of the shuffle.

    Raises:
        InputError: fewer units than folds.
    """
    if method == "city":
        return np.zeros(len(samples), dtype=int)
    unit = units(samples, method)
    if unit.nunique() < folds:
        raise InputError(
            f"{unit.nunique()} {method} units of {len(samples)} usable cells cannot fill {folds} folds",
            "split.folds, split.block_m",
            "ask for fewer folds or smaller blocks, e.g. --set split.block_m=1000",
        )
    if samples["income_class"].value_counts().max() < folds:
        raise InputError(
            f"{len(samples)} usable cells are too few for {folds} folds of five classes",
            "split.folds",
            "ask for fewer folds; the city may be too small",
        )
    return _stratified(samples, unit, method, folds, seed)


def roles(
    samples: pd.DataFrame, fold: int | None, method: str, validation_fraction: float, seed: int
) -> np.ndarray:
    """Role of each cell in one fold: "test", "validation" or "train".

    The validation part is made of whole units of the cells not in the test fold; under `random` it is the first
    quarter of them in a seeded order, as published (Keras's validation_split).

    Args:
        samples: used cells with `idINSPIRE, income_class, block, group, fold`.
        fold: the test fold; None where no cell is tested, in a city that another one, left out, learns from.
        method: "block", "group", "random" or "city".
        validation_fraction: share of the cells not in the test fold.
        seed: of the shuffle.
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
        role[order[: int(validation_fraction * len(rest))]] = "validation"
        return role
    part = samples.iloc[rest]
    largest_class = part["income_class"].value_counts().max()
    parts = min(VALIDATION_PARTS, units(part, method).nunique(), largest_class)
    if parts < 2:
        raise InputError(
            f"the {len(part)} cells outside fold {fold} cannot be divided into training and validation",
            "split.block_m, split.folds",
            "ask for smaller blocks; the city may be too small",
        )
    # ASSUME: validation asks what the test asks (unseen blocks).
    number = _stratified(part, units(part, method), method, parts, seed + 1 + (fold or 0))
    taken = min(max(1, round(validation_fraction * parts)), parts - 1)
    role[rest[number < taken]] = "validation"
    return role


def _stratified(
    samples: pd.DataFrame, unit: pd.Series, method: str, folds: int, seed: int
) -> np.ndarray:
    splitter, groups = StratifiedGroupKFold(folds, shuffle=True, random_state=seed), unit
    if method == "random":
        splitter, groups = StratifiedKFold(folds, shuffle=True, random_state=seed), None
    number = np.full(len(samples), -1)
    with (
        warnings.catch_warnings()
    ):  # a class with fewer cells than folds cannot stand in all of them
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = list(splitter.split(np.zeros(len(samples)), samples["income_class"], groups))
    for fold, (_, test) in enumerate(parts):
        number[test] = fold
    if len(np.unique(number)) < folds:
        raise InputError(
            f"the {unit.nunique()} {method} units are too uneven to fill {folds} folds",
            "split.folds, split.block_m",
            "ask for fewer folds or smaller blocks",
        )
    return number


def in_several_roles(samples: pd.DataFrame, role: np.ndarray, key: str) -> set:
    """The values of `key` (idINSPIRE, group, block) that stand in more than one role."""
    frame = pd.DataFrame({"key": samples[key].to_numpy(), "role": role}).dropna()
    roles_held = frame.groupby("key")["role"].nunique()
    return set(roles_held.index[roles_held > 1])


def leaks(samples: pd.DataFrame, role: np.ndarray, key: str) -> int:
    """How many values of `key` stand in more than one role."""
    return len(in_several_roles(samples, role, key))


def usable_cells(
    cells: pd.DataFrame, images: pd.DataFrame, max_void_fraction: float
) -> pd.DataFrame:
    """Which cells can be used, and why the others cannot.

    Args:
        cells: `idINSPIRE, income_eur, ind, group`, one row per cell of the city; without an income where nobody lives.
        images: `idINSPIRE, path, void_fraction`.
        max_void_fraction: share of an image that may be void, 0..1.

    Returns:
        `idINSPIRE, income_eur, ind, group, used, reason`, sorted by id.
    """
    table = cells[["idINSPIRE", "income_eur", "ind", "group"]].merge(
        images, on="idINSPIRE", how="left", validate="1:1"
    )
    table = table.sort_values("idINSPIRE", ignore_index=True)
    finite = np.isfinite(table["income_eur"].astype("float64"))
    wrong = table.loc[~finite & (table["income_eur"].notna() | (table["ind"] != 0)), "idINSPIRE"]
    if len(wrong):
        raise InputError(
            f"{len(wrong):,} cells have no finite income, the first {wrong.iloc[0]}",
            "cells.parquet, income_eur",
            "select the cells again: 03_select_cells --force",
        )
    reason = pd.Series("", index=table.index)
    reason[table["void_fraction"] > max_void_fraction] = (
        f"more than {max_void_fraction:.3g} of the image is void"
    )
    reason[table["path"].isna()] = "no image"
    reason[~finite] = "no income"
    table["used"], table["reason"] = reason == "", reason
    if not table["used"].any():
        raise InputError(
            f"none of {len(table):,} cells is usable: {reason.value_counts().to_dict()}",
            "images.csv",
            "see what 04 and 05 say about imagery",
        )
    return table[["idINSPIRE", "income_eur", "ind", "group", "used", "reason"]]


def add_folds(table: pd.DataFrame, split: Split, seed: int) -> pd.DataFrame:
    """The table `samples.csv`: adds `block` to every cell and `fold` to the used ones.

    Args:
        table: `idINSPIRE, group, used, reason, income_class`.
        split: settings of the split.
        seed: of the folds.

    Raises:
        InputError: fewer blocks (groups, cells) than folds.
    """
    table = table.assign(block=assign_blocks(table["idINSPIRE"], table["group"], split.block_m))
    used = table[table["used"]]
    table["fold"] = pd.Series(assign_folds(used, split.method, split.folds, seed), index=used.index)
    columns = ["idINSPIRE", "used", "reason", "income_class", "block", "group", "fold"]
    return table[columns].astype({"income_class": "Int64", "fold": "Int64"})
