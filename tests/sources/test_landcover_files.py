"""Land cover from files of the user's own, against the readers of Urban Atlas and by hand."""

import numpy as np
import pytest
import rasterio
import rasterio.features
import shapely
import shapely.affinity
from geopandas.testing import assert_geodataframe_equal

from samples import LAEA, SOUTH, WEST, land_cover_frame
from urban_atlas_city import POZNAN, read_poznan
from urban_atlas_classes import TABLE
from urbancam.sources.landcover import files, rasters
from urbancam.sources.landcover.place import EUROPE, Place
from urbancam.workflow.errors import InputError

COLUMN = "CODE2012"
CODES = [11210, 12220, 31000]
NORTH, EAST = SOUTH + 600, WEST + 800
MIDDLE = Place("EPSG:3035", (WEST + 350, SOUTH + 300, WEST + 360, SOUTH + 310))
NEW_YORK = Place("EPSG:32618", (580_000, 4_500_000, 590_000, 4_510_000))


def read(path, column=COLUMN, place=EUROPE):
    return files.read_city(path, column, TABLE, "Town", place)


def write_polygons(path, frame=None):
    frame = land_cover_frame() if frame is None else frame
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".geojson":
        frame.to_crs("EPSG:4326").to_file(path, COORDINATE_PRECISION=12)
    else:
        frame.to_file(path)
    return path


def write_raster(path, values=None, pixel_m=10, **profile):
    """The sample's land cover as pixels."""
    width, height = 800 // pixel_m, 600 // pixel_m
    transform = rasterio.Affine(pixel_m, 0, WEST, 0, -pixel_m, NORTH)
    if values is None:
        shapes = zip(land_cover_frame().geometry, CODES, strict=True)
        values = rasterio.features.rasterize(shapes, (height, width), transform=transform)
    values = np.atleast_3d(values.T).T
    profile = {"crs": LAEA, "transform": transform, "dtype": "uint16", **profile}
    count, height, width = values.shape
    options = {"driver": "GTiff", "count": count, "height": height, "width": width}
    with rasterio.open(path, "w", **options, **profile) as raster:
        raster.write(values.astype(profile["dtype"]))
    return path


def areas(land):
    """Area of each class, m2."""
    return land.area.groupby(land["class"]).sum().to_dict()


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb", ".geojson", ".parquet"])
def test_polygons_are_read_from_any_table(tmp_path, suffix):
    land, boundary = read(write_polygons(tmp_path / f"land{suffix}"))
    land = land.sort_values("code", ignore_index=True)  # FlatGeobuf orders by place
    assert land["code"].tolist() == CODES
    assert land["class"].tolist() == ["hd_uf", "roads", "natural_areas"]
    assert land.crs == LAEA and land.columns.tolist() == ["polygon_id", "code", "class", "geometry"]
    expected = land_cover_frame().geometry.to_numpy()
    np.testing.assert_allclose(shapely.area(land.geometry), shapely.area(expected), rtol=1e-6)
    assert boundary.area.sum() == pytest.approx(800 * 600, rel=1e-6)
    assert boundary["city"].tolist() == ["Town"]


@pytest.mark.parametrize("system", ["EPSG:2154", "EPSG:4326"])
def test_polygons_are_moved_to_the_system_of_the_cells(tmp_path, system):
    path = write_polygons(tmp_path / "land.gpkg", land_cover_frame().to_crs(system))
    land, _ = read(path)
    expected = land_cover_frame().geometry
    assert land.geometry.hausdorff_distance(expected).max() < 0.01
    moved, _ = read(path, place=Place("EPSG:2154"))
    assert moved.crs == "EPSG:2154"


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
def test_only_polygons_around_the_cells_are_read(tmp_path, suffix):
    far = land_cover_frame()
    far.geometry = [*far.geometry[:2], shapely.affinity.translate(far.geometry[2], 5000)]
    land, _ = read(write_polygons(tmp_path / f"land{suffix}", far), place=MIDDLE)
    assert land["code"].tolist() == CODES[:2]


def test_pixels_of_a_class_that_share_an_edge_are_a_polygon(tmp_path):
    land, boundary = read(write_raster(tmp_path / "land.tif"), None)
    assert land["code"].tolist() == CODES
    expected = land_cover_frame().geometry.to_numpy()
    assert all(shapely.equals(land.geometry.to_numpy(), expected))
    assert boundary.area.sum() == 800 * 600


def test_pixels_that_touch_at_a_corner_are_two_polygons(tmp_path):
    chess = np.where(np.indices((60, 80)).sum(0) % 2, 11210, 12220)
    land, _ = read(write_raster(tmp_path / "land.tif", chess), None)
    assert len(land) == 60 * 80 and land.area.eq(100).all()


@pytest.mark.parametrize("system", ["EPSG:2154", "EPSG:4326", "EPSG:2180"])
def test_pixels_that_are_moved_leave_no_gap_and_no_overlap(tmp_path, system):
    # A long edge against many short ones: each pixel's corner is a vertex of both.
    values = np.full((60, 80), 31000)
    values[30:, ::2] = 12220
    values[30:, 1::2] = 11210
    land, _ = read(write_raster(tmp_path / "land.tif", values), None, Place(system))
    assert len(land) == 81 and land.crs == system
    assert shapely.coverage_is_valid(land.geometry.to_numpy())


