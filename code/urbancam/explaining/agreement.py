"""What is said about controls: their ratios beside the published ones, and deletion curves, over the same cells."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover, log_quotient
from urbancam.explaining.landcover.ordering import rank_agreement
from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate
from urbancam.scoring.vocabulary import CONTRAST, SIDES
from urbancam.workflow.sections import Landcover, Statistics

PUBLISHED = "published"
RANDOM = "random"
CONTROLS = [
    "control",
    "kind",
    "class",
    "name",
    "side",
    "n_cells",
    "ratio",
    "ci_low",
    "ci_high",
    "published_ratio",
]
AGREEMENT = [
    "control",
    "kind",
    "side",
    "n_classes",
    "rank_correlation",
    "ci_low",
    "ci_high",
    "kept",
    "kept_low",
    "kept_high",
    "map_correlation",
]


def draw_cells(
    predictions: pd.DataFrame, settings: Landcover, count: int | None, seed: int
) -> pd.DataFrame:
    """A seeded sample of the cells predicted poor or rich, as many of each as there are.

    Args:
        predictions: `idINSPIRE, predicted_class` and more.
        settings: section `landcover`: which classes are poor, which rich.
        count: how many in all; a side with less than its half gives all it has. None: all cells of both sides.
        seed: of the draw.

    Returns:
        rows of `predictions`, sorted by id, with `rich` (bool).
    """
    # ASSUME: poor and rich cells in equal numbers, so that neither side's ratios are the noisier.
    random = np.random.default_rng(seed)
    ordered = predictions.sort_values("idINSPIRE")
    chosen = []
    for rich, classes in enumerate((settings.poor_classes, settings.rich_classes)):
        side = ordered[ordered["predicted_class"].isin(classes)].assign(rich=bool(rich))
        wanted = len(side) if count is None else (count + rich) // 2
        chosen.append(side.iloc[random.permutation(len(side))[:wanted]])
    return pd.concat(chosen).astype({"rich": bool}).sort_values("idINSPIRE", ignore_index=True)


def add_shares(shares: pd.DataFrame, name: str, activation: pd.DataFrame) -> pd.DataFrame:
    """Shares by fragment with those of another run's `activation.parquet` as columns `<name>_poor, <name>_rich`."""
    columns = {f"{side}_share": f"{name}_{side}" for side in SIDES}
    other = activation[["fragment_id", *columns]].rename(columns=columns)
    return shares.merge(other, "left", on="fragment_id", validate="one_to_one")


def control_names(shares: pd.DataFrame) -> list[str]:
    """The controls that shares by fragment hold, in the order of their columns."""
    return [column.removesuffix("_poor") for column in shares.columns if column.endswith("_poor")]


