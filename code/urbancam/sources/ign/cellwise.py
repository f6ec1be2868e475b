"""A city's imagery cell by cell from the WMS: of all cells, or where a pack would serve few."""

import logging
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download.answers import Patience
from urbancam.sources.ign.tiles import CityTiles, joined
from urbancam.sources.imagery.coverage import WHOLE_SHARE, covered_share
from urbancam.sources.wms import of_cells
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.city_facts import Imagery

log = logging.getLogger(__name__)


def with_images(
    city_tiles: CityTiles,
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[CityTiles, list[InputError]]:
    """The tiles, and one image of each of these cells.

    Args:
        city_tiles: The tiles of other cells.
        cells: `idINSPIRE, department` and squares of the cells to have an image.
        imagery: The settings; `fetch` false takes the images in place.
        data: The data folder.
        folder: The drop folder below it.
        patience: How long to bear with the server.

    Returns:
        Tiles and images, and what could not be fetched.
    """
    images, errors = of_cells.images_of(cells, imagery, data, folder, patience)
    has_file = images["path"].notna()
    tiles = joined(city_tiles.tiles, images[has_file])
    return CityTiles(tiles, city_tiles.holdings, images[~has_file]), errors


def few_departments(cells: gpd.GeoDataFrame, below: int) -> set[str]:
    """Departments that hold fewer cells of the city than so many, so that a pack is too much.

    ASSUME: the mosaic's campaigns differ from the packs', which a handful of cells may bear.

    Args:
        cells: `department`.
        below: `imagery.wms_departments_below`, 0 for none.
    """
    counts = cells["department"].value_counts()
    return set(counts.index[counts < below])


def complete(
    city_tiles: CityTiles,
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[CityTiles, list[InputError]]:
    """As `with_images`, of those cells that lack imagery in departments of few cells."""
    lacking = lacking_of_few(cells, city_tiles.tiles, imagery)
    if lacking.empty:
        return city_tiles, []
    log.info(
        "takes %d cells of %s through the WMS, not whole packs: its campaigns may differ",
        len(lacking),
        ", ".join(sorted(set(lacking["department"]))),
    )
    return with_images(city_tiles, lacking, imagery, data, folder, patience)


def lacking_of_few(
    cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame, imagery: Imagery
) -> gpd.GeoDataFrame:
    """The cells of departments of few cells that some tiles do not cover wholly."""
    few = few_departments(cells, imagery.wms_departments_below)
    is_lacking = covered_share(cells, tiles) < WHOLE_SHARE
    return cells[is_lacking & cells["department"].isin(few)]
