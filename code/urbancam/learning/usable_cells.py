"""Which cells of a city a network can learn from, and why the others cannot."""

import numpy as np
import pandas as pd

from urbancam.workflow.errors import InputError

COLUMNS = ["idINSPIRE", "value", "ind", "group", "used", "reason", "campaign_year"]


def choose(
    cells: pd.DataFrame,
    images: pd.DataFrame,
    max_void_fraction: float,
    people_have_values: bool = True,
) -> pd.DataFrame:
    """Which cells can be used, and why the others cannot.

    Args:
        cells: `idINSPIRE, value, ind, group`, one row per cell of the city; without a value
            where it is not known.
        images: `idINSPIRE, path, void_fraction, campaign_year`, and `reason` why there is no image.
        max_void_fraction: Share of an image that may be void, 0..1.
        people_have_values: Whether a value must be known wherever people live, as INSEE's are; of a
            file of the user's, cells without one are there to be predicted.

    Returns:
        `idINSPIRE, value, ind, group, used, reason, campaign_year`, sorted by id.

    Raises:
        InputError: The value of a cell is infinite or lacking, or no cell is usable.
    """
    # A table of an older version does not say why.
    columns = ["idINSPIRE", "path", "void_fraction", "reason", "campaign_year"]
    images = images.reindex(columns=columns)
    table = cells[["idINSPIRE", "value", "ind", "group"]].merge(
        images.rename(columns={"reason": "image_reason"}),
        on="idINSPIRE",
        how="left",
        validate="1:1",
    )
    table = table.sort_values("idINSPIRE", ignore_index=True)
    has_value = np.isfinite(table["value"].astype("float64"))
    _refuse_lacking_values(table[~has_value], people_have_values)

    # Where several reasons hold, the last one is told.
    reason = pd.Series("", index=table.index)
    void = table["void_fraction"] > max_void_fraction
    reason[void] = f"more than {max_void_fraction:.3g} of the image is void"
    reason[table["path"].isna()] = _no_image(table)
    reason[~has_value] = "no value"
    table["used"] = reason == ""
    table["reason"] = reason
    if not table["used"].any():
        raise InputError(
            f"none of {len(table):,} cells is usable: {reason.value_counts().to_dict()}",
            "images.csv",
            "see what 04 and 05 say about imagery",
        )
    return table[COLUMNS]


def _no_image(table: pd.DataFrame) -> pd.Series:
    """What is told of cells without an image: why, where `image_reason` says it."""
    told = ": " + table["image_reason"].astype("str")
    return "no image" + told.fillna("")


def _refuse_lacking_values(cells: pd.DataFrame, people_have_values: bool) -> None:
    """Raise if the value of a cell is infinite, or is not known where it must be.

    Args:
        cells: `idINSPIRE, value, ind` of cells without a finite value.
        people_have_values: Whether a value must be known wherever people live.
    """
    lacks_value = cells["value"].notna()
    if people_have_values:
        lacks_value |= cells["ind"] != 0
    ids = cells.loc[lacks_value, "idINSPIRE"]
    if len(ids):
        raise InputError(
            f"{len(ids):,} cells have no finite value, the first {ids.iloc[0]}",
            "cells.parquet, value",
            "select the cells again: 03_select_cells --force",
        )
