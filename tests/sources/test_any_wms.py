"""Images of cells from a WMS that is not IGN's: its systems, axes, kinds of image and refusals."""

import dataclasses

import numpy as np
import pytest
from pyproj import Transformer

from loopback import HASTY, serve
from map_server import MapServer
from own_rasters import cut_from
from small_packs import N, W, cells_over
from urbancam.sources.wms import of_cells
from urbancam.sources.wms.getmap import requests_for
from urbancam.sources.wms.layers import layer_of, requests_per_second
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings


@pytest.fixture(scope="module")
def cells():
    return cells_over(W, N - 400, W + 400, N)


def waves(x, y):
    """(3, ...) uint8 of EPSG:2154 coordinates, smooth and without fill: 60 to 200."""
    return (130 + 70 * np.stack([np.sin(x / 40), np.cos(y / 50), np.sin((x + y) / 60)])).astype(
        np.uint8
    )


def section(url, **more):
    """Section `imagery` of a WMS at an address, as the settings have it."""
    values = {"wms_url": f"{url}/wms?map=town", "wms_layer": "ortho:rgb 2019", "source": "wms"}
    values |= {"pixel_size_m": 2.0, "wms_per_second": 1000.0} | more
    return settings.load("default").imagery.model_copy(update=values)


def images_of(server, cells, data, **more):
    """The table of the cells' images from a server, and its faults."""
    with serve(server) as (url, requests):
        imagery = section(url, **more)
        table, faults = of_cells.images_of(cells, imagery, data, data / "aerial_data", HASTY)
        return table, faults, [path for path, _ in requests]


def expected_at(cells, image_px=100):
    """The waves on the grids of the cells."""
    to_lambert = Transformer.from_crs("EPSG:3035", "EPSG:2154", always_xy=True)
    along = (np.arange(image_px) + 0.5) * 200 / image_px
    images = []
    for west, _, _, north in cells.geometry.bounds.to_numpy():
        x, y = np.meshgrid(west + along, north - along)
        images.append(waves(*to_lambert.transform(x, y)).transpose(1, 2, 0))
    return images


@pytest.mark.parametrize(
    ("crs", "version", "first"),
    [
        ("EPSG:2154", "1.3.0", "x"),
        ("EPSG:3857", "1.3.0", "x"),
        ("EPSG:4326", "1.3.0", "y"),
        ("EPSG:3035", "1.3.0", "y"),
        ("CRS:84", "1.3.0", "x"),
        ("EPSG:4326", "1.1.1", "x"),
    ],
)
def test_images_lie_where_the_cells_do_in_any_system(tmp_path, cells, crs, version, first):
    server = MapServer(waves, crs=(crs,), version=version)
    more = {"wms_crs": crs, "wms_version": version, "wms_format": "image/png"}
    table, faults, paths = images_of(server, cells, tmp_path, **more)
    assert faults == []
    box = [float(edge) for edge in paths[0].partition("BBOX=")[2].partition("&")[0].split(",")]
    turned = {"x": box[0], "y": box[1]}[first]
    bounds = cells.to_crs(table.crs).total_bounds
    assert bounds[0] - 0.01 * abs(bounds[0]) <= turned <= bounds[2]

    images = cut_from(cells, table, data=tmp_path)
    for got, expected in zip(images, expected_at(cells), strict=True):
        assert got.void_fraction == 0
        assert np.abs(got.pixels.astype(int) - expected).mean() < 1.5


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326", "EPSG:2154"])
def test_pixels_are_as_large_on_the_ground_as_asked_for(cells, crs):
    layer = layer_of(cells, section("http://h", wms_crs=crs, pixel_size_m=2.0))
    request = requests_for(cells.iloc[:1], layer)[0]
    # A cell of 200 m and its margins, turned a little.
    assert 140 < request.width < 180 and 140 < request.height < 180


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/tiff", "image/geotiff"])
def test_kinds_of_image(tmp_path, cells, kind):
    server = MapServer(waves, formats=(kind,))
    table, faults, _ = images_of(server, cells, tmp_path, wms_format=kind)
    assert faults == []
    images = cut_from(cells, table, data=tmp_path)
    for got, expected in zip(images, expected_at(cells), strict=True):
        assert np.abs(got.pixels.astype(int) - expected).mean() < 3


