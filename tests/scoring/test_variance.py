"""The variance of a score is taken apart by what makes it."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from urbancam.scoring import variance

N_BLOCKS = 6
SD = {"seeds": 0.02, "fold_draws": 0.05, "blocks": 0.03}


def run(
    scores: list[float], half_width: float = student.ppf(0.975, N_BLOCKS - 1) * SD["blocks"]
) -> pd.DataFrame:
    """`metrics.csv` of a run with these scores of its folds."""
    pooled = float(np.mean(scores))
    rows = [("all", pooled, pooled - half_width, pooled + half_width)]
    rows += [(str(fold), score, None, None) for fold, score in enumerate(scores)]
    table = pd.DataFrame(rows, columns=["fold", "value", "ci_low", "ci_high"])
    return table.assign(subset="all", predictor="model", metric="spearman", n_blocks=N_BLOCKS)


def table(seeds: int, draws: int) -> pd.DataFrame:
    """Runs whose mean score varies by the seed, and between fold draws by both."""
    random = np.random.default_rng(0)
    of_seeds = [run([0.6 + random.normal(0, SD["seeds"])] * 2) for _ in range(seeds)]
    of_draws = [
        run([0.6 + random.normal(0, SD["fold_draws"]) + random.normal(0, SD["seeds"])] * 2)
        for _ in range(draws)
    ]
    made = variance.variance_table(run([0.6, 0.6]), of_seeds, of_draws, 0.95)
    return made.set_index("source")


@pytest.mark.slow
def test_components_are_those_that_were_drawn():
    got = table(seeds=3000, draws=3000)
    drawn = {source: sd**2 for source, sd in SD.items()}
    assert got["component"].to_dict() == pytest.approx(drawn, rel=0.1)
    total = sum(drawn.values())
    expected = {source: component / total for source, component in drawn.items()}
    assert got["share"].to_dict() == pytest.approx(expected, rel=0.1)


def test_without_seeds_and_draws_blocks_are_all_that_is_said():
    got = table(seeds=0, draws=0)
    assert got["sd"].notna().to_dict() == {"seeds": False, "fold_draws": False, "blocks": True}
    assert got["share"].isna().all()


def test_runs_are_compared_on_as_many_folds_as_all_of_them_have():
    whole, quick = run([0.5, 0.7, 0.9]), run([0.6])
    got = variance.variance_table(whole, [quick], [], 0.95).set_index("source")
    assert got.loc["seeds", "sd"] == pytest.approx(np.std([0.5, 0.6], ddof=1))