def test_a_polygon_ends_at_the_edge_of_a_block_and_areas_stay(tmp_path, monkeypatch):
    path = write_raster(tmp_path / "land.tif")
    whole, _ = read(path, None)
    monkeypatch.setattr(rasters, "BLOCK_PX", 33)
    blocks, _ = read(path, None)
    assert len(blocks) > len(whole) and areas(blocks) == areas(whole)


def test_only_pixels_around_the_cells_are_read(tmp_path):
    land, _ = read(write_raster(tmp_path / "land.tif"), None, MIDDLE)
    # 300 m around the cells, and a pixel more.
    assert land.total_bounds.tolist() == [WEST + 40, SOUTH, WEST + 670, NORTH]


def test_pixels_without_data_are_no_land_cover(tmp_path):
    values = np.full((60, 80), 11210)
    values[:, :40] = 65535
    values[:10, 40:] = 12220
    land, _ = read(write_raster(tmp_path / "land.tif", values, nodata=65535), None)
    assert areas(land) == {"hd_uf": 400 * 500.0, "roads": 400 * 100.0}


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "uint32"])
def test_pixels_may_be_any_whole_numbers(tmp_path, kind):
    from urbancam.sources.landcover import class_tables
    from urbancam.workflow.paths import CLASS_TABLES

    table = class_tables.read(CLASS_TABLES / "worldcover.yaml")
    path = write_raster(tmp_path / "land.tif", np.full((60, 80), 50), dtype=kind)
    land, _ = files.read_city(path, None, table, "Town", EUROPE)
    assert land["class"].tolist() == ["built_up"]


def refusal(*arguments, **keywords) -> str:
    with pytest.raises(InputError) as caught:
        read(*arguments, **keywords)
    assert caught.value.where and caught.value.do
    return str(caught.value)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("CODE2018", "there is no column 'CODE2018'; the file has CODE2012, ITEM2012"),
        ("CODE2018", "did you mean CODE2012?"),
        (None, "no column is named; the file has CODE2012"),
        ("ITEM2012", "and how often: Discontinuous dense urban fabric (1), Other roads (1), Fo"),
    ],
)
@pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
def test_wrong_column_is_refused(tmp_path, column, message, suffix):
    assert message in refusal(write_polygons(tmp_path / f"land{suffix}"), column)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
def test_file_without_coordinate_system_is_refused(tmp_path, suffix):
    nowhere = land_cover_frame().set_crs(None, allow_override=True)
    path = write_polygons(tmp_path / f"land{suffix}", nowhere)
    assert "names no coordinate system" in refusal(path)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
def test_land_cover_of_another_place_is_refused(tmp_path, suffix):
    path = write_polygons(tmp_path / f"land{suffix}")
    assert "does not touch the cells" in refusal(path, place=NEW_YORK)


def test_raster_of_another_place_is_refused(tmp_path):
    path = write_raster(tmp_path / "land.tif")
    assert "does not touch the cells" in refusal(path, place=NEW_YORK)


def test_file_of_several_layers_is_refused(tmp_path):
    for layer in ("land", "boundary"):
        land_cover_frame().to_file(tmp_path / "land.gpkg", layer=layer)
    assert "2 layers: land, boundary" in refusal(tmp_path / "land.gpkg")


def test_lines_are_refused(tmp_path):
    lines = land_cover_frame()
    lines.geometry = lines.boundary
    path = write_polygons(tmp_path / "land.gpkg", lines)
    assert "it holds LineString, not polygons" in refusal(path)


def test_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "land.xlsx").write_text("")
    assert "give one of .shp, .gpkg" in refusal(tmp_path / "land.xlsx")


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".tif", ".geojson", ".shp"])
def test_damaged_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"land{suffix}"
    path.write_bytes(b"not what its name says")
    assert "cannot be read" in refusal(path)


RASTERS = {
    "three bands": ({"values": np.zeros((3, 60, 80))}, "it has 3 bands"),
    "fractions": ({"dtype": "float32"}, "its pixels are float32"),
    "no system": ({"crs": None}, "does not say where it lies"),
    "no place": ({"transform": rasterio.Affine.identity()}, "does not say where it lies"),
    "unknown": ({"values": np.full((60, 80), 7)}, "and how often: 7 (1)"),
    "nothing": ({"values": np.zeros((60, 80)), "nodata": 0}, "are without data"),
}


@pytest.mark.filterwarnings("ignore:The given matrix is equal", "ignore:Dataset has no geo")
@pytest.mark.parametrize("fault", RASTERS)
def test_what_is_no_class_raster_is_refused(tmp_path, fault):
    profile, message = RASTERS[fault]
    assert message in refusal(write_raster(tmp_path / "land.tif", **profile), None)


def test_no_data_alone_is_refused(tmp_path):
    frame = land_cover_frame().assign(CODE2012="91000")
    assert "only no data" in refusal(write_polygons(tmp_path / "land.gpkg", frame))


@pytest.mark.slow
@pytest.mark.real_data
def test_poznan_as_a_plain_file_is_what_the_reader_of_urban_atlas_reads(tmp_path):
    expected, boundary = read_poznan(tmp_path)
    land, outline = files.read_city(POZNAN, "code_2018", TABLE, "Poznań", EUROPE)
    assert_geodataframe_equal(land, expected)
    assert outline.geometry.iloc[0].equals(boundary.geometry.iloc[0])


def test_outline_of_pixels_of_all_classes_is_what_they_cover(tmp_path):
    values = np.random.default_rng(0).choice([0, *CODES], (60, 80))
    _, boundary = read(write_raster(tmp_path / "land.tif", values, nodata=0), None)
    assert boundary.area.sum() == (values > 0).sum() * 100