def test_colours_of_a_palette_are_unfolded(tmp_path, cells):
    server = MapServer(waves, palette=True)
    table, faults, _ = images_of(server, cells, tmp_path, wms_format="image/png")
    assert faults == []
    for got, expected in zip(
        cut_from(cells, table, data=tmp_path), expected_at(cells), strict=True
    ):
        assert np.abs(got.pixels.astype(int) - expected).mean() < 25


def test_transparent_part_of_an_image_is_void(tmp_path, cells):
    server = MapServer(waves, transparent=0.5)
    table, faults, _ = images_of(server, cells, tmp_path, wms_format="image/png")
    assert faults == []
    for image in cut_from(cells, table, data=tmp_path):
        assert 0.4 < image.void_fraction < 0.85


def test_wholly_transparent_answer_is_no_image(tmp_path, cells):
    server = MapServer(waves, transparent=1.0)
    table, faults, _ = images_of(server, cells, tmp_path, wms_format="image/png")
    assert faults == []
    assert table["path"].isna().all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"wms_crs": "EPSG:2180"}, "InvalidCRS: EPSG:2180 is not offered"),
        ({"wms_format": "image/geotiff"}, "InvalidFormat: image/geotiff is not offered"),
        ({"wms_version": "1.1.1"}, "MissingParameterValue"),
        ({"pixel_size_m": 0.2}, "images are 300 px at most"),
    ],
)
def test_refusal_with_status_200_is_told_with_the_settings_to_look_up(
    tmp_path, cells, more, message
):
    server = MapServer(waves, most_px=300)
    more = {"wms_format": "image/png"} | more
    table, (fault,), _ = images_of(server, cells, tmp_path, **more)
    assert message in fault.what
    assert "imagery.wms_crs" in fault.do and "imagery.wms_side_px" in fault.do
    assert table["path"].isna().all()


def test_large_images_come_in_pieces_of_the_size_that_the_server_bears(tmp_path, cells):
    server = MapServer(waves, most_px=300)
    more = {"wms_format": "image/png", "pixel_size_m": 0.5, "wms_side_px": 300}
    table, faults, paths = images_of(server, cells.iloc[:1], tmp_path, **more)
    assert faults == []
    assert len(paths) == 4
    (got,) = cut_from(cells.iloc[:1], table, data=tmp_path)
    assert np.abs(got.pixels.astype(int) - expected_at(cells)[0]).mean() < 1.5


def test_unknown_system_is_told(cells):
    with pytest.raises(InputError, match="no coordinate system EPSG:99999"):
        layer_of(cells, section("http://h", wms_crs="EPSG:99999"))


@pytest.mark.parametrize(
    ("url", "own", "expected"),
    [
        ("https://data.geopf.fr/wms-r", None, 40),
        ("https://maps.example.org/wms", None, 4),
        ("https://maps.example.org/wms", 1.5, 1.5),
    ],
)
def test_rate_is_the_users_else_what_the_server_bears(url, own, expected):
    values = [f"imagery.wms_url={url}", f"imagery.wms_per_second={own or 'null'}"]
    assert requests_per_second(settings.load("default", values).imagery) == expected


def test_request_to_ign_is_as_it_was(cells):
    """Else every image in place would be fetched again."""
    layer = layer_of(cells, settings.load("default").imagery)
    layer = dataclasses.replace(layer, url="https://h/wms-r")
    assert requests_for(cells, layer)[0].url == (
        "https://h/wms-r?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap"
        "&LAYERS=HR.ORTHOIMAGERY.ORTHOPHOTOS&STYLES=&FORMAT=image/geotiff&CRS=EPSG:2154"
        "&BBOX=649922.800,6863510.000,650150.400,6863738.000&WIDTH=1138&HEIGHT=1140"
    )
