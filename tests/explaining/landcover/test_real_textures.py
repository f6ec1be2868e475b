"""Real aerial textures in quadrants, homes that pay and trees that cost: who calls inert classes?

Poznan's ortho by its own polygons, the trees of a garden in Montpellier, the sea off Mayotte. What
a small network learns of 480 such cells is more than the rule, and local effects say what it reads:
in the cities of seeds 0, 1 and 2 they call 2, 4 and 4 of the 4 inert classes beside the reference.
Adjusted effects on income call none of them.
"""

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import torch
from rasterio.features import rasterize
from torch import nn

from samples import REAL_DATA
from urbancam.explaining.landcover.adjusted import adjusted_effect
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.local import local_effect
from urbancam.explaining.local_moments import cell_moments
from urbancam.explaining.projection import CellMaps
from urbancam.workflow.settings import settings

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

PATCH_PX, SIDE = 8, 8  # of a patch; patches a side of a cell
CELLS, FOLDS, EPOCHS, NOISE_SHARE = 480, 2, 12, 0.5
HOMES, TREES, SEA = 11100, 31000, 50000
CODES = [HOMES, TREES, 12100, 12220, 14100, 14200, SEA]
RULE = np.array([1.0, -1.0, 0, 0, 0, 0, 0])
INERT = [12100, 14100, 14200, SEA]  # beside the reference, roads
SETTINGS = settings.load("default", ["landcover.key=code", "landcover.reference=12220"])


def read_image(name: str) -> tuple[np.ndarray, rasterio.DatasetReader]:
    if not (REAL_DATA / name).is_file():
        pytest.skip("no real samples here")
    with rasterio.open(REAL_DATA / name) as file:
        return file.read([1, 2, 3]).transpose(1, 2, 0), file


