"""Images that are lost, and the tiles that must come again for them."""

from pathlib import Path

import geopandas as gpd

from urbancam.sources.ign.consumed_tiles import ConsumedTiles, Consumer
from urbancam.sources.imagery import cutting, image_table, overlay
from urbancam.tables import geoframes
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import Settings


def consumer(cells: gpd.GeoDataFrame, paths: Paths, settings: Settings) -> Consumer:
    """The city as its tiles are looked for: those of lost images no longer count as there.

    Args:
        cells: `idINSPIRE` and squares.
        paths: Of the city.
        settings: Pixels a side of an image, and `imagery.throw_away`.
    """
    needed_again = _needed_again(cells, paths, settings.image_px)
    return Consumer(paths.city_folder, needed_again, settings.imagery.throw_away)


def _needed_again(cells: gpd.GeoDataFrame, paths: Paths, image_px: int) -> frozenset[Path]:
    """The tiles of cells whose image is not there, is damaged, or would be another one now."""
    consumed = ConsumedTiles.of(paths.aerial_data, Consumer(paths.city_folder))
    if not consumed.paths or not paths.tiles.is_file():
        return frozenset()
    tiles = geoframes.read(paths.tiles)
    to_cut = cutting.cells_to_cut(
        overlay.cells_with_tiles(cells, tiles, paths.data),
        paths.images,
        image_px,
        consumed.signatures(),
        image_table.void_fingerprints(paths.images_table),
    )
    return frozenset(tile.path for cell in to_cut for tile in cell.tiles)
