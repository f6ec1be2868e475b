"""How much a score would vary, by what makes it vary: seed of the network, draw of the folds,
neighbourhoods."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from urbancam.scoring.vocabulary import MODEL

SOURCES = ("seeds", "fold_draws", "blocks")


def variance_table(
    run: pd.DataFrame,
    seeds: Sequence[pd.DataFrame],
    fold_draws: Sequence[pd.DataFrame],
    confidence: float,
) -> pd.DataFrame:
    """The rows of `variance.csv`: the variance of each score of the model, taken apart.

    A run under other folds has another training too, so what seeds alone make is taken out of what
    fold draws make: components s_seeds^2 and max(0, s_folds^2 - s_seeds^2), by the method of
    moments. The component of blocks is that of the run's interval.

    Args:
        run: `metrics.csv` of the run.
        seeds: The same of the network with other seeds on the same folds.
        fold_draws: The same under other draws of the folds, with the run's seed.
        confidence: Coverage of the run's intervals.

    Returns:
        `metric, source, n_scores, sd, component, share`: their number (of blocks none), their
        standard deviation with n - 1, the variance that is the source's own, and its share of the
        three; empty where a source was not tried.
    """
    others = [*seeds, *fold_draws]
    folds = min((_folds_of(table) for table in others), default=_folds_of(run))
    own = _mean_over_folds(run, folds)
    spread = {
        "seeds": _spread([own, *(_mean_over_folds(table, folds) for table in seeds)]),
        "fold_draws": _spread([own, *(_mean_over_folds(table, folds) for table in fold_draws)]),
        "blocks": _spread_over_blocks(run, confidence),
    }
    components = pd.DataFrame({source: spread[source] ** 2 for source in SOURCES})
    components["fold_draws"] = (components["fold_draws"] - components["seeds"]).clip(lower=0)
    shares = components.div(components.sum(axis=1, skipna=False), axis=0)
    counts = {"seeds": 1 + len(seeds), "fold_draws": 1 + len(fold_draws), "blocks": np.nan}
    parts = [
        pd.DataFrame(
            {
                "metric": own.index,
                "source": source,
                "n_scores": counts[source],
                "sd": spread[source].reindex(own.index).to_numpy(),
                "component": components[source].reindex(own.index).to_numpy(),
                "share": shares[source].reindex(own.index).to_numpy(),
            }
        )
        for source in SOURCES
    ]
    return pd.concat(parts, ignore_index=True)


def _rows_of_model(table: pd.DataFrame) -> pd.DataFrame:
    """Scores of the network over all cells, over all folds and by fold ("0", "1", ...)."""
    rows = table[(table["subset"] == "all") & (table["predictor"] == MODEL)]
    return rows.assign(fold=rows["fold"].astype(str))


def _folds_of(table: pd.DataFrame) -> int:
    """Number of folds that were scored."""
    return _rows_of_model(table)["fold"].nunique() - 1


def _mean_over_folds(table: pd.DataFrame, folds: int) -> pd.Series:
    """Score by metric, mean over the first so many folds, so that all runs test alike."""
    rows = _rows_of_model(table)
    rows = rows[rows["fold"].isin(map(str, range(folds)))]
    return rows.groupby("metric", sort=False)["value"].mean()


def _spread(scores: list[pd.Series]) -> pd.Series:
    """Standard deviation of each metric, with n - 1; NaN for a single run."""
    return pd.DataFrame(scores).std(axis=0)


def _spread_over_blocks(run: pd.DataFrame, confidence: float) -> pd.Series:
    """Standard deviation that the interval over blocks amounts to: it is at Student's t."""
    rows = _rows_of_model(run).query("fold == 'all'").set_index("metric")
    deviations = student.ppf((1 + confidence) / 2, (rows["n_blocks"] - 1).clip(lower=1))
    return (rows["ci_high"] - rows["ci_low"]) / (2 * deviations)
