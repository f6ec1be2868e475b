"""Made cells to choose from and to divide."""

import numpy as np
import pandas as pd

from urbancam.tables import grid


def make_cells(side: int = 20, seed: int = 0) -> pd.DataFrame:
    """A square of cells at a 400 m corner; a fifth lies in imputation groups of up to 3 cells."""
    number = np.arange(side**2)
    north, east = np.divmod(number, side)
    grouped = np.random.default_rng(seed).random(side**2) < 0.2
    groups = np.where(grouped, number // 3, np.nan)
    columns = {
        "idINSPIRE": [
            grid.cell_id(3_600_000 + 200 * x, 2_800_000 + 200 * y, 200)
            for x, y in zip(east, north, strict=True)
        ],
        "income_class": number % 5,
        "used": True,
        "reason": "",
        "group": pd.Series(groups, dtype="Int64"),
    }
    return pd.DataFrame(columns)


def with_some_without_income() -> tuple[pd.DataFrame, pd.DataFrame]:
    """400 cells, every seventh without people and income, and their images."""
    cells = make_cells()[["idINSPIRE", "group"]]
    cells = cells.assign(value=10_000.0 + np.arange(400), ind=5.0)
    cells.loc[::7, ["value", "ind", "group"]] = [np.nan, 0.0, None]
    images = cells[["idINSPIRE"]].assign(path="a.png", void_fraction=0.0)
    return cells, images
