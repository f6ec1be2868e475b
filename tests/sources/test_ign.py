"""Packs in place: names, archives, the tile index and what it may hold, coverage."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from small_packs import N, W, archive, cells, cells_over, found_in, write_pack
from urbancam.sources.ign import collect, pack_names
from urbancam.sources.imagery.coverage import covered_share
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.workflow.errors import InputError


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "aerial_data").mkdir(parents=True)
    return tmp_path / "data"


# names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ORTHOHR_1-0_RVB-0M20_JP2-E080_LAMB93_D075_2014-01-01", ("75", 2014, "RVB", "0M20")),
        (
            "BDORTHO_2-0_IRC-0M20_JP2-E080_LAMB93_D02A_2021-01-01.7z.001",
            ("2A", 2021, "IRC", "0M20"),
        ),
        ("BDORTHO_2-0_RVB-0M15_JP2-E080_RGR92UTM40S_D974_2022-01-01", ("974", 2022, "RVB", "0M15")),
        ("OHR_RVB_0M20_JP2-E080_LAMB93_D75-2014", ("75", 2014, "RVB", "0M20")),
    ],
)
def test_pack_names_are_read(text, expected):
    name = pack_names.parse_name(text)
    assert (name.department, name.year, name.bands, name.pixel) == expected


@pytest.mark.parametrize(
    "text", ["", "GRAPHE-MOSAIQUAGE_1-0_SHP_D075", "BDTOPO_3-0_SHP_LAMB93_D075_2021-01-01"]
)
def test_other_names_are_no_packs(text):
    assert pack_names.parse_name(text) is None


@pytest.mark.slow
@given(st.text(max_size=80))
def test_any_text_may_be_a_name(text):
    pack_names.parse_name(text)
    name = pack_names.tile_name(text)
    assert "/" not in name
    assert "\\" not in name


@pytest.mark.parametrize(
    "nom", ["./a.jp2", "a.jp2", ".\\a.jp2", "D:\\x\\a.jp2", "../../a.jp2", " a.jp2 "]
)
def test_nom_may_begin_with_anything(nom):
    assert pack_names.tile_name(nom) == "a.jp2"


# packs in place


@pytest.mark.parametrize("prefix", ["./", ""])
@pytest.mark.parametrize("inner", ["ORTHOHR", "BDORTHO"])
@pytest.mark.parametrize("above", ["", "x", "x/y/z"])
def test_any_number_of_folders_above(data, prefix, inner, above):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)], prefix=prefix, inner=inner, above=above)
    tiles = found_in(data).tiles
    row = tiles.iloc[0]
    path = data / row["path"]
    assert len(tiles) == 1
    assert (row["department"], row["campaign_year"]) == ("75", 2014)
    assert path.is_file()
    assert path.stat().st_size == row["size_bytes"]


def test_pack_straight_in_the_drop_folder_without_a_telling_name(data):
    folder = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    folder.rename(data / "aerial_data" / "my imagery")
    row = found_in(data).tiles.iloc[0]
    assert (row["department"], row["campaign_year"]) == ("75", 2014)  # from the tile's own name


def test_only_the_needed_tiles_of_a_multi_volume_archive_are_unpacked(data, tmp_path):
    pack = write_pack(tmp_path, "075", 2014, [(W, N), (W + 400, N), (W, N + 400)])
    archive(pack, data / "aerial_data", volume_bytes=100_000)
    assert list(found_in(data).tiles["name"]) == ["75-2014-6500-68640-LA93-0M20-E080.jp2"]
    assert len(list(data.rglob("*.jp2"))) == 1


def test_tile_replaced_by_another_of_its_size_is_noticed(data):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    before = found_in(data).tiles
    tile = data / before["path"].iloc[0]
    content = bytearray(tile.read_bytes())
    content[-100] ^= 1  # within the code stream: still an image
    tile.write_bytes(content)
    after = found_in(data).tiles
    assert len(after) == 1
    assert list(after["size_bytes"]) == list(before["size_bytes"])
    assert list(after["signature"]) != list(before["signature"])


def test_unpacked_tiles_outlive_their_archive_and_a_truncated_one_is_unpacked_again(data, tmp_path):
    pack = write_pack(tmp_path, "075", 2014, [(W, N)])
    volumes = archive(pack, data / "aerial_data", volume_bytes=60_000)
    tile = data / found_in(data).tiles["path"].iloc[0]
    whole = tile.read_bytes()
    tile.write_bytes(whole[:1000])
    found_in(data)
    assert tile.read_bytes() == whole
    for volume in volumes:
        volume.unlink()
    assert len(found_in(data).tiles) == 1
    tile.write_bytes(whole[:1000])
    with pytest.raises(InputError, match="0M20"):
        found_in(data)


def test_missing_volume_is_named_and_the_archive_is_not_there_yet(data, tmp_path, caplog):
    caplog.set_level("INFO")
    pack = write_pack(tmp_path, "075", 2014, [(W, N)])
    volumes = archive(pack, data / "aerial_data", volume_bytes=30_000)
    volumes[1].unlink()
    assert found_in(data).tiles.empty
    assert "7z.002" in caplog.text


def test_tile_named_by_the_index_and_not_there_is_told(data):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N), (W + 400, N)])
    absent_tile = next(pack.rglob("*6504*.jp2"))
    absent_tile.unlink()
    city_tiles = found_in(data, cells(800))
    assert city_tiles.holdings.absent == {pack.name: [absent_tile.name]}
    assert len(city_tiles.tiles) == 1


def test_both_packs_of_a_border_are_kept_and_the_newest_comes_first(data):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    write_pack(data / "aerial_data", "092", 2015, [(W, N)])
    first_of_92 = cells(department="92").iloc[:1]
    border_cells = pd.concat([cells(), first_of_92]).drop_duplicates("idINSPIRE", keep="last")
    tiles = found_in(data, border_cells).tiles
    assert sorted(tiles["department"]) == ["75", "92"]
    first_cell = cells_with_tiles(border_cells, tiles, data)[0]
    assert [tile.campaign_year for tile in first_cell.tiles] == [2015, 2014]


@pytest.mark.parametrize(("year", "expected"), [(None, 2017), (2014, 2014)])
def test_newest_campaign_or_the_one_asked_for(data, year, expected):
    for campaign in (2014, 2017):
        write_pack(data / "aerial_data", "075", campaign, [(W, N)])
    assert list(found_in(data, year=year).tiles["campaign_year"]) == [expected]


def test_infrared_and_other_departments_are_left_out(data):
    infrared = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    infrared.rename(infrared.with_name(infrared.name.replace("RVB", "IRC")))
    write_pack(data / "aerial_data", "013", 2014, [(W, N)])
    assert found_in(data).tiles.empty


def write_index(data, frame):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    path = next(pack.rglob("dalles.shp"))
    frame.to_file(path)
    return path


def footprints(columns, count=1, crs="EPSG:2154", west=W):
    square = shapely.box(west, N - 400, west + 400, N)
    return gpd.GeoDataFrame(columns, geometry=[square] * count, crs=crs)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (footprints({"FICHIER": ["a.jp2"]}), "FICHIER"),
        (footprints({"NOM": ["./a.jp2", "a.jp2"]}, 2), "more than once"),
        (
            footprints({"NOM": ["75-2014-6500-68640-LA93-0M20-E080.jp2"]}, west=W + 100),
            r"650100\.0",
        ),
        (footprints({"NOM": ["a.jp2"]}, crs="EPSG:4326"), "WGS 84"),
    ],
)
def test_index_that_cannot_be_right_is_refused(data, frame, message):
    write_index(data, frame)
    with pytest.raises(InputError, match=message):
        found_in(data, cells(900))


def test_damaged_index_is_refused(data):
    path = write_index(data, footprints({"NOM": ["a.jp2"]}))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match="tile index"):
        found_in(data)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x00\x00\x00\x0cjP  \r\n\x87\n"])
def test_tile_that_is_no_image_is_refused(data, content):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    tile = next(pack.rglob("*.jp2"))
    tile.write_bytes(content)
    with pytest.raises(InputError, match=tile.name):
        found_in(data)


def test_index_without_a_coordinate_system_is_lambert_93(data):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    next(pack.rglob("dalles.prj")).unlink()
    assert found_in(data).tiles.crs == "EPSG:2154"


# coverage


def test_coverage_is_told_by_department_and_faults_are_not_swallowed(data, caplog):
    caplog.set_level("INFO")
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    bare_cells = cells_over(W + 900, N - 400, W + 1300, N, "92")
    all_cells = pd.concat([cells(), bare_cells])
    city_tiles = found_in(data, all_cells)
    share = covered_share(all_cells, city_tiles.tiles)
    assert share[all_cells["department"] == "92"].max() == 0
    assert share.max() == pytest.approx(1)

    counts = collect.report_coverage(all_cells, city_tiles, [])
    assert counts["without"] == (share == 0).sum()
    assert "department 92" in caplog.text
    faults = [InputError("x", "y", "z"), InputError("x2")]
    with pytest.raises(InputError, match="could not be fetched: x .and 1 more"):
        collect.report_coverage(all_cells, city_tiles, faults)


def test_no_imagery_at_all_says_which_departments_to_fetch(data):
    with pytest.raises(InputError, match="departments 75"):
        collect.report_coverage(cells(), found_in(data), [])
