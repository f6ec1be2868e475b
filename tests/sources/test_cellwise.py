"""Departments of few cells through the WMS, beside the packs of the others."""

import shutil

import geopandas as gpd
import pandas as pd
import pytest

from loopback import HASTY, serve
from provider_server import WMS, Ign
from small_packs import N, W, cells_over, write_pack
from urbancam.sources.ign import collect
from urbancam.sources.imagery import cutting
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings

pytestmark = pytest.mark.slow

PIXEL_M = 2.0


@pytest.fixture
def city(tmp_path) -> gpd.GeoDataFrame:
    """Cells of 75, whose pack is in place, and two of 92 further east, of which nothing is."""
    write_pack(tmp_path / "aerial_data", "75", 2014, [(W, N), (W + 400, N)])
    of_75 = cells_over(W, N - 400, W + 600, N)
    of_92 = cells_over(W + 1200, N - 400, W + 1800, N, "92").head(2)
    cells = pd.concat([of_75, of_92], ignore_index=True)
    assert (cells["department"] == "75").sum() > 2
    return cells


def collected(cells, data, url, below, **more):
    """What step 04 has of the cells, and what it could not have."""
    values = {"imagery.wms_departments_below": below, "imagery.pixel_size_m": PIXEL_M} | more
    values |= {"imagery.wms_url": url + WMS, "imagery.index_url": url + "/none"}
    run = settings.load("default", [f"{key}={value}" for key, value in values.items()])
    folder = data / "aerial_data"
    return collect.from_archives(cells, run.imagery, "Test", data, folder, HASTY)


def images_of(cells, tiles, data):
    """`images.csv`, by cell."""
    table = cutting.cut_images(cells_with_tiles(cells, tiles, data), data / "images", 100, 1)
    return table.set_index("idINSPIRE")


def test_department_of_few_cells_is_taken_through_the_wms(city, tmp_path):
    with serve(Ign()) as (url, requests):
        city_tiles, faults = collected(city, tmp_path, url, below=3)
        paths = [path for path, _ in requests]
        again, _ = collected(city, tmp_path, url, below=3)
        assert len(requests) == len(paths)
    assert faults == []
    assert all(path.startswith(WMS) for path in paths)
    assert len(paths) == 2
    pd.testing.assert_frame_equal(again.table(), city_tiles.table())

    images = images_of(city, city_tiles.table(), tmp_path)
    source = images["source"].groupby(city.set_index("idINSPIRE")["department"]).unique()
    assert source["75"].tolist() == ["packs"]
    assert source["92"].tolist() == ["wms"]
    assert images["campaign_year"].isna().sum() == 2


def test_it_is_off_by_default_and_for_departments_of_more_cells(city, tmp_path):
    with serve(Ign()) as (url, requests):
        for below in (0, 2):
            _, faults = collected(city, tmp_path, url, below)
            assert len(faults) == 1
        assert not any(path.startswith(WMS) for path, _ in requests)


def test_city_without_any_imagery_is_told_of_packs_and_of_the_wms(city, tmp_path):
    shutil.rmtree(tmp_path / "aerial_data")
    blank = Ign(paint=lambda x, y: Ign().paint(x, y) * 0)
    with serve(blank) as (url, _):
        city_tiles, _ = collected(city, tmp_path, url, below=3)
    with pytest.raises(InputError) as caught:
        collect.report_coverage(city, city_tiles, [])
    message = str(caught.value)
    assert (
        f"{(city['department'] == '75').sum()} cells are of packs, of the departments 75" in message
    )
    assert "of the 2 cells taken through the WMS: the WMS shows nothing there" in message


def test_images_of_packs_do_not_change_for_it(city, tmp_path):
    of_75 = city[city["department"] == "75"]
    with serve(Ign()) as (url, _):
        alone, _ = collected(of_75, tmp_path, url, below=0)
        expected = images_of(of_75, alone.table(), tmp_path)
        both, _ = collected(city, tmp_path, url, below=3)
    got = images_of(city, both.table(), tmp_path).loc[of_75["idINSPIRE"]]
    pd.testing.assert_frame_equal(got, expected)


def test_table_of_both_kinds_outlives_the_disk(city, tmp_path):
    blank = Ign(paint=lambda x, y: Ign().paint(x, y) * 0)
    with serve(blank) as (url, _):
        city_tiles, _ = collected(city, tmp_path, url, below=3)
    city_tiles.table().to_parquet(tmp_path / "tiles.parquet")
    images = images_of(city, gpd.read_parquet(tmp_path / "tiles.parquet"), tmp_path)
    assert images["reason"].dropna().tolist() == ["the WMS shows nothing there"] * 2
    assert images["path"].isna().sum() == 2
