"""One long table over all cities and runs: every score and every number of land cover a row."""

from collections.abc import Mapping

import pandas as pd

from urbancam.scoring.vocabulary import DIFFERENCE, interval_columns
from urbancam.showing.exhibits import QUANTITIES

# What tells the rows of these tables apart
KEYS = "subset fold predictor metric given outcome class name side reference".split()
VALUES = ["value", "ci_low", "ci_high", DIFFERENCE, *interval_columns(DIFFERENCE)]
TESTS = ["p_value", "q_value", "significant"]
COLUMNS = ["city", "run", "table", *KEYS, *VALUES, *TESTS, "n_cells"]


def join_runs(tables: Mapping[tuple[str, str, str], pd.DataFrame]) -> pd.DataFrame:
    """The rows of `all_runs.csv`.

    Args:
        tables: (city, run, name of a table of `QUANTITIES`) -> that table.

    Returns:
        `COLUMNS`, in the order of the tables; a column that a table does not have is empty.
    """
    parts = [
        table.rename(columns={QUANTITIES[name]: "value"})
        .reindex(columns=COLUMNS)
        .assign(city=city, run=run, table=name)
        .astype(object)
        for (city, run, name), table in tables.items()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
