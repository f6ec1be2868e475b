"""From packs in place to the table of the tiles that a city needs, and what that covers."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd

from urbancam.sources.ign import consumed_tiles
from urbancam.sources.ign.campaigns import CampaignChoice, CampaignKey
from urbancam.sources.ign.consumed_tiles import Consumer
from urbancam.sources.ign.holdings import Holdings, PackFault, unpack
from urbancam.sources.ign.survey import survey
from urbancam.sources.ign.tile_index import LAMBERT_93, in_one_table
from urbancam.sources.imagery.signatures import signature
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

COLUMNS = [
    "name",
    "path",
    "department",
    "campaign_year",
    "pack",
    "preference",
    "size_bytes",
    "signature",
    "geometry",
]


@dataclass
class CityTiles:
    """The tiles a city needs.

    Args:
        tiles: `COLUMNS`, one row per file in place; paths relative to the data folder. Images of
            single cells have the columns of `cell_images` too.
        holdings: What the packs in place give; nothing where no packs are used.
        lacking: Rows of `cell_images` of cells that the WMS gives no image of.
    """

    tiles: gpd.GeoDataFrame
    holdings: Holdings = field(default_factory=Holdings)
    lacking: gpd.GeoDataFrame | None = None

    def table(self) -> gpd.GeoDataFrame:
        """The rows of `tiles.parquet`: the files, then the images that are lacking."""
        return self.tiles if self.lacking is None else joined(self.tiles, self.lacking)


def find_tiles(
    cells: gpd.GeoDataFrame,
    data: Path,
    folder: Path,
    choice: CampaignChoice = CampaignChoice(),
    consumer: Consumer | None = None,
    damaged: Collection[PackFault] = (),
) -> CityTiles:
    """The tiles of the cells, out of what is in place; archives are unpacked as far as needed.

    Args:
        cells: `idINSPIRE, department` and squares.
        data: The data folder.
        folder: The drop folder below it.
        choice: Which campaigns are taken, and before which others.
        consumer: As for `survey`.
        damaged: As for `survey`.
    """
    damaged = list(damaged)
    holdings = survey(cells, folder, choice, consumer, damaged)
    # Beside an archive that proves damaged only now, another campaign may be whole.
    while failed := unpack(holdings, cells, folder):
        damaged += failed
        holdings = survey(cells, folder, choice, consumer, damaged)
    for holding in holdings.holdings:
        count = len(holding.tiles) - len(holding.absent)
        log.info(
            "%s: %d of %d tiles needed are there", holding.pack.name, count, len(holding.tiles)
        )
    tiles = _table(holdings, data, choice)
    there = zip((data / path for path in tiles["path"]), tiles["signature"], strict=True)
    present = [(path, tile_signature) for path, tile_signature in there if path.is_file()]
    consumed_tiles.give_time_back(present, holdings.whole_archives, folder)
    return CityTiles(tiles, holdings)


def no_tiles() -> CityTiles:
    """A city without any tile."""
    empty_columns = {column: [] for column in COLUMNS[:-1]}
    return CityTiles(gpd.GeoDataFrame(empty_columns, geometry=[], crs=LAMBERT_93))


def joined(first: gpd.GeoDataFrame, second: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows of both in the CRS of the first; columns that only one has are empty elsewhere."""
    if first.empty or second.empty:
        return (second if first.empty else first).reset_index(drop=True)
    rows = pd.concat([first, second.to_crs(first.crs)], ignore_index=True)
    columns = [*rows.columns.drop("geometry"), "geometry"]
    return gpd.GeoDataFrame(rows[columns], crs=first.crs)


def _table(holdings: Holdings, data: Path, choice: CampaignChoice) -> gpd.GeoDataFrame:
    """The usable tiles of all packs as rows of `COLUMNS`."""
    tables = [holding.tiles[holding.tiles["file"].notna()] for holding in holdings.holdings]
    tiles = in_one_table(tables)
    if tiles.empty:
        return no_tiles().tiles
    # A file may stand in the indices of two packs.
    tiles = tiles.drop_duplicates("file").sort_values(["pack", "name"], ignore_index=True)
    paths = list(tiles["file"])
    campaigns = zip(tiles["department"], tiles["campaign_year"], tiles["pixel_m"], strict=True)
    tiles["preference"] = choice.places([CampaignKey.known(*facts) for facts in campaigns])
    tiles["path"] = [path.relative_to(data).as_posix() for path in paths]
    # A signature tells a tile replaced by another of its size.
    facts = [holdings.consumed.facts_of(path) or _facts_of(path) for path in paths]
    tiles["size_bytes"] = [size_bytes for size_bytes, _ in facts]
    tiles["signature"] = [tile_signature for _, tile_signature in facts]
    return tiles[COLUMNS]


def _facts_of(path: Path) -> tuple[int, str]:
    """Size, bytes, and signature of a file.

    Raises:
        InputError: It is gone since it was listed.
    """
    try:
        return path.stat().st_size, signature(path)
    except FileNotFoundError:
        what = "the tile is gone; another process may have thrown it away"
        raise InputError(what, display_path(path), "run the step again to fetch it") from None
