"""Baselines of the network that names cities: colours and grey levels of a patch, and no form.

No feature here knows where in a patch a pixel lies. What a network reaches beyond them it reaches
by texture or form; what it does not reach beyond them, light and sensor may explain as well.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from urbancam.cities import colour, patches
from urbancam.workflow import progress

COLOUR_HISTOGRAM = "colour_histogram"
GREY_HISTOGRAM = "grey_histogram"
GREY_STATISTICS = "grey_statistics"

LEVELS = 256  # of a channel
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)  # %, of the grey levels of a patch
# ASSUME: every n-th pixel, so that about 64 a side are left, holds the levels of all.
SIDE_PX = 64
# ASSUME: a thousand patches of a city are enough to fit a few dozen numbers.
MOST_PATCHES = 1000
MOST_STEPS = 1000  # of the solver


def names_of(seen_colour: str) -> list[str]:
    """The baselines of a network by the colour of the patches it sees ("grey", or any other)."""
    of_grey = [GREY_HISTOGRAM, GREY_STATISTICS]
    return of_grey if seen_colour == "grey" else [COLOUR_HISTOGRAM, *of_grey]


# ---- features


def describe(image: np.ndarray, bins: int) -> dict[str, np.ndarray]:
    """The features of each baseline.

    Args:
        image: (H, W, 3) uint8, a patch as the network gets it.
        bins: Steps a channel of the colour histogram; the grey one has three times as many, so
            that both are as many numbers.

    Returns:
        `colour_histogram` and `grey_histogram` (3 * bins,), `grey_statistics` (12,).
    """
    step = max(1, len(image) // SIDE_PX)
    pixels = image[::step, ::step]
    grey = colour.grey(pixels, np.random.default_rng(0))[..., 0]
    channels = [_histogram(pixels[..., channel], bins) for channel in range(3)]
    return {
        COLOUR_HISTOGRAM: np.concatenate(channels),
        GREY_HISTOGRAM: _histogram(grey, 3 * bins),
        GREY_STATISTICS: grey_statistics(grey),
    }


def _histogram(levels: np.ndarray, bins: int) -> np.ndarray:
    """Share of the pixels in each of `bins` equal steps of 0 .. 255."""
    step = levels.astype(int) * bins // LEVELS
    return np.bincount(step.ravel(), minlength=bins) / levels.size


def grey_statistics(grey: np.ndarray) -> np.ndarray:
    """Mean, standard deviation, skewness and nine percentiles of a patch's grey levels.

    Args:
        grey: (H, W) uint8.

    Returns:
        (12,), in grey levels; the skewness (0 of a patch of one level) has no unit.
    """
    levels = grey.astype(float)
    mean, sd = levels.mean(), levels.std()
    skewness = ((levels - mean) ** 3).mean() / sd**3 if sd else 0.0
    return np.array([mean, sd, skewness, *np.percentile(levels, PERCENTILES)])


def describe_all(images: np.ndarray, rows: np.ndarray, bins: int) -> dict[str, np.ndarray]:
    """The features of N patches by baseline, each (N, numbers).

    Args:
        images: (M, H, W, 3) uint8.
        rows: (N,) row of each patch in the images.
        bins: As for `describe`.
    """
    described = [
        describe(images[row], bins) for row in progress.bar(rows, unit="patch", desc="colours")
    ]
    return {name: np.array([one[name] for one in described]) for name in described[0]}


# ---- answers


def out_of_fold(
    features: np.ndarray,
    index: pd.DataFrame,
    folds: int,
    seed: int,
) -> pd.Series:
    """The city that a baseline names for each patch tested in the first `folds` folds.

    Args:
        features: (N, numbers) of the patches.
        index: Their rows of `patches.parquet`: `patch_id, city, role_0, role_1, ...`.
        folds: Number of folds.
        seed: Seed of the lot that thins the patches it learns from.

    Returns:
        Names of cities, by `patch_id`.
    """
    answers = []
    for fold in range(folds):
        roles = patches.roles(index, fold)
        tested = roles == patches.TEST
        # ASSUME: a baseline needs no validation part, so it learns from the network's validation
        # patches too: the comparison errs in the baselines' favour.
        learned = np.flatnonzero(np.isin(roles, [patches.TRAIN, patches.VALIDATION]))
        learned = _thin(index["city"].iloc[learned], learned, seed + fold)
        named = _name_cities(features[learned], index["city"].iloc[learned], features[tested])
        answers.append(pd.Series(named, index=index.loc[tested, "patch_id"]))
    return pd.concat(answers)


def _thin(city: pd.Series, rows: np.ndarray, seed: int) -> np.ndarray:
    """Those of the rows that stay where each city has `MOST_PATCHES` at most, by lot."""
    order = np.random.default_rng(seed).permutation(len(rows))
    place = pd.Series(order).groupby(city.to_numpy()[order]).cumcount()
    return rows[order[place.to_numpy() < MOST_PATCHES]]


def _name_cities(features: np.ndarray, city: pd.Series, unseen: np.ndarray) -> np.ndarray:
    """Logistic regression on standardised features, cities weighted alike; the likeliest city."""
    # ASSUME: scikit-learn's own penalty (C = 1), as cities weigh alike and features have unit
    # variance.
    regression = LogisticRegression(class_weight="balanced", max_iter=MOST_STEPS)
    model = make_pipeline(StandardScaler(), regression)
    return model.fit(features, city.to_numpy(str)).predict(unseen)
