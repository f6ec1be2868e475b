"""Urban Atlas: every layout, cities however spelt, repair, cutting by cells, label rasters."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from samples import SOUTH, WEST, land_cover_frame, outline_frame, write_old_urban_atlas
from urbancam.sources.census import selection
from urbancam.sources.urban_atlas import classes, fragments, names, polygons, products
from urbancam.tables import crs, grid
from urbancam.workflow.errors import InputError

POZNAN = samples.REAL_DATA / "PL005L2_POZNAN_UA2018_subset.gpkg"
TRIPTYCH = [11210, 12220, 31000]


def read(folder, city="Paris", edition=2012):
    return products.read_city(folder, city, edition, folder / ".scratch")


def as_cells(*ids):
    ids = pd.Series(ids, dtype="str")
    return gpd.GeoDataFrame({"idINSPIRE": ids}, geometry=selection.squares(ids), crs=grid.CRS)


def as_land(polygons, codes=None):
    codes = pd.Series([11100] * len(polygons) if codes is None else codes)
    columns = {
        "polygon_id": np.arange(len(polygons)),
        "code": codes,
        "class": classes.classify(codes, "sample"),
    }
    return gpd.GeoDataFrame(columns, geometry=list(polygons), crs=grid.CRS)


# classes


def test_classes_are_the_published_18_in_the_order_of_f1_then_ports_and_airports():
    table = classes.class_table()
    assert table["class"].tolist() == [
        "agri_wetland",
        "green_ua",
        "comr_indst",
        "leis_fac",
        "const_dmp",
        "no_use",
        "roads",
        "railway",
        "motorways",
        "water",
        "op_sp_beach",
        "natural_areas",
        "isoltd_rsdnt",
        "vld_uf",
        "ld_uf",
        "md_uf",
        "hd_uf",
        "vhd_uf",
        "port",
        "airports",
    ]
    assert table["in_polar_figure"].sum() == 18 and not table["in_polar_figure"].iloc[18:].any()


def test_classes_hold_the_27_codes_once():
    codes = [code for entry in classes.LAND_COVER_CLASSES for code in entry.codes]
    assert len(codes) == len(set(codes)) == 27
    assert list(classes.class_names("code")) == codes
    assert set(classes.class_table()["super_class"]) == {
        "urban fabric",
        "functional area",
        "infrastructure",
        "nature",
        "no use",
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (21000, "agri_wetland"),
        (40000, "agri_wetland"),
        (13300, "const_dmp"),
        (14120, "green_ua"),
        (11240, "vld_uf"),
        (32000, "natural_areas"),
    ],
)
def test_codes_fall_into_their_class(code, expected):
    assert classes.classify(pd.Series([code]), "x").tolist() == [expected]


@pytest.mark.parametrize("code", [11250, 99999, 0, 60000])
def test_unknown_code_is_named(code):
    with pytest.raises(InputError, match=str(code)):
        classes.classify(pd.Series([11100, code]), "x")


@pytest.mark.parametrize(
    "values", [["11100", " 12220 ", "50000.0"], [11100, 12220, 50000], [11100.0, 12220.0, 50000.0]]
)
def test_codes_come_as_text_or_number(values):
    assert polygons.parse_codes(pd.Series(values), "x").tolist() == [11100, 12220, 50000]


@pytest.mark.parametrize("bad", ["forest", "", None, "11100.5", "nan"])
def test_value_that_is_no_code_is_refused(bad):
    with pytest.raises(InputError, match="1 values are no codes"):
        polygons.parse_codes(pd.Series(["11100", bad], dtype="object"), "x")


# names


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        ("Le Havre", "LE_HAVRE"),
        ("le-havre", "Havre (Le)"),
        ("Saint-Etienne", "Saint-Étienne"),
        ("FR001", "FR001L1"),
        ("saint etienne", "SAINT-ETIENNE"),
        ("Saint-Étienne", "Saint-Ã‰tienne"),
        ("fr001l1", "FR001L1"),
        ("Poznan", "Poznań"),
        ("L'Isle-d’Abeau", "l isle d abeau"),
        ("Nœux", "NOEUX"),
    ],
)
def test_spellings_of_one_city(asked, label):
    assert names.same_city(asked, "x", label)


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        ("Lens", "Douai - Lens"),
        ("Paris", "Parisot"),
        ("FR001", "FR0011"),
        ("FR001L1", "FR001L2"),
        ("Nice", ""),
    ],
)
def test_other_cities_are_not_taken(asked, label):
    assert not names.same_city(asked, label)


@pytest.mark.parametrize(
    "path",
    [
        "FR001L1_PARIS.zip",
        "FR001L1_PARIS/Shapefiles/FR001L1_PARIS_UA2012.shp",
        "a/FR001L1_PARIS_UA2012_revised_v021.zip",
        "FR001L1_PARIS_UA2018_v013/Data/x.gpkg",
        "CLMS_UA_LCU_S2021_V025ha_FR001L1_PARIS_03035_V01_R00_20241025.fgb",
    ],
)
@pytest.mark.parametrize(
    ("city", "expected"), [("Paris", True), ("FR001", True), ("Lyon", False), ("FR003L2", False)]
)
def test_paths_of_the_products_say_their_city(path, city, expected):
    assert names.path_says(samples.Path(path), city) is expected


def test_path_with_a_code_alone_is_silent_about_the_name():
    path = samples.Path("CLMS_UA_LCU_S2018_V025ha_FR001L1_03035_V01_R00_20240101.fgb")
    assert names.path_says(path, "Paris") is None
    assert names.path_says(path, "FR001L1") is True
    assert names.path_says(path, "FR002") is False


@given(st.text(max_size=30))
def test_any_name_is_read_the_same_twice(name):
    assert names.plain(names.plain(name)) == names.plain(name)
    assert names.same_city(name, name)


# layouts


def check_triptych(land, boundary):
    assert land["code"].tolist() == TRIPTYCH and land["polygon_id"].tolist() == [0, 1, 2]
    assert land.crs == grid.CRS and land.area.sum() == pytest.approx(800 * 600)
    assert len(boundary) == 1 and boundary.geometry.iloc[0].equals(
        shapely.box(WEST, SOUTH, WEST + 800, SOUTH + 600)
    )


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
    frame = (
        land_cover_frame(edition)
        .rename(columns=str.lower)
        .rename(columns={"code2012": "code_2012"})
    )
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
    assert order["code"].tolist() == TRIPTYCH and boundary.area.sum() == pytest.approx(800 * 600)


@pytest.mark.parametrize("city", ["Paris", "FR001", "Saint-Étienne", "saint etienne", "FR012L2"])
def test_city_is_found_in_a_file_of_several(tmp_path, city):
    here = outline_frame()
    there = outline_frame("Saint-Étienne", "FR012L2").translate(50_000, 0)
    other = gpd.GeoDataFrame(
        outline_frame("Saint-Étienne", "FR012L2").drop(columns="geometry"), geometry=there
    )
    land = land_cover_frame()
    far = land_cover_frame(2012, "Saint-Étienne", "FR012L2").set_geometry(land.translate(50_000, 0))
    pd.concat([land, far]).to_file(tmp_path / "all_cities_UA2012.gpkg", layer="all_UA2012")
    pd.concat([here, other]).to_file(
        tmp_path / "all_cities_UA2012.gpkg", layer="all_UA2012_Boundary"
    )
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


def test_invalid_polygons_are_repaired_and_counted(tmp_path, caplog):
    caplog.set_level("INFO")
    land = land_cover_frame()
    bowtie = shapely.Polygon(
        [(WEST, SOUTH), (WEST + 390, SOUTH + 600), (WEST + 390, SOUTH), (WEST, SOUTH + 600)]
    )
    land.geometry = [bowtie, *land.geometry[1:]]
    write_old_urban_atlas(tmp_path, land=land)
    got, _ = read(tmp_path)
    assert got.is_valid.all() and got.area.iloc[0] == pytest.approx(390 * 600 / 2)
    assert "repairs 1 of 3 polygons" in caplog.text


def test_no_data_is_no_land_cover(tmp_path, caplog):
    caplog.set_level("INFO")
    write_old_urban_atlas(
        tmp_path, land=land_cover_frame().assign(CODE2012=["11210", "91000", "31000"])
    )
    assert read(tmp_path)[0]["code"].tolist() == [11210, 31000]
    assert "drops 1 polygons of no data, 0.01 km2" in caplog.text


# coordinate systems


def test_another_coordinate_system_is_moved(tmp_path):
    write_old_urban_atlas(
        tmp_path,
        land=land_cover_frame().to_crs("EPSG:2154"),
        outline=outline_frame().to_crs("EPSG:4326"),
    )
    land, boundary = read(tmp_path)
    assert land.area.sum() == pytest.approx(480_000, rel=1e-6)
    np.testing.assert_allclose(
        boundary.total_bounds, [WEST, SOUTH, WEST + 800, SOUTH + 600], atol=0.01
    )


def test_file_without_a_coordinate_system_is_refused(tmp_path):
    land_cover_frame().to_file(tmp_path / "FR001L1_PARIS_UA2012.shp")
    (tmp_path / "FR001L1_PARIS_UA2012.prj").unlink()
    with pytest.raises(InputError, match="names no coordinate system"):
        read(tmp_path)


def test_nameless_system_that_is_lambert_93_is_taken_for_it():
    nameless = (
        'PROJCS["x",GEOGCS["y",DATUM["z",SPHEROID["GRS 1980",6378137,298.257222101]],PRIMEM["Greenwich",0],'
        'UNIT["degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic_2SP"],'
        'PARAMETER["latitude_of_origin",46.5],PARAMETER["central_meridian",3],'
        'PARAMETER["standard_parallel_1",49],PARAMETER["standard_parallel_2",44],'
        'PARAMETER["false_easting",700000],PARAMETER["false_northing",6600000],UNIT["metre",1]]'
    )
    bounds = (650_000, 6_860_000, 655_000, 6_865_000)
    assert crs.same_crs(nameless, "EPSG:2154", bounds) and crs.same_crs(
        "EPSG:2154", "EPSG:2154", bounds
    )
    assert not crs.same_crs(nameless, "EPSG:27572", bounds) and not crs.same_crs(
        nameless, "EPSG:3035", bounds
    )
    assert not crs.same_crs("EPSG:3035", "EPSG:32631", (WEST, SOUTH, WEST + 200, SOUTH + 200))
    crs.check_extent(bounds, nameless, "x")


@pytest.mark.parametrize(
    ("bounds", "system"),
    [
        ((WEST, SOUTH, WEST + 9e3, SOUTH + 9e3), "EPSG:2154"),
        ((450_000, 5_411_000, 460_000, 5_420_000), "EPSG:2154"),
        ((650_000, 6_860_000, 655_000, 6_865_000), "EPSG:3035"),
        ((2.1, 48.1, 2.9, 48.9), "EPSG:2154"),
        ((WEST, SOUTH, WEST + 9e3, SOUTH + 9e3), "EPSG:4326"),
    ],
)
def test_metres_of_elsewhere_are_refused_with_both_extents(bounds, system):
    with pytest.raises(
        InputError, match=r"used for longitude .*, but its coordinates x .* would lie at"
    ):
        crs.check_extent(bounds, system, "file.shp")


@pytest.mark.parametrize("system", ["EPSG:2154", "EPSG:3035"])
def test_paris_is_where_it_should_be(system):
    bounds = (
        gpd.GeoSeries([shapely.box(WEST, SOUTH, WEST + 9e3, SOUTH + 9e3)], crs=grid.CRS)
        .to_crs(system)
        .total_bounds
    )
    crs.check_extent(tuple(bounds), system, "file.shp")


# what is refused


def test_nothing_here_says_what_to_fetch_and_where_to_put_it(tmp_path):
    with pytest.raises(InputError) as raised:
        read(tmp_path, "Lyon", 2018)
    assert "no Urban Atlas 2018 of Lyon is here (cities found: none)" in raised.value.what
    assert "_UA2018_v013.zip" in raised.value.do and "CLMS_UA_LCU_S2018" in raised.value.do
    assert raised.value.where in raised.value.do


def test_unknown_city_is_told_which_are_here(tmp_path):
    write_old_urban_atlas(tmp_path)
    with pytest.raises(InputError, match=r"cities found: FR001L1 Paris"):
        read(tmp_path, "Lyon")


def test_another_edition_is_offered(tmp_path):
    write_old_urban_atlas(tmp_path)
    with pytest.raises(InputError, match=r"--set urban_atlas.edition=2012"):
        read(tmp_path, edition=2018)


def test_land_cover_of_elsewhere_is_refused_with_both_extents(tmp_path):
    land = land_cover_frame()
    write_old_urban_atlas(tmp_path, land=land.set_geometry(land.translate(100_000, 0)))
    with pytest.raises(InputError, match=r"covers 0.0 % of Paris: outline x 3,760,000"):
        read(tmp_path)


def test_land_cover_of_a_part_is_said(tmp_path, caplog):
    write_old_urban_atlas(tmp_path, outline=outline_frame(east=WEST + 1000))
    read(tmp_path)
    assert "covers 80.0 % of Paris" in caplog.text


@pytest.mark.parametrize("suffix", [".shp", ".dbf", ".shx"])
def test_truncated_shapefile_is_refused(tmp_path, suffix):
    land_cover_frame().to_file(tmp_path / "FR001L1_PARIS_UA2012.shp")
    path = tmp_path / f"FR001L1_PARIS_UA2012{suffix}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError):
        read(tmp_path)


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb"])
@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_truncated_table_is_refused(tmp_path, suffix, share):
    path = tmp_path / f"FR001L1_PARIS_UA2018{suffix}"
    land_cover_frame(2018).to_file(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError):
        read(tmp_path, edition=2018)


# cutting by cells


CELL = samples.cell_id(0, 0)


def test_cell_is_cut_into_its_polygons():
    polygons = [
        shapely.box(WEST - 50, SOUTH - 50, WEST + 120, SOUTH + 500),
        shapely.box(WEST + 120, SOUTH, WEST + 900, SOUTH + 200),
    ]
    got = fragments.cut_by_cells(as_land(polygons, [11100, 14100]), as_cells(CELL))
    assert got.columns.tolist() == [
        "fragment_id",
        "idINSPIRE",
        "polygon_id",
        "code",
        "class",
        "area_m2",
        "geometry",
    ]
    assert got["fragment_id"].tolist() == [f"{CELL}_0", f"{CELL}_1"]
    assert got["area_m2"].tolist() == [120 * 200, 80 * 200] and got["class"].tolist() == [
        "vhd_uf",
        "green_ua",
    ]


def test_polygons_that_touch_a_cell_give_no_fragment():
    beside = [
        shapely.box(WEST + 200, SOUTH, WEST + 300, SOUTH + 200),
        shapely.box(WEST - 9, SOUTH - 9, WEST, SOUTH),
    ]
    assert fragments.cut_by_cells(as_land(beside), as_cells(CELL)).empty


def test_cell_within_one_polygon_is_one_fragment():
    got = fragments.cut_by_cells(
        as_land([shapely.box(WEST - 9, SOUTH - 9, WEST + 999, SOUTH + 999)]), as_cells(CELL)
    )
    assert got["area_m2"].tolist() == [40_000] and got.geometry.iloc[0].equals(
        selection.squares(pd.Series([CELL]))[0]
    )


@pytest.mark.parametrize(("size_m", "side"), [(200, 9), (1000, 2)])
@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=15)
def test_areas_are_those_of_the_plain_overlay(size_m, side, seed):
    """Against geopandas' overlay, on a coverage of Voronoi polygons and a star of many vertices."""
    random = np.random.default_rng(seed)
    points = shapely.MultiPoint(random.uniform((WEST, SOUTH), (WEST + 2000, SOUTH + 2000), (12, 2)))
    frame = shapely.box(WEST - 300, SOUTH - 300, WEST + 1700, SOUTH + 1700)
    polygons = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(points)), frame)
    angle = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    radius = 700 + 60 * np.sin(40 * angle)
    star = shapely.Polygon(
        np.c_[WEST + 800 + radius * np.cos(angle), SOUTH + 800 + radius * np.sin(angle)]
    )
    land = as_land([star, *shapely.difference(polygons, star)])
    cells = as_cells(
        *[samples.cell_id(column, row, size_m) for row in range(side) for column in range(side)]
    )
    got = fragments.cut_by_cells(land, cells).set_index(["idINSPIRE", "polygon_id"])["area_m2"]
    overlay = gpd.overlay(cells, land[["polygon_id", "geometry"]], keep_geom_type=True)
    expected = (
        overlay.assign(area_m2=overlay.area).groupby(["idINSPIRE", "polygon_id"])["area_m2"].sum()
    )
    expected = expected[expected >= fragments.LEAST_FRAGMENT_M2]
    pd.testing.assert_series_equal(got.sort_index(), expected.sort_index(), rtol=1e-6, atol=1e-5)


