"""What the image adds beyond land cover, density and place, and beyond what the user asks for.

The rank correlation of p with the target, given what baselines say of the same cells out of fold:
what the two still share once the baselines' ranks are taken out of both.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from urbancam.scoring.bootstrap import Estimate, block_draws, effective_blocks, number_blocks
from urbancam.scoring.correlations import partial_correlation, spearman_matrix
from urbancam.scoring.vocabulary import MODEL
from urbancam.workflow.settings.feature_sets import asked_for
from urbancam.workflow.settings.sections import Statistics

GIVEN = ("land_cover", "population_density", "coordinates")
ALL_GIVEN = "all"
GIVEN_WORDS = dict(zip(GIVEN, ("land cover", "density", "place"), strict=True))


def all_given_words(given: Iterable[str]) -> str:
    """What `all` in the table means: "land cover, density and place", or those that there are.

    Args:
        given: Column `given` of the table; people are not counted in every city.
    """
    there = set(given)
    words = [word for name, word in GIVEN_WORDS.items() if name in there] or [*GIVEN_WORDS.values()]
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def added_value_table(
    predictors: Mapping[str, pd.DataFrame],
    blocks: np.ndarray,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The rows of `added_value.csv`.

    Args:
        predictors: Name -> predictions with `p, target` of the same n cells in one order; "model",
            those of `GIVEN` that there are, and those that the settings name.
        blocks: (n,) spatial block of each cell.
        statistics: Section `statistics`.
        seed: Seed of the draws.

    Returns:
        `given, value, ci_low, ci_high, p_value, n_cells, n_blocks`, a row for each of `GIVEN`, for
        all of these together, and for each that the settings name; null of the p-value: 0.
    """
    numbers, n_blocks = number_blocks(blocks)
    as_they_are = np.ones((1, n_blocks), dtype=int)
    counts = np.vstack([as_they_are, block_draws(blocks, statistics.draws, seed)])
    effective = float(effective_blocks(np.bincount(numbers)))
    model = predictors[MODEL]
    names = [name for name in GIVEN if name in predictors]
    together = range(2, 2 + len(names))
    names += asked_for(predictors)
    said = [predictors[name]["p"].to_numpy(dtype=float) for name in names]
    variables = [model["p"].to_numpy(dtype=float), model["target"].to_numpy(dtype=float), *said]
    correlations = spearman_matrix(variables, numbers, counts)
    places = {name: [place] for place, name in enumerate(names, 2)}
    if len(together) > 1:
        of_one = list(places.items())
        places = dict(
            [*of_one[: len(together)], (ALL_GIVEN, list(together)), *of_one[len(together) :]]
        )
    rows = []
    for name, given in places.items():
        chosen = [0, 1, *given]
        draws = partial_correlation(correlations[:, chosen][:, :, chosen])
        estimate = Estimate(draws[0], draws[1:], effective)
        low, high = estimate.interval(statistics)
        rows.append((name, draws[0], low, high, float(estimate.p_value(0, statistics))))
    columns = ["given", "value", "ci_low", "ci_high", "p_value"]
    return pd.DataFrame(rows, columns=columns).assign(n_cells=len(model), n_blocks=int(effective))
