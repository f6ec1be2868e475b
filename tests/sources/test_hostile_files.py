"""What comes from outside opens no other file of the machine, wherever it is opened."""

import numpy as np
import pytest
import rasterio
from PIL import Image

import samples
from hostile_files import virtual_raster, virtual_table
from samples import ID_COLUMN, OTHER_COLUMNS
from small_packs import N, W, cells, found_in, noise, write_pack, write_tile
from urban_atlas_city import read as read_urban_atlas
from urbancam.cities import sites
from urbancam.sources.census import layouts
from urbancam.sources.imagery.fill import coarse_fill
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.sources.wms.answers import AnswerError, image_pixels
from urbancam.sources.wms.getmap import requests_for
from urbancam.sources.wms.layers import Layer
from urbancam.tables import rasters, vectors
from urbancam.workflow.errors import InputError

IMAGES = [".jp2", ".tif", ".png", ".jpg"]


def tile_at(path):
    return TileFile(path.name, path, (W, N - 400, W + 400, N), "EPSG:2154")


# images


@pytest.mark.parametrize("suffix", [".jp2", ".tif"])
def test_virtual_raster_named_as_a_tile_is_no_tile(tmp_path, suffix):
    path = virtual_raster(tmp_path, tmp_path / f"tile{suffix}")
    with pytest.raises(InputError, match="the tile cannot be read"):
        Tile(tile_at(path))


def test_virtual_raster_in_a_pack_is_refused_by_its_name(tmp_path):
    pack = write_pack(tmp_path / "aerial_data", "075", 2014, [(W, N)])
    tile = virtual_raster(tmp_path, next(pack.rglob("*.jp2")))
    with pytest.raises(InputError, match=tile.name):
        found_in(tmp_path)


@pytest.mark.parametrize("beside", [".ovr", ".msk", ".aux.xml"])
@pytest.mark.parametrize("suffix", [".jp2", ".tif"])
def test_files_beside_a_tile_are_not_looked_at(tmp_path, suffix, beside):
    path = write_tile(tmp_path / f"tile{suffix}", noise(1, 400), W, N, 1.0)
    with Tile(tile_at(path)) as tile:
        expected = tile.read_reduced(2)
    other = virtual_raster(tmp_path, tmp_path / f"{path.name}{beside}", 200)
    if beside == ".aux.xml":
        overviews = virtual_raster(tmp_path, tmp_path / "other.ovr", 200)
        other.write_text(
            '<PAMDataset><Metadata domain="OVERVIEWS">'
            f'<MDI key="OVERVIEW_FILE">{overviews}</MDI></Metadata></PAMDataset>'
        )
    with Tile(tile_at(path)) as tile:
        coarse_fill(tile)
        assert np.array_equal(tile.read_reduced(2), expected)
        assert tile._dataset.files == [str(path)]


@pytest.mark.parametrize("suffix", IMAGES)
def test_virtual_raster_named_as_an_image_of_a_site_is_skipped(tmp_path, suffix):
    path = virtual_raster(tmp_path, tmp_path / f"0{suffix}")
    facts, reason = sites.look_at(path)
    assert "cannot be read" in reason
    assert facts == {}


@pytest.mark.parametrize("content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_program_named_as_an_image_is_not_run(tmp_path, content):
    (tmp_path / "0.jpg").write_bytes(content)
    assert "cannot be read" in sites.look_at(tmp_path / "0.jpg")[1]


def test_virtual_raster_sent_by_the_wms_is_no_image(tmp_path):
    (request, *_) = requests_for(cells(), Layer("http://h/wms", "L", (0.2, 0.2)))
    content = virtual_raster(tmp_path, tmp_path / "a.vrt", 2).read_bytes()
    for answer in (content, b"\n\n" + content):
        with pytest.raises(AnswerError):
            image_pixels(answer, request)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_place_is_read_from_a_world_file_beside_an_image(tmp_path):
    path = tmp_path / "0.png"
    Image.fromarray(noise(1, 50)).save(path)
    (tmp_path / "0.pgw").write_text("2\n0\n0\n-2\n650001\n6863999\n")
    srs = rasterio.CRS.from_epsg(2154).to_wkt()
    (tmp_path / "0.png.aux.xml").write_text(f"<PAMDataset><SRS>{srs}</SRS></PAMDataset>")
    facts, reason = sites.look_at(path)
    assert (facts["west"], facts["north"], facts["epsg"], reason) == (W, N, 2154, "")


# tables


@pytest.mark.parametrize("suffix", [".shp", ".gpkg", ".fgb"])
def test_virtual_table_is_none_of_any_kind(tmp_path, suffix):
    path = virtual_table(tmp_path, tmp_path / f"a{suffix}")
    with pytest.raises(RuntimeError, match="it begins with"):
        vectors.layer_names(path)


@pytest.mark.parametrize("suffix", [".shp", ".gpkg", ".fgb"])
def test_virtual_table_named_as_urban_atlas_is_refused(tmp_path, suffix):
    path = tmp_path / f"FR001L1_PARIS_UA2012{suffix}"
    virtual_table(tmp_path.parent, path, code_2012="11100")
    with pytest.raises(InputError, match="it begins with"):
        read_urban_atlas(tmp_path)


@pytest.mark.parametrize("suffix", [".shp", ".gpkg"])
def test_virtual_table_named_as_a_census_is_refused(tmp_path, suffix):
    columns = {name: 1 for name in (ID_COLUMN[2015], *OTHER_COLUMNS[2015].values())}
    path = virtual_table(tmp_path, tmp_path / f"Filosofi2015_carreaux_200m{suffix}", **columns)
    with pytest.raises(InputError, match="it begins with"):
        layouts.read_source(path, 2015, tmp_path / "scratch")


def test_virtual_table_named_dalles_is_no_tile_index(tmp_path):
    pack = write_pack(tmp_path / "aerial_data", "075", 2014, [(W, N)])
    virtual_table(tmp_path, next(pack.rglob("dalles.shp")))
    with pytest.raises(InputError, match="tile index cannot be read: it is no ESRI Shapefile"):
        found_in(tmp_path)


def test_table_that_another_driver_takes_for_its_own_is_refused(tmp_path, monkeypatch):
    """A file may begin as one kind does and hold, further on, the mark of another."""
    samples.land_cover_frame().to_file(tmp_path / "a.shp")
    monkeypatch.setattr(vectors.pyogrio, "read_info", lambda *_, **__: {"driver": "PDS4"})
    with pytest.raises(RuntimeError, match="no ESRI Shapefile but PDS4"):
        vectors.layer_info(tmp_path / "a.shp", "a")


def test_every_kind_that_is_read_has_its_driver():
    assert set(rasters.DRIVERS) == {".jp2", ".tif", ".tiff", ".png", ".jpg", ".jpeg"}
    assert set(vectors.KINDS) == {".shp", ".gpkg", ".fgb", ".geojson"}
