"""The land-cover statistics of a run, with the names of the city's classes."""

import pandas as pd

from urbancam.explaining.landcover.city import LandCover
from urbancam.tables import cover_classes, grid
from urbancam.workflow.settings.settings import Settings


def statistics_of_run(
    activation: pd.DataFrame,
    predictions: pd.DataFrame,
    blocks: pd.Series,
    classes: pd.DataFrame,
    settings: Settings,
) -> LandCover:
    """The statistics of a run, or of the cells of one that were drawn.

    Args:
        activation: Rows of `activation.parquet`.
        predictions: Rows of `predictions.csv`.
        blocks: (cells,) block of each cell, indexed by idINSPIRE.
        classes: Rows of `classes.csv`.
        settings: Settings of the run.
    """
    return LandCover(
        activation,
        predictions,
        blocks,
        cover_classes.names(classes, settings.landcover.key),
        grid.side_m(blocks.index.to_series()) ** 2,
        settings.landcover,
        settings.statistics,
        settings.seed,
    )
