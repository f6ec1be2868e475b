"""Rasters of the user's own as tiles: what is taken, what is void, what is refused."""

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from aerial_tiles import cut_cell
from own_rasters import cut_from, imagery, table_of, write_raster
from samples import REAL_DATA
from small_packs import cells_over, found_in, noise, write_pack
from urbancam.sources.imagery import rasters
from urbancam.sources.imagery.named_files import named_files, with_sources
from urbancam.sources.imagery.signatures import signature
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.workflow.errors import InputError

W, N = 650_000, 6_864_000  # north-west corner, m, EPSG:2154
LAMBERT = "EPSG:2154"
SIDE_M, PIXEL_M = 1000, 2.0
PLACE = Affine(PIXEL_M, 0, W, 0, -PIXEL_M, N)


@pytest.fixture(scope="module")
def cells():
    """A few cells that lie well inside the square of the rasters."""
    return cells_over(W + 300, N - 700, W + 700, N - 300).iloc[:4]


def waves(x, y):
    """(3, ...) uint8 of EPSG:2154 coordinates, smooth and without fill: 60 to 200."""
    waves = [np.sin(x / 40), np.cos(y / 50), np.sin((x + y) / 60)]
    return (130 + 70 * np.stack(waves)).astype(np.uint8)


def painted(place=PLACE, side_px=int(SIDE_M / PIXEL_M)):
    """(3, S, S) uint8: the waves at the pixels' centres."""
    x, y = place @ np.meshgrid(np.arange(side_px) + 0.5, np.arange(side_px) + 0.5)
    return waves(np.asarray(x), np.asarray(y))


def write(path, pixels=None, **more):
    return write_raster(path, painted() if pixels is None else pixels, PLACE, LAMBERT, **more)


def in_system(path, crs):
    """The same waves on pixels of 2 m (on the ground) of another coordinate system."""
    to_crs = Transformer.from_crs(LAMBERT, crs, always_xy=True)
    west, south, east, north = to_crs.transform_bounds(W, N - SIDE_M, W + SIDE_M, N)
    width, height = (east - west) / 500, (north - south) / 500
    if not to_crs.target_crs.is_geographic:
        height = width
    place = Affine(width, 0, west, 0, -height, north)
    x, y = place @ np.meshgrid(np.arange(500) + 0.5, np.arange(500) + 0.5)
    pixels = waves(*to_crs.transform(np.asarray(x), np.asarray(y), direction="INVERSE"))
    return write_raster(path, pixels, place, crs)


# what is taken


def test_table_says_what_each_raster_is(tmp_path, cells):
    path = write(tmp_path / "data" / "ortho.tif")
    (row,) = table_of(cells, path, data=tmp_path / "data", year=2018).to_dict("records")
    assert (row["name"], row["path"], row["campaign_year"]) == ("ortho.tif", "ortho.tif", 2018)
    assert row["size_bytes"] == path.stat().st_size
    assert row["signature"] == signature(path)


def test_raster_outside_the_data_folder_is_told_by_its_whole_path(tmp_path, cells):
    path = write(tmp_path / "a.tif")
    assert table_of(cells, path)["path"].tolist() == [str(path)]
    assert all(image.void_fraction == 0 for image in cut_from(cells, table_of(cells, path)))


@pytest.mark.parametrize("crs", ["EPSG:3035", "EPSG:32631", "EPSG:3857", "EPSG:4326"])
def test_image_is_the_same_whatever_the_system_of_the_raster(tmp_path, cells, crs):
    plain = write(tmp_path / "plain.tif")
    moved = in_system(tmp_path / "moved.tif", crs)
    expected = cut_from(cells, table_of(cells, plain, pixel_size_m=2.5))
    got = cut_from(cells, table_of(cells, moved, pixel_size_m=2.5))
    for one, other in zip(got, expected, strict=True):
        assert one.void_fraction == 0
        assert np.abs(one.pixels.astype(int) - other.pixels).mean() < 1.5


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326"])
def test_pixel_size_is_that_on_the_ground(tmp_path, crs):
    path = in_system(tmp_path / "moved.tif", crs)
    found, faults = rasters.scan(imagery(path, coarser=True), "EPSG:3035")
    assert not faults
    assert found[0].pixel_m == pytest.approx(PIXEL_M, rel=0.06)


