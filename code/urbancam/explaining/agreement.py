"""What is said about controls: their ratios beside the published ones, over the same cells."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.ordering import rank_agreement
from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate, log_quotient
from urbancam.scoring.vocabulary import CONTRAST, SIDES
from urbancam.workflow.settings.city_facts import Landcover
from urbancam.workflow.settings.sections import Statistics

PUBLISHED = "published"
CONTROLS = [
    "control",
    "kind",
    "class",
    "name",
    "side",
    "n_cells",
    "value",
    "ci_low",
    "ci_high",
    "published_value",
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
    "kept_ci_low",
    "kept_ci_high",
    "map_correlation",
]


# ---- the sample and its shares


def draw_cells(
    predictions: pd.DataFrame, settings: Landcover, count: int | None, seed: int
) -> pd.DataFrame:
    """A seeded sample of the cells predicted poor or rich, as many of each as there are.

    Args:
        predictions: Rows with `idINSPIRE, predicted_class` and more.
        settings: Section `landcover`: which classes are poor, which rich.
        count: Number of cells in all; a side with less than its half gives all it has. None: all
            cells of both sides.
        seed: Seed of the draw.

    Returns:
        rows of `predictions`, sorted by id, with `rich` (bool).
    """
    # ASSUME: poor and rich cells in equal numbers, so that neither side's ratios are the noisier.
    random = np.random.default_rng(seed)
    ordered = predictions.sort_values("idINSPIRE")
    samples = []
    for rich, classes in enumerate((settings.poor_classes, settings.rich_classes)):
        of_side = ordered["predicted_class"].isin(classes)
        side = ordered[of_side].assign(rich=bool(rich))
        # Of an odd number of cells the rich side has one more.
        size = len(side) if count is None else (count + rich) // 2
        places = random.permutation(len(side))[:size]
        samples.append(side.iloc[places])
    sample = pd.concat(samples).astype({"rich": bool})
    return sample.sort_values("idINSPIRE", ignore_index=True)


def add_shares(
    shares: pd.DataFrame,
    name: str,
    activation: pd.DataFrame,
) -> pd.DataFrame:
    """Shares by fragment with those of another run as columns `<name>_poor, <name>_rich`.

    Args:
        shares: A row per fragment, with `fragment_id`.
        name: Name of the control that the other run is.
        activation: Rows of the other run's `activation.parquet`.
    """
    columns = {f"{side}_share": f"{name}_{side}" for side in SIDES}
    # A fragment that the other run lacks has no share there.
    other = activation[["fragment_id", *columns]].rename(columns=columns)
    return shares.merge(other, "left", on="fragment_id", validate="one_to_one")


def control_names(shares: pd.DataFrame) -> list[str]:
    """The controls that shares by fragment hold, in the order of their columns."""
    poor_columns = [column for column in shares.columns if column.endswith("_poor")]
    return [column.removesuffix("_poor") for column in poor_columns]


# ---- a control beside the published map


def compare(
    shares: pd.DataFrame,
    correlations: pd.DataFrame,
    cells: pd.DataFrame,
    make: Callable[[pd.DataFrame], LandCover],
    methods: list[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `attribution_controls.csv` and `attribution_agreement.csv`.

    results/README.md says each column. A control and the published map are compared on the cells
    that have both maps of a side.

    Args:
        shares: A row per fragment of the sampled cells: `fragment_id, idINSPIRE, class, code,
            area_m2`, and `<control>_poor, <control>_rich`, share of the cell's map, NaN in a cell
            without one.
        correlations: Rows `idINSPIRE, control, poor, rich, contrast`, of the patches of two maps
            of a cell.
        cells: Rows `idINSPIRE, rich` of the sample.
        make: `make(activation)` -> statistics of these cells.
        methods: Names of the controls that are attribution methods.
    """
    rich = cells.set_index("idINSPIRE")["rich"]
    ratios = []
    agreements = []
    for name in control_names(shares):
        labels = {"control": name, "kind": _kind(name, methods)}
        own, published = on_same_cells(shares, name, make)
        ratios.append(_ratios(own, published).assign(**labels))

        of_control = correlations["control"] == name
        map_correlation = _map_correlation(correlations[of_control], rich)
        for row in _agreement_by_side(own, published):
            side_correlation = map_correlation[row["side"]]
            agreements.append(labels | row | {"map_correlation": side_correlation})
    # Without any control the tables still have their columns.
    ratio_table = pd.concat(ratios or [pd.DataFrame()], ignore_index=True)
    agreement_table = pd.DataFrame(agreements).rename(columns={"spearman": "rank_correlation"})
    return ratio_table.reindex(columns=CONTROLS), agreement_table.reindex(columns=AGREEMENT)


def on_same_cells(
    shares: pd.DataFrame, name: str, make: Callable[[pd.DataFrame], LandCover]
) -> tuple[LandCover, LandCover]:
    """A control and the published map, each only where the other has a map of a side too.

    Arguments as in `compare`.
    """
    own = make(_activation_of(shares, name, PUBLISHED))
    published = make(_activation_of(shares, PUBLISHED, name))
    return own, published


