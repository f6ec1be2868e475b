"""Cities whose activation by class of land cover is known or at random, for tests."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.observed import observed_association
from urbancam.explaining.landcover.pairs import coactivation, observed_coassociation
from urbancam.workflow.settings import settings

CELL_AREA_M2 = 40_000
SETTINGS = settings.load("default")
NAMES = {
    "green ua": "Green urban areas",
    "comr_indst": "Industry",
    "roads": "Roads",
    "port": "Ports",
}
TABLES = {
    "activation_ratio": LandCover.activation_ratio,
    "activation_contrast": LandCover.contrast,
    "contribution": LandCover.contribution_by_class,
    "coactivation": coactivation,
    "observed_association": observed_association,
    "observed_coassociation": observed_coassociation,
}


def land_cover(
    rows: pd.DataFrame,
    predictions: pd.DataFrame,
    blocks: pd.Series,
    run: settings.Settings = SETTINGS,
) -> LandCover:
    """Statistics of a city with the classes of `NAMES`, by the settings of a run."""
    return LandCover(
        rows,
        predictions,
        blocks,
        NAMES,
        CELL_AREA_M2,
        run.landcover,
        run.statistics,
        seed=0,
    )


def unchanged(area: np.ndarray, rich: np.ndarray) -> None:
    """The change of `make_city` that changes nothing."""


def make_city(
    n: int = 60,
    gain: float = 3.0,
    change: Callable[[np.ndarray, np.ndarray], None] = unchanged,
) -> LandCover:
    """Each cell holds green, industry and roads, in areas at random.

    Args:
        n: number of cells.
        gain: how much denser the rich map is on green, and the poor map on industry.
        change: `change(area, rich)` alters (n, 3) areas and (n, 3) sums of the rich map in place.
    """
    area = np.random.default_rng(0).dirichlet([2, 2, 2], n)
    rich = area * [gain, 1, 1]
    poor = area * [1, gain, 1]
    change(area, rich)

    ids = [f"cell{i:03d}" for i in range(n)]
    rich_total = rich.sum(1, keepdims=True)
    without_map = np.full_like(rich, np.nan)
    rich_share = np.divide(rich, rich_total, out=without_map, where=rich_total > 0)
    poor_share = poor / poor.sum(1, keepdims=True)
    rows = pd.DataFrame(
        {
            "idINSPIRE": np.repeat(ids, 3),
            "class": ["green ua", "comr_indst", "roads"] * n,
            "area_m2": area.ravel() * CELL_AREA_M2,
            "rich_share": rich_share.ravel(),
            "poor_share": poor_share.ravel(),
            "contribution": (area * [0.5, -0.5, 0]).ravel(),
        }
    )
    classes = np.arange(n) % 5
    predictions = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "predicted_class": classes,
            "income_class": classes,
            "value": 10_000.0 + 1000 * classes,
        }
    )
    blocks = pd.Series([f"block{i // 3}" for i in range(n)], index=ids)
    return land_cover(rows[rows["area_m2"] > 0], predictions, blocks)


def random_city(
    n: int = 150,
    seed: int = 0,
    names: str = "abcdef",
    cells_a_block: int = 5,
    **changes,
) -> LandCover:
    """Classes that many cells lack, with activation and income at random.

    The tables name "a" first.

    Args:
        n: number of cells.
        seed: seed of everything.
        names: names of the classes, a letter each.
        cells_a_block: number of cells in a block.
        changes: changes to section `landcover`; any area of a class counts unless they say else.
    """
    random = np.random.default_rng(seed)
    shape = n, len(names)
    is_held = random.random(shape) < 0.6
    area = np.where(is_held, random.dirichlet(np.full(shape[1], 0.7), n), 0)
    ids = np.array([f"cell{i:05d}" for i in range(n)])
    rows = _random_activation(area, ids, names, random)

    income = random.normal(20_000, 3_000, n) + area @ (2_000 * np.arange(shape[1]))
    quintile_ends = np.percentile(income, [20, 40, 60, 80])
    predictions = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "predicted_class": random.integers(0, 5, n),
            "income_class": np.digitize(income, quintile_ends),
            "value": income,
        }
    )
    return LandCover(
        rows,
        predictions,
        blocks=pd.Series(np.arange(n) // cells_a_block, index=ids),
        names=dict.fromkeys(sorted(names), "name"),
        cell_area_m2=CELL_AREA_M2,
        settings=SETTINGS.landcover.model_copy(update={"min_area_m2": 0.0} | changes),
        statistics=SETTINGS.statistics,
        seed=seed,
    )


def _random_activation(
    area: np.ndarray,
    ids: np.ndarray,
    names: str,
    random: np.random.Generator,
) -> pd.DataFrame:
    """A row per class that a cell holds; shares of the two maps, and contributions, at random."""
    cell, place = np.nonzero(area)
    rows = pd.DataFrame(
        {
            "idINSPIRE": ids[cell],
            "class": np.array(list(names))[place],
            "area_m2": area[cell, place] * CELL_AREA_M2,
            "contribution": random.normal(size=len(cell)),
        }
    )
    for side in ("poor", "rich"):
        activation = rows["area_m2"] * random.gamma(2, size=len(rows))
        total = activation.groupby(rows["idINSPIRE"]).transform("sum")
        rows[f"{side}_share"] = activation / total
    return rows


def green_in_two_blocks(area: np.ndarray, rich: np.ndarray) -> None:
    """A change of `make_city`: cells of the third block on hold no green."""
    area[6:, 0] = 0
    rich[6:, 0] = 0


def green_sliver_in_half(area: np.ndarray, rich: np.ndarray) -> None:
    """A change of `make_city`: 99 m2 of green in every second cell, in place of what it held."""
    area[::2, 0] = 99 / CELL_AREA_M2
    rich[::2, 0] = 3 * area[::2, 0]


def cells_of_draw(city: LandCover, draw: int, numbers: np.ndarray) -> np.ndarray:
    """Rows of the cells that a draw holds, one after the other, as often as they come up.

    Args:
        city: statistics of the city, for its draws.
        draw: number of the draw.
        numbers: (N,) block of each cell.
    """
    rows = []
    # A draw holds one block less than there are, each weighing a little more than one.
    times = np.rint(city.counts[draw] * (1 - 1 / city.n_blocks)).astype(int)
    for block, times_of_block in enumerate(times):
        cells_of_block = np.flatnonzero(numbers == block)
        rows.append(np.tile(cells_of_block, times_of_block))
    return np.concatenate(rows)
