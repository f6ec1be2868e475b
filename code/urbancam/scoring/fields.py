"""Smooth fields over a city: how fast the values of its cells become strangers, and fields alike.

The correlogram is fitted by share * exp(-distance / range) (an exponential covariance with a
nugget; Cressie 1993, section 2.3). A field with that range is a sum of random waves whose
frequencies follow the covariance's spectrum (Shinozuka & Deodatis 1991).
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

PAIRED_CELLS = 3000  # at most: 4.5 million pairs, a second's work
BINS = 30  # of distance, up to the furthest
# ASSUME: further than a third of the city's width there are few pairs, of its edges alone
FURTHEST_SHARE = 1 / 3
RANGES = 200  # tried, from a tenth of the nearest distance to ten times the furthest
WAVES = 1000  # of a field; by the central limit theorem its values are Gaussian


@dataclass(frozen=True)
class Correlogram:
    """Correlation of the values of two cells by their distance.

    Attributes:
        distance_m: (B,) mean distance of the pairs of each bin.
        correlation: (B,) correlation of the pairs of each bin.
        range_m: Distance over which the fitted correlation falls to 1 / e.
        smooth_share: Fitted correlation of cells that are next to each other, 0..1; the rest of
            the variance is each cell's own (nugget).
    """

    distance_m: np.ndarray
    correlation: np.ndarray
    range_m: float
    smooth_share: float


def fit_correlogram(centres: np.ndarray, values: np.ndarray, seed: int) -> Correlogram:
    """The correlogram of a city's values, and the exponential curve through it.

    Args:
        centres: (N, 2) centres of the cells, m; at least two places.
        values: (N,) values of the cells.
        seed: Seed of the draw of cells, where there are more than `PAIRED_CELLS`.
    """
    if len(values) > PAIRED_CELLS:
        drawn = np.random.default_rng(seed).choice(len(values), PAIRED_CELLS, replace=False)
        centres = centres[drawn]
        values = values[drawn]
    spread = values.std() or 1.0
    z = (values - values.mean()) / spread
    first, second = np.triu_indices(len(z), 1)
    product = z[first] * z[second]
    distance_m = pdist(centres)  # of the same pairs, in the same order

    furthest_m = FURTHEST_SHARE * distance_m.max()
    bin_of_pair = np.floor(distance_m / furthest_m * BINS).astype(int)
    near = bin_of_pair < BINS
    bins = bin_of_pair[near]
    pairs = np.bincount(bins, minlength=BINS)
    filled = pairs > 0
    distance = np.bincount(bins, distance_m[near], BINS)[filled] / pairs[filled]
    correlation = np.bincount(bins, product[near], BINS)[filled] / pairs[filled]
    range_m, smooth_share = _fit_exponential(distance, correlation, pairs[filled])
    return Correlogram(distance, correlation, range_m, smooth_share)


def _fit_exponential(
    distance_m: np.ndarray, correlation: np.ndarray, pairs: np.ndarray
) -> tuple[float, float]:
    """Range (m) and share of the curve share * exp(-distance / range) nearest to a correlogram.

    Least squares weighted by the pairs of each bin; the best share of a given range is in closed
    form, and ranges are tried one by one.
    """
    nearest_m = distance_m.min()
    ranges_m = np.geomspace(nearest_m / 10, 10 * distance_m.max(), RANGES)
    curves = np.exp(-distance_m / ranges_m[:, None])
    shares = (curves * correlation) @ pairs / (curves**2 @ pairs)
    shares = shares.clip(0, 1)
    misfit = (shares[:, None] * curves - correlation) ** 2 @ pairs
    best = misfit.argmin()
    return float(ranges_m[best]), float(shares[best])


def draw_field(
    centres: np.ndarray, range_m: float, random: np.random.Generator, waves: int = WAVES
) -> np.ndarray:
    """A Gaussian field with mean 0, variance 1 and correlation exp(-distance / range).

    In the plane the spectrum of that correlation is a bivariate Cauchy distribution of wave
    vectors (Matern 1960), which is two normal numbers over the size of a third.

    Args:
        centres: (N, 2) centres of the cells, m; time and memory go with the columns times the rows
            of their grid.
        range_m: Range of the correlation, m.
        random: Source of the wave vectors and phases.
        waves: Number of waves.

    Returns:
        (N,).
    """
    vectors = random.standard_normal((2, waves)) / abs(random.standard_normal(waves)) / range_m
    phases = random.uniform(0, 2 * np.pi, waves)

    # cos(a + b) = cos a cos b - sin a sin b: a wave is told by the grid's columns and rows, and all
    # waves are summed over all places of the grid by one product of matrices.
    x, column = np.unique(centres[:, 0], return_inverse=True)
    y, row = np.unique(centres[:, 1], return_inverse=True)
    by_column = np.outer(vectors[0], x) + phases[:, None]
    by_row = np.outer(y, vectors[1])
    sums = np.hstack([np.cos(by_row), -np.sin(by_row)]) @ np.vstack(
        [np.cos(by_column), np.sin(by_column)]
    )
    return np.sqrt(2 / waves) * sums[row, column]