def test_few_overlaps_are_said(caplog):
    polygons = [
        shapely.box(WEST, SOUTH, WEST + 200, SOUTH + 200),
        shapely.box(WEST, SOUTH, WEST + 1, SOUTH + 20),
    ]
    got = fragments.cut_by_cells(as_land(polygons), as_cells(CELL))
    assert got["area_m2"].sum() == 40_020
    assert f"polygons overlap in 1 of 1 cells by 20.0 m2, most in {CELL}" in caplog.text


def test_land_cover_that_is_there_twice_is_refused():
    with pytest.raises(InputError, match="there twice|overlap in 1 of 1 cells by 40,000"):
        fragments.cut_by_cells(
            as_land([shapely.box(WEST, SOUTH, WEST + 200, SOUTH + 200)] * 2), as_cells(CELL)
        )


def test_cover_is_described(caplog):
    land = as_land([shapely.box(WEST, SOUTH, WEST + 200, SOUTH + 100)])
    cells = as_cells(CELL, samples.cell_id(5, 5))
    got = fragments.describe_cover(fragments.cut_by_cells(land, cells), cells)
    assert got == {
        "fragments": 1,
        "cells covered in part": 1,
        "cells outside every polygon": 1,
        "covered share": 0.25,
    }
    assert f"1 of 2 cells lie outside every polygon: {samples.cell_id(5, 5)}" in caplog.text


