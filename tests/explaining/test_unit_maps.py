"""Maps of linear units: the same as one network each, and sums that add up to the logit."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import torch

from samples import cell_id
from urbancam.explaining import activation, pixel_maps, unit_maps, unit_moments
from urbancam.learning.models import backbones, networks
from urbancam.sources.landcover.fragments import FragmentsOfCells
from urbancam.tables import grid
from urbancam.workflow.settings import settings

SIZE_PX = 64


def make_network(backbone: str) -> networks.Network:
    torch.manual_seed(0)
    model = settings.load("demo-tiny", [f"model.backbone={backbone}"]).model
    return networks.build(model, pretrained=False).eval()


def random_images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "backbone",
    [
        "efficientnet-b0",
        "resnet18",
        "timm/test_efficientnet",
        "timm/test_convnext",
        "timm/test_vit",
    ],
)
def test_a_units_maps_are_those_of_a_network_with_that_unit(backbone):
    network = make_network(backbone)
    channels = network.linear.weight.shape[1]
    weights = torch.randn(3, channels, generator=torch.Generator().manual_seed(1))
    images = torch.randn(2, 3, SIZE_PX, SIZE_PX, generator=torch.Generator().manual_seed(2))
    layer = backbones.find_backbone(backbone).target_layer
    section = settings.load("demo-tiny").activation
    maps = unit_maps.maps_of_units(network, images, weights, layer, section)
    signed, contribution = maps.signed, maps.contribution
    for unit in range(3):
        network.linear.weight.data = weights[unit : unit + 1]
        expected = activation.compute_maps(network, images, layer)
        assert (maps.lattice, maps.contribution_lattice) == (
            expected.lattice,
            expected.contribution_lattice,
        )
        scale = expected.signed[1].abs().amax((1, 2), keepdim=True)
        own_scale = signed[:, unit].abs().amax((1, 2), keepdim=True)
        assert (signed[:, unit] / own_scale).numpy() == pytest.approx(
            (expected.signed[1] / scale).numpy(), abs=1e-4
        )
        assert contribution[:, unit].numpy() == pytest.approx(
            expected.contribution.numpy(), rel=1e-4, abs=1e-6
        )


def halves(cell: str) -> gpd.GeoDataFrame:
    """Three fragments: water on the west half, roads and water on the east one."""
    west, south, east, north = grid.bounds(cell)
    middle, equator = west + 100, south + 100
    polygons = [
        shapely.box(west, south, middle, north),
        shapely.box(middle, south, east, equator),
        shapely.box(middle, equator, east, north),
    ]
    return gpd.GeoDataFrame(
        {
            "fragment_id": [f"{cell}_{i}" for i in range(3)],
            "idINSPIRE": cell,
            "class": ["water", "roads", "water"],
            "area_m2": [20_000.0, 10_000.0, 10_000.0],
        },
        geometry=polygons,
        crs=grid.CRS,
    )


def test_contributions_of_a_cells_classes_add_up_to_the_units_logit():
    network = make_network("resnet18")
    ids = pd.Series([cell_id(0, 0), cell_id(1, 0)])
    fragments = FragmentsOfCells(pd.concat([halves(cell) for cell in ids]), ids)
    run = settings.load("demo-tiny", ["model.backbone=resnet18"])
    weights = np.random.default_rng(1).normal(size=(2, 2, 512))
    cells = pd.DataFrame({"idINSPIRE": ids, "fold": [0, 1]})
    moments = unit_moments.UnitMoments(pd.Series([0, 1], index=ids), ["roads", "water"], 2)
    by_fold = dict(enumerate(weights))
    table, sums = unit_maps.sum_units(
        cells, random_images(), np.arange(2), network, by_fold, fragments, moments, run
    )
    assert table["class"].tolist() == ["roads", "water"] * 2
    assert table["area_m2"].tolist() == [10_000, 30_000] * 2
    pixels = pixel_maps.pixels_of(random_images(), torch.device("cpu"))
    with torch.no_grad():
        embedding = network.embed(network.normalised(pixels, "pretrained")).numpy()
    for number in range(2):
        own = sums[2 * number : 2 * number + 2]
        expected = weights[number] @ embedding[number]
        assert own[..., 0].sum(axis=0) == pytest.approx(expected, rel=1e-4)
        assert own[..., 1:].sum(axis=0) == pytest.approx(np.ones((2, 2)))


def test_a_cell_without_land_cover_has_no_rows():
    network = make_network("resnet18")
    ids = pd.Series([cell_id(0, 0), cell_id(1, 0)])
    fragments = FragmentsOfCells(halves(ids[0]), ids)
    run = settings.load("demo-tiny", ["model.backbone=resnet18"])
    cells = pd.DataFrame({"idINSPIRE": ids, "fold": 0})
    weights = {0: np.ones((1, 512))}
    moments = unit_moments.UnitMoments(pd.Series([0], index=ids[:1]), ["roads", "water"], 1)
    table, sums = unit_maps.sum_units(
        cells, random_images(), np.arange(2), network, weights, fragments, moments, run
    )
    assert set(table["idINSPIRE"]) == {ids[0]} and sums.shape == (2, 1, 3)
