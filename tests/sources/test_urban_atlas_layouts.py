"""Every layout of Urban Atlas, at any depth."""

import pandas as pd
import pytest
import shapely

import samples
from samples import SOUTH, WEST, land_cover_frame, outline_frame, write_old_urban_atlas
from urban_atlas_city import TRIPTYCH, read
from urbancam.tables import grid
from urbancam.workflow.errors import InputError


def check_triptych(land, boundary):
    assert land["code"].tolist() == TRIPTYCH
    assert land["polygon_id"].tolist() == [0, 1, 2]
    assert land.crs == grid.CRS and land.area.sum() == pytest.approx(800 * 600)
    assert len(boundary) == 1
    outline = shapely.box(WEST, SOUTH, WEST + 800, SOUTH + 600)
    assert boundary.geometry.iloc[0].equals(outline)


@pytest.mark.parametrize("folder", ["", "downloads/copernicus/2012"])
def test_old_shapefiles_in_a_zip_at_any_depth(tmp_path, folder):
    write_old_urban_atlas(tmp_path / folder)
    check_triptych(*read(tmp_path))


def test_old_shapefiles_unpacked(tmp_path):
    folder = tmp_path / "FR001L1_PARIS" / "Shapefiles"
    folder.mkdir(parents=True)
    land_cover_frame().to_file(folder / "FR001L1_PARIS_UA2012.shp")
    outline_frame().to_file(folder / "FR001L1_PARIS_UA2012_Boundary.shp")
    outline_frame(east=WEST + 400).to_file(folder / "FR001L1_PARIS_CityBoundary.shp")
    check_triptych(*read(tmp_path))


@pytest.mark.parametrize(
    ("edition", "tail"), [(2012, "UA2012_revised_v021"), (2018, "UA2018_v013")]
)
@pytest.mark.parametrize("packed", [True, False])
def test_geopackages_with_several_layers(tmp_path, edition, tail, packed):
    layer = f"FR001L1_PARIS_{tail.rpartition('_v')[0]}"
    path = tmp_path / f"FR001L1_PARIS_{tail}.gpkg"
    frame = land_cover_frame(edition).rename(columns=str.lower)
    frame = frame.rename(columns={"code2012": "code_2012"})
    frame.to_file(path, layer=layer)
    outline_frame().rename(columns=str.lower).to_file(path, layer=f"{layer}_Boundary")
    outline_frame(east=WEST + 400).to_file(path, layer=f"{layer}_UrbanCore")
    if packed:
        samples.pack_zip(tmp_path / f"{path.stem}.zip", {f"{path.stem}/Data/{path.name}": path})
        path.unlink()
    check_triptych(*read(tmp_path, edition=edition))


@pytest.mark.parametrize("edition", [2018, 2021])
def test_flatgeobuf_without_an_outline(tmp_path, edition):
    frame = land_cover_frame(edition).astype({f"code_{edition}": int})
    frame.to_file(
        tmp_path / f"CLMS_UA_LCU_S{edition}_V025ha_FR001L1_PARIS_03035_V01_R00_20241025.fgb"
    )
    land, boundary = read(tmp_path, edition=edition)
    order = land.sort_values("code", ignore_index=True)  # FlatGeobuf sorts in space
    assert order["code"].tolist() == TRIPTYCH
    assert boundary.area.sum() == pytest.approx(800 * 600)


@pytest.mark.parametrize("city", ["Paris", "FR001", "Saint-Étienne", "saint etienne", "FR012L2"])
def test_city_is_found_in_a_file_of_several(tmp_path, city):
    path = tmp_path / "all_cities_UA2012.gpkg"
    far_land = land_cover_frame(2012, "Saint-Étienne", "FR012L2")
    far_land = far_land.set_geometry(far_land.translate(50_000, 0))
    far_outline = outline_frame("Saint-Étienne", "FR012L2")
    far_outline = far_outline.set_geometry(far_outline.translate(50_000, 0))
    pd.concat([land_cover_frame(), far_land]).to_file(path, layer="all_UA2012")
    pd.concat([outline_frame(), far_outline]).to_file(path, layer="all_UA2012_Boundary")
    land, boundary = read(tmp_path, city)
    assert len(land) == 3 and boundary["city"].tolist() == [city]
    assert (boundary.total_bounds[0] == WEST) == (city in ("Paris", "FR001"))


def test_file_that_names_only_its_code_is_looked_into_beside_another_edition(tmp_path):
    write_old_urban_atlas(tmp_path)
    land_cover_frame(2021).to_file(
        tmp_path / "CLMS_UA_LCU_S2021_V025ha_FR001L1_03035_V01_R00_20241025.fgb"
    )
    assert len(read(tmp_path, edition=2021)[0]) == 3


def test_outline_of_another_edition_is_not_taken(tmp_path):
    write_old_urban_atlas(tmp_path, outline=outline_frame(east=WEST + 500))
    land_cover_frame(2018).to_file(
        tmp_path / "CLMS_UA_LCU_S2018_V025ha_FR001L1_PARIS_03035_V01_R00_20241025.fgb"
    )
    assert read(tmp_path, edition=2018)[1].area.sum() == pytest.approx(800 * 600)
    assert read(tmp_path, edition=2012)[1].area.sum() == pytest.approx(500 * 600)


def test_file_named_after_a_city_that_it_does_not_hold_is_refused(tmp_path):
    land = land_cover_frame().assign(
        FUA_NAME=["Lyon", "Lyon", "Nice"], FUA_OR_CIT=["FR003", "FR003", "FR205"]
    )
    land.to_file(tmp_path / "FR001L1_PARIS_UA2012.shp")
    with pytest.raises(InputError, match="does not name Paris, but FR003 Lyon, FR205 Nice"):
        read(tmp_path)


def test_names_in_latin_1_without_a_word_about_it(tmp_path):
    path = tmp_path / "cities_UA2012_Boundary.shp"
    outline_frame("Saint-Étienne", "FR012L2").to_file(path, encoding="ISO-8859-1")
    path.with_suffix(".cpg").unlink()
    land_cover_frame(2012, "Saint-Étienne", "FR012L2").to_file(
        tmp_path / "cities_UA2012.shp", encoding="ISO-8859-1"
    )
    (tmp_path / "cities_UA2012.cpg").write_text("UTF-8")  # a lie
    assert len(read(tmp_path, "Saint-Étienne")[0]) == 3


def test_layer_of_changes_is_left_alone(tmp_path):
    path = tmp_path / "FR001L1_PARIS_UA2012_2018.gpkg"
    land_cover_frame(2018).assign(code_2012="11100").to_file(path, layer="FR001L1_PARIS_UA1218_CHA")
    land_cover_frame(2018).to_file(path, layer="FR001L1_PARIS_UA2018")
    assert read(tmp_path, edition=2018)[0]["code"].tolist() == TRIPTYCH


def test_newest_layout_is_taken_where_an_edition_lies_there_twice(tmp_path, caplog):
    caplog.set_level("INFO")
    write_old_urban_atlas(tmp_path)
    revised = land_cover_frame().assign(CODE2012="14100")
    revised.to_file(
        tmp_path / "FR001L1_PARIS_UA2012_revised_v021.gpkg", layer="FR001L1_PARIS_UA2012_revised"
    )
    assert read(tmp_path)[0]["code"].tolist() == [14100] * 3
    assert "also found, not used" in caplog.text and "FR001L1_PARIS.zip" in caplog.text