# label rasters


def test_labels_have_north_in_row_0_and_count_from_1():
    north_west = shapely.box(WEST, SOUTH + 100, WEST + 100, SOUTH + 200)
    south_east = shapely.box(WEST + 100, SOUTH, WEST + 200, SOUTH + 100)
    got = fragments.label_raster(gpd.GeoSeries([north_west, south_east]), grid.bounds(CELL), 4)
    assert got.dtype == np.int32
    assert got.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 2], [0, 0, 2, 2]]


def test_pixel_belongs_to_the_fragment_that_holds_its_centre():
    quarter_and_more = shapely.box(
        WEST, SOUTH, WEST + 26, SOUTH + 200
    )  # pixels of 50 m: centres at 25, 75 ...
    less = shapely.box(WEST + 180, SOUTH, WEST + 200, SOUTH + 200)
    got = fragments.label_raster([quarter_and_more, less], grid.bounds(CELL), 4)
    assert got.tolist() == [[1, 0, 0, 0]] * 4


def test_cell_without_fragments_has_no_labels():
    assert fragments.label_raster([], grid.bounds(CELL), 3).tolist() == [[0] * 3] * 3


# the real thing


@pytest.fixture(scope="module")
def poznan(tmp_path_factory):
    if not POZNAN.exists():
        pytest.skip("no real samples here")
    return products.read_city(samples.REAL_DATA, "Poznań", 2018, tmp_path_factory.mktemp("scratch"))


