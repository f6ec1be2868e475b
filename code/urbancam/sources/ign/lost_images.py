"""Images that are lost, and the tiles that must come again for them."""

from pathlib import Path

import geopandas as gpd

from urbancam.sources.ign.consumed_tiles import ConsumedTiles, Consumer
from urbancam.sources.imagery import cutting, image_table, overlay
from urbancam.tables import geoframes, grid
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.settings import Settings


def consumer(
    cells: gpd.GeoDataFrame, paths: Paths, settings: Settings, again: bool = False
) -> Consumer:
    """The city as its tiles are looked for: those of lost images no longer count as there.

    Args:
        cells: `idINSPIRE` and squares.
        paths: The city's paths.
        settings: Pixels a side of an image, and `imagery.throw_away`.
        again: Whether no tile counts as there that is not.
    """
    image_px = settings.image_px(grid.side_m(cells["idINSPIRE"]))
    throws_away = settings.imagery.throw_away
    consumed = ConsumedTiles.of(paths.aerial_data, Consumer(paths.city_folder))
    if again:
        needed_again = frozenset(consumed.facts)
    elif consumed.facts and paths.tiles.is_file():
        needed_again = _of_lost_images(cells, paths, image_px, consumed)
    else:
        needed_again = frozenset()
    return Consumer(paths.city_folder, needed_again, throws_away)


def _of_lost_images(
    cells: gpd.GeoDataFrame, paths: Paths, image_px: int, consumed: ConsumedTiles
) -> frozenset[Path]:
    """The tiles of cells whose image is not there, is damaged, or would be another one now."""
    tiles = geoframes.read(paths.tiles)
    to_cut = cutting.cells_to_cut(
        overlay.cells_with_tiles(cells, tiles, paths.data),
        paths.images,
        image_px,
        consumed.signatures(),
        image_table.void_fingerprints(paths.images_table),
    )
    return frozenset(tile.path for cell in to_cut for tile in cell.tiles)
