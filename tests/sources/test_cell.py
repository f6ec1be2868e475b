"""A cell's image: where it lies, what is void, who wins."""

import itertools

import numpy as np
import pytest
import rasterio
import shapely

from aerial_tiles import NORTH, TO_GRID, TO_LAMBERT, WEST, cut, real_tile, square, tile_file
from small_packs import noise
from urbancam.sources.imagery.tile import TileFile

STEPS_PER_PX = 0.7  # grey values from one pixel of the ramp to the next


def centres(bounds, image_px):
    """EPSG:3035 coordinates of the image's pixel centres, row 0 in the north."""
    along = (np.arange(image_px) + 0.5) * (bounds[2] - bounds[0]) / image_px
    return np.meshgrid(bounds[0] + along, bounds[3] - along)


def ramp(size_px: int) -> np.ndarray:
    """(S, S, 3) uint8: red tells the column, green the row."""
    steps = STEPS_PER_PX * np.arange(size_px)
    red, green = np.meshgrid(steps, steps)
    blue = np.full_like(red, 99)
    return (np.stack([red, green, blue], axis=2) + 10).round().astype(np.uint8)


def expected_ramp(bounds, image_px, pixel_m):
    """Red and green of the ramp at the image's pixel centres."""
    x, y = TO_LAMBERT.transform(*centres(bounds, image_px))
    column = (x - WEST) / pixel_m - 0.5
    row = (NORTH - y) / pixel_m - 0.5
    return column * STEPS_PER_PX + 10, row * STEPS_PER_PX + 10


# where it lies


def test_bright_north_west_quadrant_stays_in_the_north_west(tmp_path):
    bounds = square(WEST + 160, NORTH - 160)
    along = np.arange(320) + 0.5
    x, y = TO_GRID.transform(*np.meshgrid(WEST + along, NORTH - along))
    north_west = (x < bounds[0] + 100) & (y > bounds[1] + 100)
    grey = np.where(north_west, 220, 60).astype(np.uint8)
    bright = np.stack([grey, grey, grey], axis=2)
    got = cut(bounds, tile_file(tmp_path / "a.jp2", bright)).pixels
    assert (got[:99, :99] > 200).all()
    assert (got[101:] < 80).all() and (got[:, 101:] < 80).all()


@pytest.mark.parametrize(("pixel_m", "image_px"), [(1.0, 200), (1.0, 800), (0.8, 250)])
def test_pixels_lie_within_a_tenth_of_a_pixel(tmp_path, pixel_m, image_px):
    file = tile_file(tmp_path / "a.tif", ramp(340), pixel_m=pixel_m)
    bounds = square(WEST + 140, NORTH - 140)
    got = cut(bounds, file, image_px=image_px).pixels
    for band, expected in enumerate(expected_ramp(bounds, image_px, pixel_m)):
        error_px = (got[..., band] - expected) / STEPS_PER_PX
        assert abs(error_px.mean()) < 0.1
        assert np.abs(error_px).max() < 1.5  # grey values are whole: +-1 of 0.7 a px


def test_coarser_image_is_the_mean_of_what_it_covers(tmp_path):
    file = tile_file(tmp_path / "a.tif", noise(1, 320))
    got = cut(square(WEST + 160, NORTH - 160), file, image_px=20).pixels
    # One of 10 pixels picked at random would keep all of it.
    assert got.std() < noise(1, 320).std() / 5


def test_seams_between_four_tiles_do_not_show(tmp_path):
    whole = ramp(320)
    files = []
    for top, left in itertools.product((0, 160), (0, 160)):
        quarter = whole[top : top + 160, left : left + 160]
        path = tmp_path / f"{top}_{left}.tif"
        files.append(tile_file(path, quarter, WEST + left, NORTH - top))
    bounds = square(WEST + 160, NORTH - 160)
    one = cut(bounds, tile_file(tmp_path / "one.tif", whole))
    four = cut(bounds, *files)
    assert four.void_fraction == 0 and len(four.tiles) == 4
    assert np.abs(four.pixels.astype(int) - one.pixels).max() <= 1


def test_tile_without_georeference_lies_on_its_footprint(tmp_path):
    pixels = ramp(320)
    placed = tile_file(tmp_path / "placed.tif", pixels)
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        options = {"driver": "GTiff", "width": 320, "height": 320, "count": 3, "dtype": "uint8"}
        with rasterio.open(tmp_path / "bare.tif", "w", **options) as bare:
            bare.write(pixels.transpose(2, 0, 1))
    bare = TileFile("bare.tif", tmp_path / "bare.tif", placed.footprint, placed.crs)
    bounds = square(WEST + 160, NORTH - 160)
    np.testing.assert_array_equal(cut(bounds, bare).pixels, cut(bounds, placed).pixels)


# what is void


@pytest.mark.parametrize("share", [0.009, 0.011])
def test_void_outside_the_tile_is_measured_to_a_tenth_of_a_percent(tmp_path, share):
    file = tile_file(tmp_path / "a.tif", noise(1, 320))
    footprint = shapely.box(*file.footprint)

    def outside(x: float) -> float:
        corners = np.array(shapely.box(*square(x, NORTH - 160)).exterior.coords)
        cell = shapely.Polygon(np.column_stack(TO_LAMBERT.transform(*corners.T)))
        return 1 - cell.intersection(footprint).area / cell.area

    places = np.linspace(WEST + 50, WEST + 160, 2000)
    x = places[np.argmin([abs(outside(x) - share) for x in places])]
    got = cut(square(x, NORTH - 160), file, image_px=1000).void_fraction
    assert got == pytest.approx(share, abs=0.001)
    assert (got > 0.01) == (share > 0.01)


@pytest.mark.parametrize("share", [0.009, 0.011])
@pytest.mark.parametrize("grey", [0, 255])
def test_fill_is_measured_with_its_widening(tmp_path, share, grey):
    pixels = noise(1, 1400)
    bounds = square(WEST + 140, NORTH - 140)
    # The cell's north-west corner, which lies inside the tile.
    x, y = TO_LAMBERT.transform(bounds[0], bounds[3])
    left_px = round((x - WEST) / 0.2)
    top_px = round((NORTH - y) / 0.2)
    side_px = round(1000 * share**0.5) - 20  # widened by 20 px
    pixels[: top_px + side_px, : left_px + side_px] = grey
    file = tile_file(tmp_path / "a.tif", pixels, pixel_m=0.2)
    got = cut(bounds, file, image_px=1000).void_fraction
    assert got == pytest.approx(share, abs=0.0009)


@pytest.mark.real_data
def test_poznan_cells_hold_imagery_and_the_masked_square_is_void():
    file = real_tile("poznan_ortho_2m.tif", "EPSG:2180")
    got = []
    for west in (4791600, 4791800, 4792000):
        image = cut((west, 3276600, west + 200, 3276800), file, image_px=100)
        got.append(image.void_fraction)
    assert got[0] == pytest.approx(51 * 51 / 100**2, abs=0.02)
    assert got[1:] == [0, 0]
