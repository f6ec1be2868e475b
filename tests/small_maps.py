"""Cities of small cells whose maps follow, or do not follow, their land cover, for tests."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import ndimage

from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.local_moments import cell_moments
from urbancam.explaining.projection import CellMaps
from urbancam.workflow.settings import settings

SIZE_PX, POSITIONS = 24, 6
CLASSES = ["green ua", "roads", "port", "water", "comr_indst"]
CODES = np.array([14100, 12220, 12300, 50000, 12100])
SETTINGS = settings.load("default", ["landcover.reference=roads", "statistics.draws=200"])

# Of (H, W) numbers of classes and random numbers, a map of any sign.
Reader = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def quadrants(random: np.random.Generator) -> np.ndarray:
    """(H, W) number of the class at each pixel: four parts that meet at a point, roads between."""
    row, column = random.integers(6, SIZE_PX - 6, 2)
    north = np.arange(SIZE_PX)[:, None] < row
    west = np.arange(SIZE_PX) < column
    of_part = random.choice([0, 2, 3, 4], 4)
    classes = of_part[2 * north.astype(int) + west]
    classes[row - 1 : row + 1] = 1
    classes[:, column - 1 : column + 1] = 1
    return classes


def smooth_noise(classes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A map that knows nothing of the classes."""
    return ndimage.gaussian_filter(random.normal(size=classes.shape), 4, mode="wrap")


def reads_green(classes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A map that is bright on the first class alone, blurred, with a little noise."""
    bright = ndimage.gaussian_filter((classes == 0).astype(float), 3)
    return bright + smooth_noise(classes, random)


def draw_city(
    seed: int, read: Reader, cells: int = 80
) -> tuple[LandCover, pd.DataFrame, dict[int, str]]:
    """A city, its moments and the class of each code.

    The rich map is centred and rectified, as the published one is.
    """
    random = np.random.default_rng(seed)
    rows, moments = [], []
    ids = [f"cell{i:03d}" for i in range(cells)]
    for cell in ids:
        classes = quadrants(random)
        contribution = read(classes, random)
        rich = np.maximum(contribution - contribution.mean(), 0)
        rows.append(_rows(classes, contribution, rich).assign(idINSPIRE=cell))
        maps = CellMaps(rich, rich, contribution, 0.0, 0.0, flat=False, positions=POSITIONS)
        moments.append(cell_moments(classes + 1, CODES, maps).assign(idINSPIRE=cell))
    predictions = pd.DataFrame(
        {"idINSPIRE": ids, "predicted_class": 4, "income_class": 0, "value": 0.0, "fold": 0}
    )
    city = LandCover(
        pd.concat(rows),
        predictions,
        pd.Series(np.arange(cells) // 2, index=ids),
        dict(zip(CLASSES, CLASSES, strict=True)),
        40_000,
        SETTINGS.landcover,
        SETTINGS.statistics,
        seed=0,
    )
    return city, pd.concat(moments), dict(zip(CODES, CLASSES, strict=True))


def _rows(classes: np.ndarray, contribution: np.ndarray, rich: np.ndarray) -> pd.DataFrame:
    """Rows of `activation.parquet` of a cell, one for each class that it holds."""

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(classes.ravel(), values.ravel(), len(CLASSES))

    area = sums(np.ones(classes.shape)) / classes.size
    share = sums(rich) / rich.sum()
    table = pd.DataFrame(
        {
            "class": CLASSES,
            "code": CODES,
            "area_m2": 40_000 * area,
            "contribution": sums(contribution),
            "poor_share": share,
            "rich_share": share,
        }
    )
    return table[area > 0]
