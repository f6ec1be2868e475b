"""The tables that take a run's scores apart: within parts of the city, by distance to what was
learned from, beyond what land cover, density and place tell."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from urbancam.scoring import added_value, subgroups
from urbancam.scoring.vocabulary import MODEL
from urbancam.workflow.settings import campaigns
from urbancam.workflow.settings.sections import Statistics


def analyse(
    predictors: Mapping[str, pd.DataFrame],
    samples: pd.DataFrame,
    facts: pd.DataFrame,
    statistics: Statistics,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """`subgroups`, `added_value` and `distance`, by name of the table.

    Args:
        predictors: "model" and the baselines -> out-of-fold predictions of the same cells in one
            order; those of the model with the `block` of each cell.
        samples: `samples.csv`, with `used, fold`.
        facts: `department, ind, campaign_year` of these cells, in their order.
        statistics: Section `statistics`.
        seed: Seed of the draws.
    """
    ids = predictors[MODEL]["idINSPIRE"]
    blocks = predictors[MODEL]["block"].to_numpy()
    years = facts["campaign_year"].map(campaigns.name, na_action="ignore")
    groupings = {
        # A city of one's own may have no parts.
        "department": facts["department"].replace("", None).to_numpy(dtype=object),
        "campaign": years.to_numpy(dtype=object),
    }
    weights = facts["ind"].to_numpy(dtype=float)
    used = samples[samples["used"]]
    distances_m = subgroups.nearest_training_m(used, ids)
    # A city that is left out has no cell to learn from, and no distance to it.
    near = np.isfinite(distances_m)
    nearby = {name: table[near] for name, table in predictors.items()}
    return {
        "subgroups": subgroups.subgroup_table(
            predictors, groupings, weights, blocks, statistics, seed
        ),
        "added_value": added_value.added_value_table(predictors, blocks, statistics, seed),
        "distance": subgroups.distance_table(
            nearby, distances_m[near], blocks[near], statistics, seed
        ),
    }