def test_rasters_of_two_systems_are_put_together(tmp_path, cells):
    whole = write(tmp_path / "whole.tif")
    half = painted()
    half[:, :, 250:] = 0
    west = write(tmp_path / "west.tif", half, nodata=0)
    other = in_system(tmp_path / "utm.tif", "EPSG:32631")
    expected = cut_from(cells, table_of(cells, whole, pixel_size_m=2.1))
    got = cut_from(cells, table_of(cells, west, other, pixel_size_m=2.1))
    assert {image.tiles for image in got} >= {("west.tif", "utm.tif")}
    for one, two in zip(got, expected, strict=True):
        assert one.void_fraction == 0
        assert np.abs(one.pixels.astype(int) - two.pixels).mean() < 1.5


def test_files_named_first_win_where_they_overlap(tmp_path, cells):
    bright, dark = (write(tmp_path / f"{grey}.tif", painted() // 2 + grey) for grey in (120, 20))
    for first, second in ((bright, dark), (dark, bright)):
        images = cut_from(cells, table_of(cells, first, second))
        assert {image.tiles for image in images} == {(first.name,)}


def test_virtual_raster_is_its_tiles(tmp_path, cells):
    plain = write(tmp_path / "plain.tif")
    parts = []
    for left in (0, 250):
        place = PLACE @ Affine.translation(left, 0)
        piece = painted()[:, :, left : left + 250]
        parts.append(write_raster(tmp_path / f"{left}.tif", piece, place, LAMBERT))
    vrt = virtual(tmp_path / "all.vrt", parts)
    expected = cut_from(cells, table_of(cells, plain))
    got = cut_from(cells, table_of(cells, vrt))
    for one, two in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one.pixels, two.pixels)


def virtual(path, parts):
    """A virtual raster of two halves side by side."""
    source = (
        '<SimpleSource><SourceFilename relativeToVRT="1">{name}</SourceFilename>'
        "<SourceBand>{band}</SourceBand>"
        '<SrcRect xOff="0" yOff="0" xSize="250" ySize="500"/>'
        '<DstRect xOff="{left}" yOff="0" xSize="250" ySize="500"/></SimpleSource>'
    )
    bands = ""
    for band in (1, 2, 3):
        sources = [
            source.format(name=part.name, band=band, left=250 * number)
            for number, part in enumerate(parts)
        ]
        bands += f'<VRTRasterBand dataType="Byte" band="{band}">{"".join(sources)}</VRTRasterBand>'
    numbers = ", ".join(map(str, PLACE.to_gdal()))
    path.write_text(
        f'<VRTDataset rasterXSize="500" rasterYSize="500"><SRS>{LAMBERT}</SRS>'
        f"<GeoTransform>{numbers}</GeoTransform>{bands}</VRTDataset>"
    )
    return path


def test_virtual_raster_changes_with_the_files_that_it_leads_to(tmp_path):
    parts = [write(tmp_path / "0.tif"), write(tmp_path / "250.tif")]
    vrt = virtual(tmp_path / "all.vrt", parts)
    before = signature(vrt)
    assert with_sources(vrt) == [vrt, *parts]
    write(parts[1], painted() // 2)
    assert signature(vrt) != before
    parts[0].unlink()
    with pytest.raises(InputError, match="leads to 1 files that are not there"):
        rasters.tiles_of(cells_over(W, N - 400, W + 400, N), imagery(vrt), tmp_path)


def test_jpeg_2000_is_read(tmp_path, cells):
    options = {"driver": "JP2OpenJPEG", "quality": 100, "reversible": True}
    jp2 = write(tmp_path / "a.jp2", **options)
    expected = cut_from(cells, table_of(cells, write(tmp_path / "a.tif")))
    for one, two in zip(cut_from(cells, table_of(cells, jp2)), expected, strict=True):
        np.testing.assert_array_equal(one.pixels, two.pixels)


def test_patterns_and_lists_name_files_once(tmp_path):
    for name in ("b.tif", "a.tif", "in/c.tif", "x[1].tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    got = named_files(["b.tif", "*.tif", "**/c.tif", "x[1].tif", "none*.tif"], tmp_path)
    names = {pattern: [path.name for path in paths] for pattern, paths in got.items()}
    assert names["b.tif"] == ["b.tif"]
    assert names["*.tif"] == ["a.tif", "x[1].tif"]
    assert names["**/c.tif"] == ["c.tif"]
    assert names["none*.tif"] == []


def test_only_rasters_that_cells_touch_are_in_the_table(tmp_path, cells):
    near = write(tmp_path / "near.tif")
    far_place = PLACE @ Affine.translation(5000, 0)
    far = write_raster(tmp_path / "far.tif", painted(), far_place, LAMBERT)
    assert table_of(cells, near, far)["name"].tolist() == ["near.tif"]
    with pytest.raises(InputError, match="no raster touches the cells"):
        table_of(cells, far)


@pytest.mark.parametrize(("year", "expected"), [(None, 2016), (2019, 2019)])
def test_year_is_that_of_the_settings_else_of_the_file(tmp_path, cells, year, expected):
    path = write(tmp_path / "a.tif")
    with rasterio.open(path, "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="2016:05:30 11:00:00")
    assert table_of(cells, path, year=year)["campaign_year"].tolist() == [expected]


def test_year_that_nothing_tells_is_empty(tmp_path, cells):
    assert table_of(cells, write(tmp_path / "a.tif"))["campaign_year"].isna().all()


def test_of_four_bands_the_first_three_are_taken(tmp_path, cells):
    infrared = noise(1, 500).transpose(2, 0, 1)[:1]
    path = write(tmp_path / "a.tif", np.concatenate([painted(), infrared]))
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [*file.colorinterp[:3], ColorInterp.undefined]
    expected = cut_from(cells, table_of(cells, write(tmp_path / "b.tif")))
    for one, two in zip(cut_from(cells, table_of(cells, path)), expected, strict=True):
        np.testing.assert_array_equal(one.pixels, two.pixels)
        assert one.void_fraction == 0


# what is void


def half_void(tmp_path, kind, grey=255):
    """A raster whose western half is void, as a value, an alpha band or a mask says."""
    pixels, path = painted(), tmp_path / f"{kind}.tif"
    shown = np.full(pixels.shape[1:], 255, np.uint8)
    shown[:, :250] = 0
    if kind == "nodata":
        pixels[:, :, :250] = grey
        return write(path, pixels, nodata=grey)
    if kind == "alpha":
        return write(path, np.concatenate([pixels, shown[None]]), photometric="RGB", alpha="YES")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write(path, pixels)
        with rasterio.open(path, "r+") as file:
            file.write_mask(shown)
    return path


@pytest.mark.parametrize("kind", ["nodata", "alpha", "mask"])
def test_what_the_file_declares_is_void_to_the_pixel(tmp_path, cells, kind):
    expected = cut_from(cells, table_of(cells, half_void(tmp_path, "alpha")))
    got = cut_from(cells, table_of(cells, half_void(tmp_path, kind)))
    fractions = [image.void_fraction for image in got]
    assert 0 < max(fractions) and min(fractions) < 1
    assert fractions == pytest.approx([image.void_fraction for image in expected], abs=0.002)


def test_where_void_is_declared_nothing_is_guessed_from_colours(tmp_path, cells):
    pixels = painted()
    pixels[:, :, :250] = 0  # a lake up to the edge
    declared = write(tmp_path / "declared.tif", pixels, nodata=255)
    silent = write(tmp_path / "silent.tif", pixels)
    assert all(image.void_fraction == 0 for image in cut_from(cells, table_of(cells, declared)))
    assert any(image.void_fraction > 0.2 for image in cut_from(cells, table_of(cells, silent)))


# what is refused


def refused(path, cells, **more):
    with pytest.raises(InputError) as caught:
        table_of(cells, path, **more)
    return str(caught.value)


GREY = painted()[:1]
REFUSALS = {
    "16 bits": (painted().astype("uint16"), {}, "not of 8 bits", "gdal_translate -ot Byte"),
    "one band": (GREY, {}, "1 band, not red", "gdalbuildvrt -separate"),
    "no system": (painted(), {"crs": None}, "names no coordinate system", "-a_srs EPSG:<code>"),
    "turned": (
        painted(),
        {"transform": PLACE @ Affine.rotation(5)},
        "do not run from west to east",
        "gdalwarp",
    ),
    "oblong": (
        painted(),
        {"transform": PLACE @ Affine.scale(1, 1.5)},
        "no squares, 2 by 3",
        "-tr 2 2",
    ),
    "elsewhere": (painted(), {"crs": "EPSG:2180"}, "its coordinates", "true coordinate system"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_cut_is_refused_with_the_command_that_mends_it(tmp_path, cells, name):
    pixels, more, what, do = REFUSALS[name]
    profile = {"crs": LAMBERT, "transform": PLACE} | more
    path = write_raster(tmp_path / "a.tif", pixels, profile["transform"], profile["crs"])
    message = refused(path, cells)
    assert what in message and do in message and "a.tif" in message


def test_palette_is_refused(tmp_path, cells):
    path = write(tmp_path / "a.tif", GREY)
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {grey: (grey, 0, 255 - grey, 255) for grey in range(256)})
    assert "gdal_translate -expand rgb" in refused(path, cells)


def test_infrared_that_is_declared_as_alpha_is_refused(tmp_path, cells):
    infrared = noise(1, 500).transpose(2, 0, 1)[:1]
    pixels = np.concatenate([painted(), infrared])
    path = write(tmp_path / "a.tif", pixels, photometric="RGB", alpha="YES")
    assert "-b 1 -b 2 -b 3" in refused(path, cells)


def test_bands_in_another_order_are_refused(tmp_path, cells):
    path = write(tmp_path / "a.tif", photometric="MINISBLACK")
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    assert "-b 3 -b 2 -b 1" in refused(path, cells)


def test_pixels_coarser_than_the_images_are_refused_unless_asked_for(tmp_path, cells):
    path = write(tmp_path / "a.tif")
    assert "imagery.pixel_size_m: 2" in refused(path, cells, pixel_size_m=0.2)
    assert len(table_of(cells, path, pixel_size_m=0.2, coarser=True)) == 1


def test_all_faults_are_told_at_once(tmp_path, cells):
    (tmp_path / "text.tif").write_text("<html>404</html>")
    (tmp_path / "image.ecw").touch()
    grey = write(tmp_path / "grey.tif", GREY)
    with pytest.raises(InputError) as caught:
        table_of(cells, tmp_path / "text.tif", tmp_path / "image.ecw", grey, tmp_path / "none*.tif")
    message = str(caught.value)
    assert message.startswith("4 of 4 rasters cannot be used")
    for name in ("text.tif", "image.ecw", "grey.tif", "none*.tif"):
        assert name in message


@pytest.mark.real_data
def test_orthophoto_of_poznan_is_taken_as_it_is():
    path = REAL_DATA / "poznan_ortho_2m.tif"
    if not path.is_file():
        pytest.skip("the real samples are not here")
    from city_tiles import squares

    cells = squares((4_791_600, 3_276_600), (4_791_800, 3_276_600), (4_792_000, 3_276_600))
    tiles = table_of(cells, path, year=2018)
    voids = [image.void_fraction for image in cut_from(cells, tiles)]
    # The masked square of 51 x 51 px lies in the first cell.
    assert voids[0] == pytest.approx(51 * 51 / 100**2, abs=0.02)
    assert voids[1:] == [0, 0]


def test_cell_of_another_system_shows_what_lies_there(tmp_path):
    path = write(tmp_path / "a.tif")
    to_utm = Transformer.from_crs(LAMBERT, "EPSG:32631", always_xy=True)
    x, y = (round(value, -2) for value in to_utm.transform(W + 500, N - 500))
    bounds, image_px = (x - 125, y - 125, x + 125, y + 125), 125
    with Tile(TileFile("a.tif", path, (0, 0, 1, 1), LAMBERT, source="rasters")) as tile:
        got = cut_cell(bounds, "EPSG:32631", [tile], image_px)
    along = (np.arange(image_px) + 0.5) * 2
    place = np.meshgrid(bounds[0] + along, bounds[3] - along)
    expected = waves(*to_utm.transform(*place, direction="INVERSE")).transpose(1, 2, 0)
    assert got.void_fraction == 0
    assert np.abs(got.pixels.astype(int) - expected).max() <= 2


@pytest.mark.slow
def test_copies_of_a_packs_tiles_give_the_same_images(tmp_path, cells):
    corners = [(W + left, N - top) for left in (0, 400, 800) for top in (0, 400, 800)]
    write_pack(tmp_path / "aerial_data", "75", 2014, corners)
    packs = found_in(tmp_path, cells).tiles
    for name in packs["path"]:
        with rasterio.open(tmp_path / name) as tile:
            write_raster(
                tmp_path / "copies" / f"{tile.name[-40:-4].replace('/', '_')}.tif",
                tile.read(),
                tile.transform,
                LAMBERT,
            )
    copies = table_of(cells, tmp_path / "copies" / "*.tif")
    assert len(copies) == len(packs)
    expected = cut_from(cells, packs, data=tmp_path)
    for one, two in zip(cut_from(cells, copies), expected, strict=True):
        np.testing.assert_array_equal(one.pixels, two.pixels)
        assert one.void_fraction == two.void_fraction