def compare(
    shares: pd.DataFrame,
    correlations: pd.DataFrame,
    cells: pd.DataFrame,
    make: Callable[[pd.DataFrame], LandCover],
    methods: list[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `attribution_controls.csv` and `attribution_agreement.csv` (results/README.md says each column).

    A control and the published map are compared on the cells that have both maps of a side.

    Args:
        shares: a row per fragment of the sampled cells: `fragment_id, idINSPIRE, class, code, area_m2`, and
            `<control>_poor, <control>_rich`, share of the cell's map, NaN in a cell without one.
        correlations: `idINSPIRE, control, poor, rich, contrast`, of the patches of two maps of a cell.
        cells: `idINSPIRE, rich` of the sample.
        make: `make(activation)` -> statistics of these cells.
        methods: names of the controls that are attribution methods.
    """
    sides = cells.set_index("idINSPIRE")["rich"]
    tables, rows = [], []
    for name in control_names(shares):
        kind = PUBLISHED if name == PUBLISHED else "method" if name in methods else "control"
        own, published = (
            make(_activation_of(shares, *pair)) for pair in ((name, PUBLISHED), (PUBLISHED, name))
        )
        tables.append(_ratios(own, published).assign(control=name, kind=kind))
        alike = _map_correlation(correlations[correlations["control"] == name], sides)
        beside = _estimates(published)
        for side, estimate in _estimates(own).items():
            orders = rank_agreement(estimate, beside[side], own.statistics)
            kept = _kept(_log(estimate, side), _log(beside[side], side), own.statistics)
            rows.append(
                {
                    "control": name,
                    "kind": kind,
                    "side": side,
                    **orders,
                    **kept,
                    "map_correlation": alike[side],
                }
            )
    agreed = (
        pd.DataFrame(rows)
        .rename(columns={"spearman": "rank_correlation"})
        .reindex(columns=AGREEMENT)
    )
    return pd.concat(tables or [pd.DataFrame()], ignore_index=True).reindex(
        columns=CONTROLS
    ), agreed


def _activation_of(shares: pd.DataFrame, name: str, other: str) -> pd.DataFrame:
    """What `LandCover` takes: one control's shares, none where another has none."""
    both = {
        f"{side}_share": shares[f"{name}_{side}"].where(shares[f"{other}_{side}"].notna())
        for side in SIDES
    }
    return shares[["idINSPIRE", "class", "code", "area_m2"]].assign(contribution=0.0, **both)


def _estimates(city: LandCover) -> dict[str, Estimate]:
    return {side: city.ratio(city.side(side)) for side in SIDES} | {CONTRAST: city.log_contrast()}


def _kept(own: Estimate, published: Estimate, statistics: Statistics) -> dict[str, float]:
    """How much of the published log ratios a control keeps: the slope of its own on them, through the origin.

    1 where all of it is kept, 0 where the control knows nothing; a rank correlation cannot tell, it has no scale.
    """
    known = [np.isfinite(estimate.interval(statistics)).all(0) for estimate in (own, published)]
    chosen = known[0] & known[1]
    parts = ((own.value, published.value), (own.draws, published.draws))
    pairs = [(a[..., chosen], b[..., chosen]) for a, b in parts]
    value, draws = (bootstrap.divide((a * b).sum(-1), (b * b).sum(-1)) for a, b in pairs)
    low, high = bootstrap.interval(draws, statistics.confidence)
    return {"kept": float(value), "kept_low": low, "kept_high": high}


def _log(estimate: Estimate, side: str) -> Estimate:
    """The estimate's logarithm; contrasts are logarithms already."""
    one = Estimate(np.ones_like(estimate.value), np.ones_like(estimate.draws), estimate.blocks)
    return estimate if side == CONTRAST else log_quotient(estimate, one)


def _ratios(own: LandCover, published: LandCover) -> pd.DataFrame:
    """Rows `class, name, side, n_cells, ratio, ci_low, ci_high, published_ratio` of poor, rich and contrast."""
    counts = {side: own.side(side).present.sum(0) for side in SIDES}
    counts[CONTRAST] = sum(counts.values())
    tables = []
    for (side, estimate), beside in zip(
        _estimates(own).items(), _estimates(published).values(), strict=True
    ):
        low, high = estimate.interval(own.statistics)
        tables.append(
            pd.DataFrame(
                {
                    "class": own.classes,
                    "name": own.names,
                    "side": side,
                    "n_cells": counts[side],
                    "ratio": estimate.value,
                    "ci_low": low,
                    "ci_high": high,
                    "published_ratio": beside.value,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _map_correlation(correlations: pd.DataFrame, rich: pd.Series) -> dict[str, float]:
    """Mean over the cells of each side's sample; NaN where no cell has both maps, or maps were not compared."""
    is_rich = correlations["idINSPIRE"].map(rich).to_numpy(dtype=bool)
    return {
        "poor": correlations.loc[~is_rich, "poor"].mean(),
        "rich": correlations.loc[is_rich, "rich"].mean(),
        CONTRAST: correlations[CONTRAST].mean(),
    }


def deletion_tables(
    curves: pd.DataFrame, blocks: pd.Series, statistics: Statistics, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `deletion.csv` and `deletion_area.csv` (results/README.md says each column).

    Args:
        curves: `idINSPIRE, order, curve, fraction, value` (logit units).
        blocks: block of each cell, indexed by idINSPIRE.
        statistics: section `statistics`.
        seed: of the bootstrap.
    """
    values = curves.pivot(
        index="idINSPIRE", columns=["order", "curve", "fraction"], values="value"
    ).sort_index(axis=1)
    areas = _areas_under(values)
    above = areas.copy()
    for order, curve in areas.columns:
        above[order, curve] = areas[order, curve] - areas[RANDOM, curve]
    tables = [_mean_over_cells(part, blocks, statistics, seed) for part in (values, areas, above)]
    names = {"value": "above_random", "ci_low": "above_random_low", "ci_high": "above_random_high"}
    beyond = tables[2].rename(columns=names)
    return tables[0], tables[1].rename(columns={"value": "area"}).merge(
        beyond, on=["order", "curve", "n_cells"]
    )


def _areas_under(values: pd.DataFrame) -> pd.DataFrame:
    """Trapezoid area under each curve of each cell: its mean height.

    Args:
        values: (cells, m) with columns `order, curve, fraction`.

    Returns:
        (cells, curves) with columns `order, curve`.
    """
    pairs = values.columns.droplevel("fraction").unique()
    columns = [
        np.trapezoid(values[pair], values[pair].columns.to_numpy(float), axis=1) for pair in pairs
    ]
    return pd.DataFrame(np.reshape(columns, (len(pairs), len(values))).T, values.index, pairs)


def _mean_over_cells(
    values: pd.DataFrame, blocks: pd.Series, statistics: Statistics, seed: int
) -> pd.DataFrame:
    """A row per column of values (cells, m): the column's name, `n_cells, value, ci_low, ci_high`."""
    of_cells = blocks.reindex(values.index)
    numbers, n_blocks = bootstrap.number_blocks(of_cells)
    counts = bootstrap.block_draws(of_cells, statistics.draws, seed)
    sums = bootstrap.block_sums(values.to_numpy(float), numbers, n_blocks)
    ones = bootstrap.block_sums(np.ones((len(values), 1)), numbers, n_blocks)
    value, draws = (
        bootstrap.divide(sums.sum(0), ones.sum(0)),
        bootstrap.ratio_draws(sums, ones, counts),
    )
    low, high = Estimate(value, draws, np.full(len(value), n_blocks)).interval(statistics)
    keys = values.columns.to_frame(index=False)
    return keys.assign(n_cells=len(values), value=value, ci_low=low, ci_high=high)
