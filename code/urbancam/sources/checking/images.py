"""What is found of a city's images: where they are to come from, and which cells they cover."""

import geopandas as gpd
import numpy as np

from urbancam.sources.checking.findings import Findings
from urbancam.sources.ign.campaigns import CampaignChoice
from urbancam.sources.ign.consumed_tiles import Consumer
from urbancam.sources.ign.survey import survey
from urbancam.sources.ign.tile_index import in_one_table
from urbancam.sources.imagery import coverage, overlay, rasters
from urbancam.sources.imagery.tile import TileFile
from urbancam.sources.wms import of_cells
from urbancam.tables import geoframes
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.city_facts import Imagery

ANYWHERE = "EPSG:4326"  # where there are no cells yet
Found = tuple[gpd.GeoDataFrame | None, np.ndarray | None]  # tiles, share of each cell they cover


def find_images(
    cells: gpd.GeoDataFrame | None, imagery: Imagery, paths: Paths
) -> tuple[Findings, Found]:
    """What there is for the cells.

    Args:
        cells: `idINSPIRE, department` and squares; None where there are none yet.
        imagery: The settings.
        paths: The city's paths.

    Returns:
        What is found; the tiles (with `path` where their files are in place) and the share of
        each cell that they cover, None where that is only known later.
    """
    findings = Findings("images")
    ways = {"rasters": _rasters, "wms": _of_wms, "archives": _archives}
    found: Found = (None, None)
    with findings.noting_faults():
        if cells is None and imagery.source == "rasters":
            _scan(findings, imagery, ANYWHERE)
        elif cells is None:
            findings.lines.append("are looked at once there are cells")
        else:
            found = ways[imagery.source](findings, cells, imagery, paths)
    _, share = found
    if share is not None:
        findings.lines.append(f"cover {coverage.in_words(share)}")
    return findings, found


def _rasters(findings: Findings, cells: gpd.GeoDataFrame, imagery: Imagery, paths: Paths) -> Found:
    """Those that the settings name; arguments and result as of `find_images`."""
    usable = _scan(findings, imagery, cells.crs.to_string())
    if not usable:
        return None, None
    tiles = rasters.tile_table(usable, cells, paths.data)
    return tiles, rasters.check_coverage(cells, tiles)


def _scan(findings: Findings, imagery: Imagery, crs: str) -> list[rasters.Raster]:
    """The rasters that can be used, in the cells' coordinate system; all of them are told of."""
    usable, faults = rasters.scan(imagery, crs)
    findings.faults += faults
    findings.lines += rasters.describe(usable)
    return usable


def _of_wms(findings: Findings, cells: gpd.GeoDataFrame, imagery: Imagery, paths: Paths) -> Found:
    """Those of a server, which is asked for one small image; as `_rasters`."""
    images, words = of_cells.in_place(cells, imagery, paths.data, paths.aerial_data)
    findings.lines += words
    with findings.noting_faults():
        if imagery.fetch and images["path"].isna().any():
            of_cells.try_server(cells, imagery, paths.aerial_data)
            findings.lines.append("the server answers with an image as it is asked for")
    return overlay.with_file(images), None


def _archives(findings: Findings, cells: gpd.GeoDataFrame, imagery: Imagery, paths: Paths) -> Found:
    """IGN's packs in place; as `_rasters`."""
    if paths.tiles.is_file():
        tiles = overlay.with_file(geoframes.read(paths.tiles))
        findings.lines.append(f"{len(tiles):,} tiles, as step 04 left them")
        return tiles, coverage.covered_share(cells, tiles)
    consumer = Consumer(paths.city_folder)
    holdings = survey(cells, paths.aerial_data, CampaignChoice.from_settings(imagery), consumer)
    tiles = in_one_table(holdings.obtainable())
    if tiles.empty and not imagery.fetch:
        what = "no pack of the cells' departments is in place, and none may be fetched"
        do = "put packs of IGN there, or leave imagery.fetch true"
        raise InputError(what, "data/aerial_data/", do)
    if tiles.empty:
        findings.lines.append(
            "none in place yet: step 04 fetches IGN's packs, of which ./run.sh <city> --expect "
            "says more"
        )
        return None, None
    findings.lines.append(f"{len(tiles):,} tiles of {tiles['pack'].nunique()} packs of IGN")
    return tiles, coverage.covered_share(cells, tiles)


def files_of(tiles: gpd.GeoDataFrame | None, paths: Paths) -> list[TileFile]:
    """The files in place of some tiles, those of the best preference first."""
    if tiles is None or "path" not in tiles:
        return []
    if "preference" in tiles:
        tiles = tiles.sort_values("preference", kind="stable")
    return [file for file in overlay.tile_files(tiles, paths.data) if file.path.is_file()]
