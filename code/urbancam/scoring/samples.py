"""Reading `samples.csv`: which cells are used, with class, block, group and fold."""

from pathlib import Path

import pandas as pd

from urbancam.tables import frames

TEXT = {"block": "str", "group": "str"}  # names that may look like numbers


def read(path: Path) -> pd.DataFrame:
    """All cells of a run or variant."""
    return frames.read(path, dtype=TEXT)


def read_used(path: Path) -> pd.DataFrame:
    """The used cells of a run or variant, with `income_class` and `fold` as whole numbers."""
    samples = read(path)
    used = samples[samples["used"]].reset_index(drop=True)
    return used.astype({"income_class": int, "fold": int})
