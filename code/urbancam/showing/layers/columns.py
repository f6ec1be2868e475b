"""The layers of a run for other programs: its cells and its fragments, with what is known of each.

Names and units are those of the run's tables (results/README.md).
"""

import geopandas as gpd
import numpy as np
import pandas as pd

from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES
from urbancam.tables import grid

PREDICTED = ["logit", "p", *PROBABILITIES, "predicted_class"]
OF_IMAGES = ["void_fraction", "campaign_year", "years_from_income", "years_from_land_cover"]
OF_CELLS = ["ind", "value", "imputed", "geometry"]
OF_OWN_CELLS = ["source_id"]  # of a user's own file
OF_MAPS = ["pixel_count", "poor_share", "rich_share", "contribution"]
WHOLE_NUMBERS = ["fold", "income_class", "predicted_class", OF_IMAGES[1]]


def cell_layer(
    cells: gpd.GeoDataFrame,
    images: pd.DataFrame,
    samples: pd.DataFrame,
    predictions: pd.DataFrame,
    without_income: pd.DataFrame,
    activation: pd.DataFrame,
    cell_activation: pd.DataFrame,
    key: str,
) -> gpd.GeoDataFrame:
    """The layer `cells`: a row for each cell of the city, in the order of the samples.

    Args:
        cells: `idINSPIRE` and `OF_CELLS`, squares.
        images: `idINSPIRE` and `OF_IMAGES`.
        samples: `idINSPIRE, used, reason, income_class, block, fold`.
        predictions: `idINSPIRE` and `PREDICTED` of used cells, each by the one model that never saw
            the cell.
        without_income: The same of cells without income, by all models together.
        activation: `idINSPIRE, contribution` and the column `key`, a row for each fragment.
        cell_activation: `idINSPIRE, bias, uncovered_contribution` of the used cells.
        key: Column of the land cover, "class" or "code".

    Returns:
        Also `residual` (observed less expected class, `income_class` - 4 p), and
        `contribution_<class>` for each class of the city: 0 where the cell has none of it. With
        `contribution_uncovered` and `bias` they add up to `logit`.
    """
    predicted = pd.concat([predictions, without_income])[["idINSPIRE", *PREDICTED]]
    contributions = contribution_by_class(activation, key)
    maps = cell_activation.rename(columns={"uncovered_contribution": "contribution_uncovered"})
    maps = maps[["idINSPIRE", "bias", "contribution_uncovered"]]
    layer = samples[["idINSPIRE", "used", "reason", "income_class", "block", "fold"]]
    of_cells = [name for name in (*OF_CELLS, *OF_OWN_CELLS) if name in cells]
    for table in (cells[["idINSPIRE", *of_cells]], images[["idINSPIRE", *OF_IMAGES]], predicted):
        layer = layer.merge(table, "left", on="idINSPIRE", validate="one_to_one")
    expected = (len(INCOME_CLASSES) - 1) * layer["p"]
    layer["residual"] = layer["income_class"] - expected
    layer = layer.merge(maps, "left", on="idINSPIRE", validate="one_to_one")
    layer = layer.join(contributions, on="idINSPIRE")
    mapped = layer["bias"].notna()
    layer.loc[mapped, contributions.columns] = layer.loc[mapped, contributions.columns].fillna(0)
    layer = layer.astype(dict.fromkeys(WHOLE_NUMBERS, "Int64"))
    return gpd.GeoDataFrame(layer, geometry="geometry", crs=cells.crs)


def contribution_by_class(activation: pd.DataFrame, key: str) -> pd.DataFrame:
    """Sum of the contributions of each cell's fragments, logit units: a row for each cell, a column
    `contribution_<class>` for each class of the city."""
    table = activation.pivot_table("contribution", "idINSPIRE", key, aggfunc="sum")
    return table.add_prefix("contribution_").rename_axis(columns=None)


def fragment_layer(fragments: gpd.GeoDataFrame, activation: pd.DataFrame) -> gpd.GeoDataFrame:
    """The layer `fragments`: a row for each fragment of a mapped cell.

    Args:
        fragments: `fragment_id, idINSPIRE, polygon_id, code, class, area_m2, geometry`.
        activation: `fragment_id` and `OF_MAPS`.

    Returns:
        Also `contribution_density`: the contribution of a whole cell of the same, logit units,
        which compares fragments of unequal size.
    """
    layer = fragments.merge(activation[["fragment_id", *OF_MAPS]], on="fragment_id")
    cell_area_m2 = grid.sizes_m(layer["idINSPIRE"]).astype(float) ** 2
    area_m2 = layer["area_m2"].where(layer["area_m2"] > 0, np.nan)
    return layer.assign(contribution_density=layer["contribution"] / area_m2 * cell_area_m2)