def _kind(name: str, methods: list[str]) -> str:
    if name == PUBLISHED:
        return PUBLISHED
    return "method" if name in methods else "control"


def _activation_of(
    shares: pd.DataFrame,
    name: str,
    other: str,
) -> pd.DataFrame:
    """What `LandCover` takes: one control's shares, none where another has none."""
    columns = ["idINSPIRE", "class", "code", "area_m2"]
    # Controls have no contribution; `LandCover` wants the column.
    activation = shares[columns].assign(contribution=0.0)
    for side in SIDES:
        other_has_map = shares[f"{other}_{side}"].notna()
        activation[f"{side}_share"] = shares[f"{name}_{side}"].where(other_has_map)
    return activation


def estimates(city: LandCover) -> dict[str, Estimate]:
    """Activation ratios of poor and of rich, and the logarithm of their contrast."""
    ratios = {side: city.ratio(city.side(side)) for side in SIDES}
    return ratios | {CONTRAST: city.log_contrast()}


def cells_by_side(city: LandCover) -> dict[str, np.ndarray]:
    """Number of cells of poor, of rich and of both that hold each class."""
    n_cells = {side: city.side(side).present.sum(0) for side in SIDES}
    # A contrast is of the cells of both sides.
    return n_cells | {CONTRAST: sum(n_cells.values())}


def _agreement_by_side(own: LandCover, published: LandCover) -> list[dict]:
    """Rows of `side`, of how alike the orders of the classes are, and of how much is kept."""
    own_estimates = estimates(own)
    published_estimates = estimates(published)
    rows = []
    for side, estimate in own_estimates.items():
        published_estimate = published_estimates[side]
        orders = rank_agreement(estimate, published_estimate, own.statistics)
        logarithm = _logarithm(estimate, side)
        published_logarithm = _logarithm(published_estimate, side)
        retention = _retention(logarithm, published_logarithm, own.statistics)
        rows.append({"side": side, **orders, **retention})
    return rows


def _retention(
    own: Estimate,
    published: Estimate,
    statistics: Statistics,
) -> dict[str, float]:
    """How much of the published log ratios a control keeps: `kept, kept_low, kept_high`.

    It is the slope of the control's log ratios on the published ones, through the origin: 1 where
    all of it is kept, 0 where the control knows nothing; a rank correlation cannot tell, it has no
    scale.
    """
    # Only classes with an interval of both.
    own_is_estimated = np.isfinite(own.interval(statistics)).all(0)
    published_is_estimated = np.isfinite(published.interval(statistics)).all(0)
    classes = own_is_estimated & published_is_estimated
    value = _slope(own.value[..., classes], published.value[..., classes])
    draws = _slope(own.draws[..., classes], published.draws[..., classes])
    # A slope over classes rests on no fewer blocks than the class that is in most of them.
    blocks = np.max(own.blocks[..., classes], initial=0)
    low, high = bootstrap.interval(draws, statistics.confidence, blocks)
    return {"kept": float(value), "kept_ci_low": low, "kept_ci_high": high}


def _slope(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Least-squares slope through the origin of y (..., n) on x (..., n): sum x y / sum x^2."""
    products = y * x
    squares = x * x
    return bootstrap.divide(products.sum(-1), squares.sum(-1))


def _logarithm(estimate: Estimate, side: str) -> Estimate:
    """The estimate's logarithm; contrasts are logarithms already."""
    if side == CONTRAST:
        return estimate
    # Over 1, so that zeros and undefined draws fare as they do in a contrast.
    value = np.ones_like(estimate.value)
    draws = np.ones_like(estimate.draws)
    one = Estimate(value, draws, estimate.blocks)
    return log_quotient(estimate, one)


def _ratios(own: LandCover, published: LandCover) -> pd.DataFrame:
    """Ratios of a control's map by class, of poor, rich and contrast, beside the published ones.

    Returns:
        rows `class, name, side, n_cells, value, ci_low, ci_high, published_value`.
    """
    n_cells = cells_by_side(own)
    published_estimates = estimates(published)
    tables = []
    for side, estimate in estimates(own).items():
        low, high = estimate.interval(own.statistics)
        table = {
            "class": own.classes,
            "name": own.names,
            "side": side,
            "n_cells": n_cells[side],
            "value": estimate.value,
            "ci_low": low,
            "ci_high": high,
            "published_value": published_estimates[side].value,
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def _map_correlation(correlations: pd.DataFrame, rich: pd.Series) -> dict[str, float]:
    """Mean correlation over the cells of each side's sample.

    NaN where no cell has both maps, or maps were not compared.
    """
    is_rich = correlations["idINSPIRE"].map(rich).to_numpy(dtype=bool)
    of_poor_cells = correlations.loc[~is_rich, "poor"]
    of_rich_cells = correlations.loc[is_rich, "rich"]
    return {
        "poor": of_poor_cells.mean(),
        "rich": of_rich_cells.mean(),
        CONTRAST: correlations[CONTRAST].mean(),
    }
