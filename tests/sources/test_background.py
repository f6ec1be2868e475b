"""Fill in a WMS's images of single cells: background, and roofs that look like fill in a pack."""

import numpy as np
import pytest
import rasterio

from aerial_tiles import real_tile
from loopback import HASTY, serve
from provider_server import WMS, Ign
from small_packs import N, W, cells_over, noise, write_tile
from urbancam.sources.imagery import cutting
from urbancam.sources.imagery.background import background, plain_corners
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.sources.wms import cell_images, client
from urbancam.sources.wms.getmap import requests_for
from urbancam.sources.wms.layers import Layer

PIXEL_M = 1.0
ROOF_M = (60, 40)


def images_of(data, paint, squares):
    """The table of each cell's image, out of a WMS that shows what is painted."""
    folder = data / "aerial_data" / "wms" / "L"
    with serve(Ign(paint=paint)) as (url, _):
        layer = Layer(url + WMS, "L", (PIXEL_M, PIXEL_M))
        of_cells = requests_for(squares, layer)
        assert client.fetch_images(of_cells, folder, 1000, HASTY) == {}
    table = cell_images.image_table(of_cells, squares, layer, data, folder, {})
    cells = cells_with_tiles(squares, table, data)
    images = cutting.cut_images(cells, data / "images", 100, workers=1)
    return images.set_index("idINSPIRE").reindex(squares["idINSPIRE"])


def void_of(data, paint, squares):
    """Void fraction of each of these images."""
    return images_of(data, paint, squares)["void_fraction"]


def ground(x, y):
    """(3, H, W) uint8 between 40 and 215, the same at the same place."""
    return (40 + (x * 7919 + y * 104_729 + np.arange(3)[:, None, None] * 31) % 176).astype(np.uint8)


def roofs_at_corners(squares, grey):
    """A roof over a corner of each cell, so that the image's edge cuts through it."""
    corners = squares.to_crs("EPSG:2154").geometry.bounds.to_numpy()[:, :2]

    def paint(x, y):
        pixels = ground(x, y)
        for west, south in corners:
            is_roof = (abs(x - west - 5) < ROOF_M[0] / 2) & (abs(y - south - 5) < ROOF_M[1] / 2)
            pixels[:, is_roof] = grey
        return pixels

    return paint


@pytest.mark.slow
@pytest.mark.parametrize("grey", [254, 255, 1, 0])
def test_no_roof_at_an_edge_is_lost(tmp_path, grey):
    squares = cells_over(W, N - 1600, W + 1400, N).head(48)
    assert len(squares) == 48
    void = void_of(tmp_path, roofs_at_corners(squares, grey), squares)
    assert (void == 0).all()


@pytest.mark.parametrize("grey", [0, 255])
def test_background_beyond_the_mosaic_is_void(tmp_path, grey):
    squares = cells_over(W, N - 600, W + 600, N)
    end = W + 300  # m, the mosaic's east end

    def paint(x, y):
        pixels = ground(x, y)
        pixels[:, x >= end] = grey
        return pixels

    void = void_of(tmp_path, paint, squares)
    bounds = squares.to_crs("EPSG:2154").geometry.bounds.reset_index(drop=True)
    beyond = (bounds["minx"] >= end).to_numpy()
    crossed = ((bounds["minx"] < end - 40) & (bounds["maxx"] > end + 40)).to_numpy()
    inside = (bounds["maxx"] < end - 40).to_numpy()
    assert beyond.any() and crossed.any() and inside.any()
    assert (void[beyond] == 1).all()
    assert void[crossed].between(0.05, 0.999).all()
    assert (void[inside] == 0).all()


def share_of_background(tmp_path, slices, grey, size_px=300):
    """Share of an image of noise that background takes, with one plain rectangle."""
    pixels = noise(3, size_px)
    pixels[slices] = grey
    path = write_tile(tmp_path / "a.tif", pixels, W, N, pixel_m=PIXEL_M)
    footprint = (W, N - size_px * PIXEL_M, W + size_px * PIXEL_M, N)
    with Tile(TileFile("a.tif", path, footprint, "EPSG:2154", source="wms")) as tile:
        mask = background(tile)
    return 0 if mask is None else mask.mean()


@pytest.mark.parametrize(
    ("slices", "grey", "share"),
    [
        (np.s_[:, :30], 255, 0.1),  # along a whole side
        (np.s_[-3:, :], 255, 0.01),
        (np.s_[:160, :160], 255, 160**2 / 300**2),  # a large corner
        (np.s_[:, :30], 0, 0.1),
        (np.s_[:100, :100], 255, 0),  # a corner as large as a roof
        (np.s_[50:250, 50:250], 255, 0),  # an island
        (np.s_[:, :30], 254, 0),  # nearly the background's colour
        (np.s_[:, :30], 1, 0),
    ],
)
def test_background_is_exact_and_larger_than_roofs(tmp_path, slices, grey, share):
    assert share_of_background(tmp_path, slices, grey) == pytest.approx(share)


@pytest.mark.parametrize(
    ("slices", "grey", "share"),
    [
        (np.s_[:50, :60], 255, 0.075),
        (np.s_[-50:, -60:], 0, 0.075),
        (np.s_[:9, :9], 255, 0),  # less than 100 m2
        (np.s_[:50, :60], 254, 0),
        (np.s_[:50, 20:80], 255, 0),  # at a side, not at a corner
    ],
)
def test_corners_that_pass_for_ground_are_measured(slices, grey, share):
    image = noise(3, 200)
    image[slices] = grey
    assert plain_corners(image.transpose(2, 0, 1), PIXEL_M) == pytest.approx(share)


@pytest.mark.slow
def test_corners_that_pass_for_ground_are_in_the_table(tmp_path):
    squares = cells_over(W, N - 600, W + 600, N)
    images = images_of(tmp_path, roofs_at_corners(squares.head(1), 255), squares)
    assert (images["void_fraction"] == 0).all()
    assert images["plain_corner_fraction"].iloc[0] > 0
    assert (images["plain_corner_fraction"] == 0).any()


@pytest.mark.real_data
def test_no_pixel_of_the_real_orthophoto_is_background(tmp_path):
    """Cells as large as IGN's, tiled with the sample and its mirrors; and the sample itself."""
    with rasterio.open(real_tile("ign_ortho_20cm.tif", "EPSG:2154").path) as image:
        sample = image.read((1, 2, 3)).transpose(1, 2, 0)
    mirrored = np.vstack([np.hstack([sample, sample[:, ::-1]]), np.hstack([sample, sample])[::-1]])
    assert (sample == 255).all(axis=2).sum() == 4  # saturated pixels that are ground
    for name, pixels in (("one.tif", sample), ("cell.tif", np.tile(mirrored, (2, 2, 1)))):
        path = write_tile(tmp_path / name, pixels, W, N, pixel_m=0.2)
        footprint = (W, N - len(pixels) * 0.2, W + len(pixels) * 0.2, N)
        with Tile(TileFile(name, path, footprint, "EPSG:2154", source="wms")) as tile:
            assert background(tile) is None
