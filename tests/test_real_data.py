"""Real samples from the archive to the fragments' rows: Poznan's three whole cells, cut, read,
projected."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import torch
from pyproj import Transformer

from aerial_tiles import cut_cell
from samples import REAL_DATA
from urban_atlas_classes import TABLE
from urbancam.explaining import pixel_maps, projection
from urbancam.learning.models import networks
from urbancam.sources.census import selection
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.sources.landcover.fragments import FragmentsOfCells, cut_by_cells, label_raster
from urbancam.sources.urban_atlas import products
from urbancam.tables import grid
from urbancam.workflow.settings import settings

pytestmark = pytest.mark.real_data

IDS = pd.Series([f"CRS3035RES200mN3276600E{east}" for east in (4791600, 4791800, 4792000)])
SIZE_PX = 96


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """(3, 96, 96, 3) uint8."""
    if not (path := REAL_DATA / "poznan_ortho_2m.tif").is_file():
        pytest.skip("no real samples here")
    tile = Tile(TileFile(path.name, path, (0, 0, 1, 1), "EPSG:2180"))
    return np.stack([cut_cell(grid.bounds(cell), grid.CRS, [tile], SIZE_PX).pixels for cell in IDS])


@pytest.fixture(scope="module")
def fragments(tmp_path_factory) -> FragmentsOfCells:
    if not (REAL_DATA / "PL005L2_POZNAN_UA2018_subset.gpkg").is_file():
        pytest.skip("no real samples here")
    land, _ = products.read_city(
        REAL_DATA, "Poznań", 2018, TABLE, tmp_path_factory.mktemp("scratch")
    )
    cells = cut_by_cells(land, as_cells(IDS))
    return FragmentsOfCells(cells, IDS)


def as_cells(ids: pd.Series):
    return gpd.GeoDataFrame({"idINSPIRE": ids}, geometry=selection.squares(ids), crs=grid.CRS)


def labels_of(cell: str, fragments: FragmentsOfCells) -> np.ndarray:
    return label_raster(fragments[cell]["geometry"].to_numpy(), grid.bounds(cell), SIZE_PX)


def pixel_centres(cell: str) -> tuple[np.ndarray, np.ndarray]:
    """EPSG:3035 coordinates of the pixels' centres, each (96, 96), row 0 in the north."""
    west, south, east, north = grid.bounds(cell)
    along = (np.arange(SIZE_PX) + 0.5) * (east - west) / SIZE_PX
    return np.meshgrid(west + along, north - along)


@pytest.mark.parametrize("number", range(3))
def test_image_is_the_orthophoto_at_each_pixels_place_and_no_turned_one_is(images, number):
    x, y = Transformer.from_crs("EPSG:3035", "EPSG:2180", always_xy=True).transform(
        *pixel_centres(IDS[number])
    )
    with rasterio.open(REAL_DATA / "poznan_ortho_2m.tif") as photo:
        found = np.array([*photo.sample(zip(x.ravel(), y.ravel(), strict=True))])[:, :3]
    expected = np.where(
        (found == 255).all(1), 0, found.mean(1)
    )  # the masked square is white there and void here
    image = images[number].mean(2)
    turned = [np.rot90(side, k) for side in (image, image[:, ::-1]) for k in range(4)]
    likeness = [np.corrcoef(side.ravel(), expected)[0, 1] for side in turned]
    assert likeness[0] > 0.9 and max(likeness[1:]) < 0.6, np.round(likeness, 2)


@pytest.fixture(scope="module")
def maps(images) -> list[projection.CellMaps]:
    """Maps of a network of random weights, batch-norm statistics taken from the cells, so that
    they are not flat."""
    run = settings.load("demo")
    torch.manual_seed(0)
    network = networks.build(run.model)
    batch = torch.from_numpy(np.concatenate([images, images[:, ::-1], images[:, :, ::-1]])).permute(
        0, 3, 1, 2
    )
    with torch.no_grad():
        for _ in range(20):
            network.train()(batch.float() / 127.5 - 1)
    return pixel_maps.map_cells(network.eval(), images, run)


def test_maps_of_a_network_project_onto_the_fragments(fragments, maps):
    """Every fragment's sums against the pixels whose centres lie in its polygon, found without a
    raster."""
    for cell, cell_maps in zip(IDS, maps, strict=True):
        held = fragments[cell]
        got = projection.project_cell(held, labels_of(cell, fragments), cell_maps)
        inside = np.stack(
            [shapely.contains_xy(polygon, *pixel_centres(cell)) for polygon in held["geometry"]]
        )
        for name, values in (
            ("poor_sum", cell_maps.poor),
            ("rich_sum", cell_maps.rich),
            ("contribution", None),
        ):
            values = cell_maps.contribution if values is None else values
            expected = (inside * values).sum((1, 2), dtype=float)
            np.testing.assert_allclose(
                got[name], expected, rtol=1e-5, atol=1e-6 * np.abs(values).sum()
            )
        assert (
            got["pixel_count"].sum() == SIZE_PX**2
            and (got["pixel_count"] == inside.sum((1, 2))).all()
        )


def test_contributions_add_up_to_the_logit_and_shares_to_one(fragments, maps):
    for cell, cell_maps in zip(IDS, maps, strict=True):
        got = projection.project_cell(fragments[cell], labels_of(cell, fragments), cell_maps)
        assert not cell_maps.flat and abs(cell_maps.logit - cell_maps.bias) > 1e-3
        assert got["contribution"].sum() == pytest.approx(
            cell_maps.logit - cell_maps.bias, rel=1e-4
        )
        assert got[["poor_share", "rich_share"]].sum().tolist() == pytest.approx([1, 1])
