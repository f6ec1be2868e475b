"""Nulls of activation ratios: maps that are no more than the null lie in its band."""

import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from land_cover_cities import CELL_AREA_M2, NAMES, SETTINGS, land_cover
from urbancam.explaining import nulls
from urbancam.explaining.attribution.twins import NONE, find_twins
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.projection import LabelledPixels, share_by_fragment

CLASSES = list(NAMES)
CELLS, CELLS_A_BLOCK, CELLS_A_GROUP, SIZE_PX = 240, 6, 24, 12
IDS = np.array([f"cell{i:03d}" for i in range(CELLS)])
BLOCKS = np.arange(CELLS) // CELLS_A_BLOCK
RICH = np.arange(CELLS) % 2 == 1
RUN = SETTINGS.model_copy(
    update={"statistics": SETTINGS.statistics.model_copy(update={"draws": 300})}
)


def make(activation: pd.DataFrame) -> LandCover:
    classes = np.where(RICH, 4, 0)
    predictions = pd.DataFrame(
        {"idINSPIRE": IDS, "predicted_class": classes, "income_class": classes, "value": 1.0}
    )
    return land_cover(activation, predictions, pd.Series(BLOCKS, index=IDS), RUN)


def make_shares(area: np.ndarray, **maps: np.ndarray) -> pd.DataFrame:
    """Shares by fragment, one fragment a class, of maps (cells, classes) that both sides have."""
    rows = {
        "fragment_id": np.arange(area.size),
        "idINSPIRE": np.repeat(IDS, len(CLASSES)),
        "class": CLASSES * CELLS,
        "code": 1,
        "area_m2": area.ravel() * CELL_AREA_M2,
    }
    for name, shares in maps.items():
        rows |= {f"{name}_poor": shares.ravel(), f"{name}_rich": shares.ravel()}
    return pd.DataFrame(rows)


def draw_map(area: np.ndarray, gains: list[float], random: np.random.Generator) -> np.ndarray:
    """(cells, classes) shares: what a class is worth varies by cell and by block."""
    of_block = random.normal(size=(BLOCKS.max() + 1, len(CLASSES)))[BLOCKS]
    noise = 0.4 * random.normal(size=area.shape) + 0.3 * of_block
    weighted = area * gains * np.exp(noise)
    return weighted / weighted.sum(1, keepdims=True)


def another_training(
    random: np.random.Generator, control: str, gain: float
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A null's map that likes green and dislikes roads, and a published one that likes ports
    `gain` times more than that."""
    area = random.dirichlet([2, 2, 2, 2], CELLS)
    gains = [2.0, 1.0, 0.5, 1.0]
    published = [*gains[:3], gain]
    return area, {
        "published": draw_map(area, published, random),
        control: draw_map(area, gains, random),
    }


def another_cell(
    random: np.random.Generator, gain: float
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Bands of land cover from the north or from the south, under smooth maps that are brighter in
    the south-east, whatever lies there, and `gain` times brighter on ports."""
    area = random.dirichlet([2, 2, 2, 2], CELLS)
    edges_px = np.rint(np.cumsum(area, axis=1) * SIZE_PX**2).astype(int)
    labels = 1 + (np.arange(SIZE_PX**2)[None, :, None] >= edges_px[:, None, :3]).sum(-1)
    from_south = random.random(CELLS) < 0.5
    labels[from_south] = labels[from_south, ::-1]
    labels = labels.reshape(-1, SIZE_PX, SIZE_PX)
    slope = np.add.outer(*[np.linspace(0, 1, SIZE_PX)] * 2)
    noise = ndimage.gaussian_filter(random.normal(size=labels.shape), (0, 3, 3)) * 5
    maps = np.exp(noise + slope) * np.where(labels == 4, gain, 1)
    twins = np.concatenate(
        [
            start + find_twins(area[start : start + CELLS_A_GROUP], RICH[:CELLS_A_GROUP])
            for start in range(0, CELLS, CELLS_A_GROUP)
        ]
    )

    def shares(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        pixels = LabelledPixels.group(labels, len(CLASSES))
        return share_by_fragment(pixels.sums(pixels.arrange(values)))

    return area, {
        "published": np.stack(list(map(shares, maps, labels))),
        nulls.OTHER_CELL: np.stack(list(map(shares, maps[twins], labels))),
    }


CITIES = {
    nulls.SHUFFLED: partial(another_training, control="shuffled_labels"),
    nulls.RANDOM: partial(another_training, control="weights_7"),
    nulls.OTHER_CELL: another_cell,
}


@pytest.mark.slow
@pytest.mark.parametrize("null", CITIES)
def test_map_that_is_no_more_than_the_null_lies_in_its_band(null):
    """At p .05 one in twenty, whatever the map likes or where it is bright: 2 to 9 %."""
    outside, p_values = [], []
    for seed in range(60):
        area, maps = CITIES[null](np.random.default_rng(seed), gain=1.0)
        table = nulls.nulls_table(make_shares(area, **maps), make)
        table = table[table["side"] != "contrast"]
        assert (table["null"] == null).all() and len(table) == 2 * len(CLASSES)
        outside.append(~table["value"].between(table["null_low"], table["null_high"]))
        p_values.append(table["p_value"])
    assert 0.02 <= np.mean(outside) <= 0.09
    assert 0.02 <= np.mean(np.array(p_values) <= 0.05) <= 0.09


@pytest.mark.parametrize("null", CITIES)
def test_class_that_is_read_lies_outside(null):
    area, maps = CITIES[null](np.random.default_rng(0), gain=4.0)
    table = nulls.nulls_table(make_shares(area, **maps), make).set_index(["side", "class"])
    ports = table.loc[[("poor", "port"), ("rich", "port")]]
    assert (ports["value"] > ports["null_high"]).all() and (ports["p_value"] < 0.01).all()


def test_band_of_a_contrast_is_in_its_own_unit():
    area, maps = another_training(np.random.default_rng(0), "shuffled_labels", 1.0)
    table = nulls.nulls_table(make_shares(area, **maps), make)
    contrast = table[table["side"] == "contrast"]
    assert (contrast["null_low"] < 0).all() and (contrast["null_high"] > 0).all()
    assert (contrast["n_cells"] == CELLS).all()


def test_a_run_without_nulls_has_the_columns():
    area, maps = another_training(np.random.default_rng(0), "edges", 1.0)
    table = nulls.nulls_table(make_shares(area, **maps), make)
    assert table.empty and table.columns.tolist() == nulls.COLUMNS


def test_twins_are_alike_and_of_one_side():
    composition = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.95, 0.05]])
    assert find_twins(composition, np.zeros(4, bool)).tolist() == [3, 3, 1, 1]
    assert find_twins(composition, np.array([1, 0, 0, 0], bool)).tolist() == [NONE, 3, 1, 1]


def test_memory_of_twins_grows_with_the_cells_and_not_with_their_square():
    random = np.random.default_rng(0)
    composition, rich = random.dirichlet(np.ones(18), 1000), random.random(1000) < 0.4
    tracemalloc.start()
    twins = find_twins(composition, rich)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes / len(rich) < 30e3
    for cell in (0, 500, 999):  # each of another lot of cells that are compared at once
        others = np.flatnonzero((rich == rich[cell]) & (np.arange(1000) != cell))
        distance = np.abs(composition[others] - composition[cell]).sum(1)
        assert twins[cell] == others[distance.argmin()]
