"""The cells of a run as columns that a page carries: numbers as bytes, a few dozen a cell.

The page's script (`templates/cells.js`) reads them back and draws the squares from their places on
the grid, so that 68,400 cells take some megabytes and no geometry.
"""

import base64
from typing import Any

import numpy as np
import pandas as pd

from urbancam.scoring.vocabulary import PROBABILITIES
from urbancam.tables import grid

NONE = 255  # of a column of categories: the cell has none
SHARE_UNIT = 1e4  # of land cover: parts of ten thousand of the cell


def pack_column(values: Any, kind: str) -> dict[str, str]:
    """A column as the page carries it.

    Args:
        values: (N,) numbers.
        kind: "u1", "u2", "u4" or "f4": unsigned or floating, and how many bytes.

    Returns:
        `kind`, and `data`: the numbers' bytes, little end first, in base64.
    """
    numbers = np.asarray(values).astype(f"<{kind}")
    return {"kind": kind, "data": base64.b64encode(numbers.tobytes()).decode()}


def pack_categories(values: pd.Series) -> tuple[dict[str, str], list[Any]]:
    """A column of categories as their numbers, NONE where there is none, and their names."""
    names = sorted(values.dropna().unique().tolist())
    if len(names) >= NONE:
        raise ValueError(f"{len(names)} categories of {values.name}: a page's column takes 254")
    number = {name: place for place, name in enumerate(names)}
    return pack_column(values.map(number).fillna(NONE), "u1"), names


def pack_cells(
    samples: pd.DataFrame,
    cells: pd.DataFrame,
    images: pd.DataFrame,
    predictions: pd.DataFrame,
    with_pictures: set[str],
) -> dict[str, Any]:
    """All cells of a city, each with what the page tells of it.

    Args:
        samples: `samples.csv`.
        cells: `idINSPIRE, ind, imputed`.
        images: `idINSPIRE, path, void_fraction, campaign_year`.
        predictions: `predictions.csv`.
        with_pictures: Ids of the cells of which small pictures lie beside the page.

    Returns:
        What JSON holds: `count, side_m, epsg, west, south` (m, of the grid's south-western corner),
        `columns` (name -> packed column), `names` (of the categories of a column).
    """
    predicted = predictions.drop(columns=["fold", "income_class", "block"], errors="ignore")
    rows = samples[["idINSPIRE", "reason", "income_class", "fold"]].merge(
        cells[["idINSPIRE", "ind", "imputed"]], how="left", on="idINSPIRE"
    )
    facts = images[["idINSPIRE", "path", "void_fraction", "campaign_year"]]
    rows = rows.merge(facts, how="left", on="idINSPIRE")
    rows = rows.merge(predicted, how="left", on="idINSPIRE")

    corners = grid.corners(rows["idINSPIRE"])
    side_m = grid.side_m(rows["idINSPIRE"])
    epsg = grid.crs_of(rows["idINSPIRE"]).removeprefix("EPSG:")
    west, south = corners.min(axis=0).tolist()
    columns = {
        "east": pack_column((corners[:, 0] - west) // side_m, "u2"),
        "north": pack_column((corners[:, 1] - south) // side_m, "u2"),
        "observed": pack_column(rows["income_class"].fillna(NONE), "u1"),
        "predicted": pack_column(rows["predicted_class"].fillna(NONE), "u1"),
        "imputed": pack_column(rows["imputed"].astype("float").fillna(NONE), "u1"),
        "picture": pack_column(rows["idINSPIRE"].isin(with_pictures), "u1"),
    }
    for name in ("target", "value", "p", "logit", "ind", "void_fraction", *PROBABILITIES):
        columns[name] = pack_column(rows[name].astype("float"), "f4")
    names = {}
    for name in ("fold", "campaign_year", "reason"):
        columns[name], names[name] = pack_categories(rows[name])
    return {
        "count": len(rows),
        "side_m": side_m,
        "epsg": int(epsg),
        "west": west,
        "south": south,
        "columns": columns,
        "names": names,
        "image": image_pattern(rows),
    }


def image_pattern(rows: pd.DataFrame) -> str:
    """Where the cells' whole images lie below the city's folder, with "{id}" for the cell.

    Args:
        rows: `idINSPIRE, path`; path empty where there is no image.

    Returns:
        The pattern of all paths; "" where there is no image, or where they have no common one.
    """
    there = rows[rows["path"].notna()]
    patterns = {
        path.replace(cell, "{id}")
        for cell, path in zip(there["idINSPIRE"], there["path"], strict=True)
    }
    return patterns.pop() if len(patterns) == 1 else ""


def pack_cover(ids: pd.Series, activation: pd.DataFrame, classes: pd.DataFrame) -> dict[str, Any]:
    """The land cover of each cell: its classes, their shares and what they contribute.

    Args:
        ids: (N,) ids of the cells, in the order of `pack_cells`.
        activation: `idINSPIRE, class, area_m2, contribution`, a row per fragment.
        classes: `class, name, colour`.

    Returns:
        `classes` (name and colour of each), `start` ((N + 1,) place of each cell's first row),
        `class`, `share` (of the cell, in parts of `share_unit`), `contribution` (logit units).
    """
    number = pd.Series(range(len(classes)), index=classes["class"])
    place = pd.Series(range(len(ids)), index=ids)
    summed = activation.groupby(["idINSPIRE", "class"], sort=False, observed=True)[
        ["area_m2", "contribution"]
    ].sum()
    rows = summed.reset_index()
    rows = rows[rows["idINSPIRE"].isin(place.index) & rows["class"].isin(number.index)]
    rows = rows.assign(place=rows["idINSPIRE"].map(place))
    rows = rows.sort_values(["place", "area_m2"], ascending=[True, False], kind="stable")
    sizes = np.bincount(rows["place"].astype("int64"), minlength=len(ids))
    cell_m2 = float(grid.sizes_m(ids.head(1))[0]) ** 2
    return {
        "classes": classes[["class", "name", "colour"]].to_dict("records"),
        "share_unit": SHARE_UNIT,
        "start": pack_column(np.concatenate([[0], np.cumsum(sizes)]), "u4"),
        "class": pack_column(rows["class"].map(number), "u1"),
        "share": pack_column((rows["area_m2"] / cell_m2 * SHARE_UNIT).round(), "u2"),
        "contribution": pack_column(rows["contribution"], "f4"),
    }
