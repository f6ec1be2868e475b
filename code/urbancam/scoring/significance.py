"""Significance: what is left of p-values where many are told."""

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from urbancam.workflow.settings.sections import Statistics


def q_value(p_values: np.ndarray) -> np.ndarray:
    """p-values adjusted for how many there are (Benjamini & Hochberg 1995).

    Args:
        p_values: (m,) of one table; NaN stays NaN and is not counted.

    Returns:
        (m,) the smallest false discovery rate at which each would be a discovery.
    """
    # ASSUME: Benjamini and Hochberg's procedure holds for classes, which depend on each other:
    # shares of a cell add up to 1. (Benjamini & Yekutieli 2001: it holds under positive
    # dependence, and is known to be robust.)
    p_values = np.asarray(p_values, dtype=float)
    tested = np.isfinite(p_values)
    q_values = np.full(p_values.shape, np.nan)
    q_values[tested] = false_discovery_control(p_values[tested])
    return q_values


def add_significance(
    table: pd.DataFrame,
    p_values: np.ndarray,
    statistics: Statistics,
) -> pd.DataFrame:
    """Add `p_value`, `q_value` and `significant` (bool; False without a p-value) as last columns.

    Args:
        table: M rows, all the tests that are made together.
        p_values: (m,).
        statistics: Section `statistics`, for its `false_discovery_rate`.
    """
    q_values = q_value(p_values)
    significant = q_values <= statistics.false_discovery_rate
    return table.assign(
        p_value=p_values,
        q_value=q_values,
        significant=significant,
    )
