"""Which tiles a cell has, and which of them wins."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from aerial_tiles import NORTH, WEST, cut, square, tile_file, tile_table
from small_packs import cells_over
from urbancam.sources.imagery.overlay import cells_with_tiles


def test_newest_wins_then_name_and_fill_gives_way(tmp_path):
    grey = np.full((320, 320, 3), 100, np.uint8)
    half_filled = np.full((320, 320, 3), 200, np.uint8)
    half_filled[:, :160] = 0
    old = tile_file(tmp_path / "old.tif", grey, year=2014)
    new = tile_file(tmp_path / "new.tif", half_filled, year=2017)
    cells = cells_over(WEST, NORTH - 320, WEST + 320, NORTH).iloc[:1]
    ordered = cells_with_tiles(cells, tile_table([old, new]), tmp_path)[0].tiles
    assert [tile.name for tile in ordered] == ["new.tif", "old.tif"]
    got = cut(square(WEST + 160, NORTH - 160), new, old)
    assert set(np.unique(got.pixels)) == {100, 200} and got.void_fraction == 0
    assert (got.tiles, got.campaign_year) == (("new.tif", "old.tif"), 2014)


def of_campaigns(cell, *rows):
    """A tile table of EPSG:3035: (name, year, preference, share of the cell from its west)."""
    west, south, east, north = cell.total_bounds
    names, years, preferences, shares = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {"name": names, "path": names, "campaign_year": years, "preference": preferences},
        geometry=[shapely.box(west, south, west + (east - west) * x, north) for x in shares],
        crs="EPSG:3035",
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("coarse", 2018, 1, 1), ("fine", 2014, 0, 1)], ["fine", "coarse"]),
        ([("half", 2018, 0, 0.5), ("whole", 2014, 1, 1)], ["whole", "half"]),
        ([("new", 2018, 0, 0.6), ("old", 2014, 1, 0.9)], ["new", "old"]),
        ([("b", 2018, 0, 1), ("a", 2018, 0, 1), ("old", 2014, 0, 1)], ["a", "b", "old"]),
    ],
)
def test_campaign_that_covers_the_cell_wins_then_the_preferred_one(tmp_path, rows, expected):
    cell = cells_over(WEST, NORTH - 400, WEST + 400, NORTH).to_crs("EPSG:3035").iloc[:1]
    for table in (of_campaigns(cell, *rows), of_campaigns(cell, *rows[::-1])):
        (got,) = cells_with_tiles(cell, table, tmp_path)
        assert [tile.name for tile in got.tiles] == expected


def test_tile_that_only_touches_a_cell_is_not_its_tile(tmp_path):
    cells = cells_over(WEST, NORTH - 400, WEST + 400, NORTH).to_crs("EPSG:3035").iloc[:1]
    west, south, east, north = cells.total_bounds
    beside = gpd.GeoDataFrame(
        {"name": ["a"], "path": ["a"], "campaign_year": [2014]},
        geometry=[shapely.box(east, south, east + 9, north)],
        crs="EPSG:3035",
    )
    assert cells_with_tiles(cells, beside, tmp_path)[0].tiles == ()


def of_cells(cells):
    """Rows of the tile table: an image of each cell with a margin, as a WMS gives them."""
    footprints = cells.geometry.buffer(9, cap_style="square", join_style="mitre")
    names = cells["idINSPIRE"] + ".tif"
    columns = {"name": names, "path": names, "campaign_year": None, "reason": None}
    ids = cells["idINSPIRE"]
    return gpd.GeoDataFrame(columns | {"idINSPIRE": ids}, geometry=footprints, crs=cells.crs)


def test_image_of_a_cell_is_no_tile_of_its_neighbours(tmp_path):
    cells = cells_over(WEST, NORTH - 400, WEST + 400, NORTH)
    images = of_cells(cells)
    images.loc[0, ["path", "reason"]] = [None, "the server answers 500"]
    first, *others = cells_with_tiles(cells, images, tmp_path)
    assert (first.tiles, first.reason) == ((), "the server answers 500")
    for cell in others:
        assert [tile.name for tile in cell.tiles] == [f"{cell.id}.tif"]
        assert cell.tiles[0].is_cell_image


def test_square_of_another_grid_is_put_together_from_images_of_cells(tmp_path):
    cells = cells_over(WEST, NORTH - 400, WEST + 400, NORTH)
    west, south, _, _ = cells.geometry.iloc[0].bounds
    name = f"CRS3035RES400mN{south:.0f}E{west:.0f}"
    site = gpd.GeoDataFrame(
        {"idINSPIRE": [name]}, geometry=[shapely.box(west, south, west + 400, south + 400)]
    )
    (got,) = cells_with_tiles(site.set_crs(cells.crs), of_cells(cells), tmp_path)
    assert len(got.tiles) == cells.intersects(site.geometry.iloc[0].buffer(-1)).sum()