@pytest.mark.real_data
def test_poznan_is_read_by_name_or_code(poznan):
    land, boundary = poznan
    assert len(land) == 2386 and land["code"].nunique() == 19
    by_code, _ = products.read_city(samples.REAL_DATA, "PL005L2", 2018, samples.Path("unused"))
    assert by_code["code"].tolist() == land["code"].tolist()
    assert boundary.area.sum() / 1e6 == pytest.approx(73.6, abs=0.1)


@pytest.mark.real_data
def test_poznans_three_cells_are_covered_and_the_first_is_as_known(poznan):
    cells = as_cells(*[f"CRS3035RES200mN3276600E{east}" for east in (4791600, 4791800, 4792000)])
    got = fragments.cut_by_cells(poznan[0], cells)
    np.testing.assert_allclose(got.groupby("idINSPIRE")["area_m2"].sum(), 40_000, rtol=1e-9)
    first = got[got["idINSPIRE"] == cells["idINSPIRE"][0]].groupby("code")["area_m2"].sum()
    expected = {11100: 12416.0, 12100: 3532.8, 12220: 2748.4, 14100: 7231.5, 14200: 14071.3}
    assert first.round(1).to_dict() == expected


@pytest.mark.real_data
def test_poznans_labels_hold_the_fragments_areas(poznan):
    cells = as_cells("CRS3035RES200mN3276600E4791600")
    got = fragments.cut_by_cells(poznan[0], cells)
    labels = fragments.label_raster(got.geometry, grid.bounds(cells["idINSPIRE"][0]), 800)
    pixel_m2 = np.bincount(labels.ravel(), minlength=len(got) + 1) / 16
    assert pixel_m2[0] == 0
    np.testing.assert_allclose(pixel_m2[1:], got["area_m2"], atol=8)


def test_no_data_codes_are_no_class():
    assert not set(classes.NO_DATA) & set(classes.class_names("code"))
