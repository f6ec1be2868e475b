"""Imagery as users have it: tiles without an index, converted, beside other products."""

import geopandas as gpd
import pytest

from small_packs import N, W, archive, cells, found_in, noise, write_pack, write_tile
from urbancam.sources.ign.campaigns import CampaignChoice
from urbancam.sources.ign.packs import find_packs
from urbancam.sources.ign.tiles import find_tiles
from urbancam.workflow.errors import InputError

NAME = "75-2014-0650-6864-LA93-0M20-E080"


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "aerial_data").mkdir(parents=True)
    return tmp_path / "data"


def tile(folder, name, **options):
    """A tile over all cells, with pixels of 2 m unless said otherwise."""
    return write_tile(folder / name, noise(1, 200), W, N, **options)


def extent(data, east_m=400) -> list[float]:
    """West, south, east and north of the tiles that are found, m."""
    city_tiles = find_tiles(cells(east_m), data, data / "aerial_data", CampaignChoice(2.0))
    bounds = city_tiles.tiles.total_bounds
    return bounds.round(3).tolist()


ONE_TILE = [W, N - 400, W + 400, N]


@pytest.mark.parametrize("suffix", [".jp2", ".tif", ".tiff", ".TIF"])
def test_tile_without_an_index_lies_where_its_header_says(data, suffix):
    tile(data / "aerial_data" / "from a colleague", f"paris{suffix}")
    assert extent(data) == ONE_TILE


def test_tile_straight_in_the_drop_folder_tells_department_and_year_by_its_name(data):
    tile(data / "aerial_data", f"{NAME}.jp2")
    row = found_in(data, pixel_m=2.0).tiles.iloc[0]
    assert (row["department"], row["campaign_year"]) == ("75", 2014)
    assert row["path"] == f"aerial_data/{NAME}.jp2"


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_tile_without_a_place_in_its_header_lies_where_its_name_says(data):
    place = {"pixel_m": 1.0, "crs": None}
    write_tile(data / "aerial_data" / f"{NAME}.tif", noise(1, 2000), 0, 0, **place)
    path = data / "aerial_data" / f"{NAME}.tif"
    strip_place(path)
    assert extent(data) == ONE_TILE


def strip_place(path):
    """Write the tile again without any georeference."""
    from PIL import Image

    Image.fromarray(noise(1, 2000)).save(path)


def test_header_that_contradicts_the_name_is_told(data):
    write_tile(data / "aerial_data" / f"{NAME}.tif", noise(1, 200), W + 100, N)
    with pytest.raises(InputError, match=r"the tile lies at \(650100"):
        found_in(data, pixel_m=2.0)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_image_without_any_place_is_said_and_passed_over(data, caplog):
    caplog.set_level("INFO")
    tile(data / "aerial_data", f"{NAME}.jp2")
    strip_place(data / "aerial_data" / "screenshot.tif")
    (data / "aerial_data" / "broken.jp2").write_bytes(b"no image")
    assert len(found_in(data, pixel_m=2.0).tiles) == 1
    assert "screenshot.tif is not used: neither its header nor its name" in caplog.text
    assert "broken.jp2 is not used: it cannot be read" in caplog.text


def test_tiles_in_another_system_are_placed_by_it(data):
    corner = gpd.GeoSeries.from_xy([W - 300], [N + 300], crs="EPSG:2154").to_crs("EPSG:32631")
    place = (corner.x.iloc[0], corner.y.iloc[0])
    write_tile(data / "aerial_data" / "utm.tif", noise(1, 500), *place, crs="EPSG:32631")
    west, south, east, north = extent(data)
    assert west < W and east > W + 400 and south < N - 400 and north > N


def test_tile_that_was_turned_into_another_system_lies_where_its_header_says(data):
    corner = gpd.GeoSeries.from_xy([W], [N], crs="EPSG:2154").to_crs("EPSG:32631")
    place = (corner.x.iloc[0], corner.y.iloc[0])
    write_tile(data / "aerial_data" / f"{NAME}.tif", noise(1, 200), *place, crs="EPSG:32631")
    assert len(found_in(data, pixel_m=2.0).tiles) == 1


def test_tiles_that_an_index_names_and_that_were_converted_are_taken(data):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    path = next(pack.rglob("*.jp2"))
    write_tile(path.with_suffix(".tif"), noise(1), W, N)
    path.unlink()
    assert [name.rpartition(".")[2] for name in found_in(data).tiles["path"]] == ["tif"]
    assert extent(data) == ONE_TILE


def test_loose_tiles_do_not_stand_for_the_rest_of_their_pack(data, tmp_path):
    pack = write_pack(tmp_path, "075", 2014, [(W, N), (W + 400, N)])
    first = min(pack.rglob("*.jp2"))
    archive(pack, data / "aerial_data")
    first.rename(data / "aerial_data" / first.name)
    assert extent(data, 800) == [W, N - 400, W + 800, N]


def test_loose_tiles_of_coarser_pixels_are_not_used_unasked(data, caplog):
    caplog.set_level("INFO")
    write_tile(data / "aerial_data" / "coarse" / "a.tif", noise(1, 100), W, N, 4.0)
    assert find_tiles(cells(), data, data / "aerial_data", CampaignChoice(2.0)).tiles.empty
    assert "coarser than imagery.pixel_size_m 2.0 m and not used: coarse" in caplog.text
    coarser_too = CampaignChoice(2.0, coarser=True)
    assert len(find_tiles(cells(), data, data / "aerial_data", coarser_too).tiles) == 1


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("linked", ["aerial_data", "aerial_data/mine"])
def test_packs_on_another_disk_are_used_through_a_link(data, tmp_path, linked, packed):
    disk = tmp_path / "other disk"
    disk.mkdir()
    pack = write_pack(tmp_path if packed else disk, "075", 2014, [(W, N)])
    if packed:
        archive(pack, disk, volume_bytes=60_000)
    (data / "aerial_data").rmdir()
    (data / linked).parent.mkdir(exist_ok=True)
    (data / linked).symlink_to(disk)
    assert extent(data) == ONE_TILE


def test_infrared_tiles_and_images_of_single_cells_are_no_loose_tiles(data):
    infrared = "ORTHOHR_1-0_IRC-0M20_JP2-E080_LAMB93_D075_2014-01-01"
    for folder in (infrared, "OHR_IRC_0M20_JP2", "wms/LAYER"):
        tile(data / "aerial_data" / folder, "a.tif")
    assert find_packs(data / "aerial_data") == []


@pytest.mark.parametrize("name", ["BDORTHO_2-0_GRAPHE-MOSAIQUAGE_SHP_LAMB93_D075_2021-01-01", "x"])
def test_archive_of_another_product_beside_the_imagery_is_left_alone(data, tmp_path, name):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    other = tmp_path / name
    other.mkdir()
    (other / "graphe.shp").write_bytes(b"seam lines")
    archive(other, data / "aerial_data")
    city_tiles = found_in(data)
    assert len(city_tiles.tiles) == 1
    assert city_tiles.holdings.all_faults() == []