def patches(pixels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(n, 8, 8, 3) patches, nearly all of whose pixels are inside."""
    windows = np.lib.stride_tricks.sliding_window_view
    every = (slice(None, None, PATCH_PX // 2),) * 2
    share = windows(inside, (PATCH_PX, PATCH_PX))[every].mean((2, 3))
    cut = windows(pixels, (PATCH_PX, PATCH_PX), (0, 1))[every][share > 0.95]
    return cut.transpose(0, 2, 3, 1)


@pytest.fixture(scope="module")
def textures() -> list[np.ndarray]:
    """Patches of each class, in the order of `CODES`."""
    town, file = read_image("poznan_ortho_2m.tif")
    land = gpd.read_file(REAL_DATA / "PL005L2_POZNAN_UA2018_subset.gpkg").to_crs(file.crs)
    shapes = zip(land.geometry, land["code_2018"].astype(int), strict=True)
    codes = rasterize(shapes, town.shape[:2], transform=file.transform)
    codes[(town == 255).all(-1)] = 0  # the masked square
    garden, _ = read_image("ign_ortho_20cm.tif")
    sea, _ = read_image("ign_mayotte_50cm.jp2")
    elsewhere = {TREES: garden[20:150, 110:235], SEA: sea[:1600:4, 1720::4]}
    return [
        patches(elsewhere[code], np.ones(elsewhere[code].shape[:2]))
        if code in elsewhere
        else patches(town, codes == code)
        for code in CODES
    ]


def quadrants(random: np.random.Generator) -> np.ndarray:
    """(8, 8) number of the class of each patch: four parts that meet at a point."""
    row, column = random.integers(2, SIDE - 1, 2)
    north, west = np.arange(SIDE)[:, None] < row, np.arange(SIDE) < column
    return random.choice(len(CODES), 4)[2 * north.astype(int) + west]


def paint(classes: np.ndarray, textures: list, random: np.random.Generator) -> np.ndarray:
    """(64, 64, 3) image of a cell."""
    rows = [
        np.concatenate([random.choice(textures[number]) for number in row], axis=1)
        for row in classes
    ]
    return np.concatenate(rows, axis=0)


def train(images: torch.Tensor, outcome: torch.Tensor, seed: int) -> nn.Sequential:
    """A network of three convolutions whose positions add up to its answer."""
    torch.manual_seed(seed)
    channels = [3, 16, 32, 32]
    layers: list[nn.Module] = []
    for before, after in zip(channels, channels[1:], strict=False):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 1))
    optimiser = torch.optim.AdamW(network.parameters(), 0.01, weight_decay=0.05)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(32):
            loss = (network(images[batch]).mean((1, 2, 3)) - outcome[batch]).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network.eval()


def explain(images: torch.Tensor, outcome: np.ndarray, folds: np.ndarray, seed: int) -> np.ndarray:
    """(N, 8, 8) contribution of each position, of networks that never saw the cell."""
    contribution = np.zeros((CELLS, SIDE, SIDE))
    for fold in range(FOLDS):
        learned, tested = folds != fold, folds == fold
        target = torch.tensor(outcome[learned], dtype=torch.float32)
        network = train(images[learned], target, seed * FOLDS + fold)
        with torch.no_grad():
            contribution[tested] = network(images[tested])[:, 0].numpy() / SIDE**2
    return contribution


def cells_of(
    classes: np.ndarray, contribution: np.ndarray
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Rows of `activation.parquet` and of `local_moments.parquet` of each cell."""
    patch = np.ones((PATCH_PX, PATCH_PX))
    for place, (of_patch, told) in enumerate(zip(classes, contribution, strict=True)):
        labels = np.kron(of_patch, patch.astype(int))
        values = np.kron(told, patch) / PATCH_PX**2
        area = np.bincount(labels.ravel(), minlength=len(CODES)) / labels.size
        rows = {"code": CODES, "area_m2": 40_000 * area, "contribution": 0.0}
        rows |= {"poor_share": area, "rich_share": area, "idINSPIRE": f"cell{place:03d}"}
        maps = CellMaps(values, values, values, 0.0, 0.0, flat=False, positions=SIDE)
        moments = cell_moments(labels + 1, np.array(CODES), maps)
        table = pd.DataFrame(rows)
        yield table[area > 0], moments.assign(idINSPIRE=f"cell{place:03d}")


def effects_of(textures: list[np.ndarray], seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Local effects, and adjusted effects on income, of a city; blocks of eight cells."""
    random = np.random.default_rng(seed)
    classes = np.stack([quadrants(random) for _ in range(CELLS)])
    pixels = np.stack([paint(own, textures, random) for own in classes])
    images = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.4) / 0.2
    rule = RULE[classes].mean((1, 2))
    noise = random.normal(size=CELLS) * np.sqrt(NOISE_SHARE)
    income = rule / rule.std() * np.sqrt(1 - NOISE_SHARE) + noise
    blocks = np.arange(CELLS) // 8
    rows, moments = zip(
        *cells_of(classes, explain(images, income, blocks % FOLDS, seed)), strict=True
    )
    ids = [f"cell{place:03d}" for place in range(CELLS)]
    predictions = pd.DataFrame({"idINSPIRE": ids, "fold": blocks % FOLDS, "predicted_class": 4})
    city = LandCover(
        pd.concat(rows),
        predictions,
        pd.Series(blocks, index=ids),
        {code: str(code) for code in CODES},
        40_000,
        SETTINGS.landcover,
        SETTINGS.statistics,
        seed=0,
    )
    local = local_effect(city, pd.concat(moments), {code: code for code in CODES})
    adjusted = adjusted_effect(city, {"income": pd.Series(income, index=ids)}, None)
    return local.set_index("class"), adjusted.set_index("class")


def test_the_rule_is_found_and_no_inert_class_is_told_to_go_with_income(textures):
    local, adjusted = effects_of(textures, 0)
    for table in (local, adjusted):
        assert table.loc[HOMES, "significant"] and table.loc[HOMES, "ci_low"] > 0
        assert table.loc[TREES, "significant"] and table.loc[TREES, "ci_high"] < 0
    assert not adjusted.loc[INERT, "significant"].any()
    # Inert classes have local effects too, but none beyond those of the rule.
    assert local["value"].idxmax() == HOMES and local["value"].idxmin() == TREES
