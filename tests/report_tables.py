"""Small tables as the report reads them, for tests."""

import numpy as np
import pandas as pd

DIFFERENCE_COLUMNS = ("difference", "difference_ci_low", "difference_ci_high")


def metric_row(
    predictor: str,
    metric: str,
    value: float,
    low: float | None,
    high: float | None,
    subset: str = "all",
    fold: str = "all",
    n_cells: int = 200,
    difference: tuple[float | None, ...] = (None, None, None),
) -> dict:
    """A row of `metrics.csv`; the model's score less the row's with its interval last."""
    return {
        "subset": subset,
        "fold": fold,
        "predictor": predictor,
        "metric": metric,
        "value": value,
        "ci_low": low,
        "ci_high": high,
        **dict(zip(DIFFERENCE_COLUMNS, difference, strict=True)),
        "n_cells": n_cells,
    }


def metrics(difference: tuple[float, float, float] = (0.28, 0.1, 0.4)) -> pd.DataFrame:
    """`metrics.csv` of a run.

    Args:
        difference: Spearman r of the model less that of the coordinates, with its interval.
    """
    return pd.DataFrame(
        [
            metric_row("model", "spearman", 0.76, 0.7, 0.81),
            metric_row("coordinates", "spearman", 0.48, 0.4, 0.55, difference=difference),
            metric_row("model", "accuracy", 0.51, 0.45, 0.57),
            metric_row("model", "accuracy_within_1", 0.86, 0.8, 0.9),
            metric_row("constant", "accuracy", 0.2, 0.1, 0.25),
            metric_row("model", "spearman", 0.5, 0.1, 0.7, subset="imputed", n_cells=50),
            metric_row("model", "spearman", -0.9, None, None, fold="0", n_cells=70),
        ]
    )


def block_size() -> pd.DataFrame:
    """`block_size.csv`: blocks of 4 km were chosen of two sides."""
    return pd.DataFrame(
        {
            "side_m": [2000, 4000],
            "n_blocks": [80, 23],
            "metric": "spearman",
            "value": 0.76,
            "ci_low": [0.72, 0.7],
            "ci_high": [0.8, 0.81],
            "ci_width": [0.08, 0.11],
            "reach_m": 3333.3,
            "chosen": [False, True],
        }
    )


def leakage() -> pd.DataFrame:
    """`leakage.csv` of three splits: random cells were not trained, a city left out leaks none."""
    rows = [
        ("random", "coordinates", 0.7, 0.6, 0.8, 12, 30),
        ("block", "coordinates", 0.5, 0.4, 0.6, 0, 0),
        ("block", "model", 0.7, 0.6, 0.8, 0, 0),
        ("city", "model", 0.4, 0.3, 0.5, None, None),
    ]
    columns = ["split", "predictor", "value", "ci_low", "ci_high", "leaks_group", "leaks_block"]
    table = pd.DataFrame(rows, columns=columns).assign(
        metric="spearman",
        folds=3,
        leaks_cell=0,
        n_cells=200,
        trained_neighbours=None,
    )
    table[[*DIFFERENCE_COLUMNS]] = np.nan
    table.loc[1, [*DIFFERENCE_COLUMNS]] = (0.2, 0.1, 0.3)
    return table


def activation_ratios() -> pd.DataFrame:
    """`activation_ratio.csv`: roads speak for poor, water is too rare to tell."""
    rows = [
        ("roads", "Other roads", "poor", 40, 1.8, 1.2, 2.4),
        ("roads", "Other roads", "rich", 38, 0.7, 0.5, 0.9),
        ("water", "Water", "poor", 9, 0.6, 0.2, 1.1),
        ("water", "Water", "rich", 7, 1.3, 0.8, 2.0),
    ]
    columns = ["class", "name", "side", "n_cells", "ratio", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns)


def activation_contrast() -> pd.DataFrame:
    """`activation_contrast.csv` of the same classes."""
    rows = [
        ("roads", "Other roads", 78, -0.94, -1.4, -0.4),
        ("water", "Water", 16, 0.77, -0.1, 1.6),
    ]
    columns = ["class", "name", "n_cells", "log_ratio", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns)


def kept(*sentences: str, survives: bool = True, against_it: str | None = None) -> pd.DataFrame:
    """`claims.csv` of these claims, all of which survive or do not."""
    columns = ["claim", "survives", "against_it"]
    rows = [(sentence, survives, against_it) for sentence in sentences]
    return pd.DataFrame(rows, columns=columns)


def claims() -> pd.DataFrame:
    """`claims.csv`: one claim survives, a control speaks against one, one rests on too little."""
    rows = [
        ("The image ranks the cells as they are", "score", 0.7, 0.001, True, None),
        ("The map lies on water rather in cells read as rich", "map", 0.4, 0.03, False, "the same"),
        ("The map lies on parks rather in cells read as rich", "map", 0.1, None, False, "too few"),
    ]
    columns = ["claim", "kind", "value", "q_value", "survives", "against_it"]
    return pd.DataFrame(rows, columns=columns).assign(
        ci_low=0.1, ci_high=0.9, untried="shuffled labels; a campaign left out"
    )
