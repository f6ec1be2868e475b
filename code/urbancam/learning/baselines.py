"""Baselines: what can be said of a cell's class with little or nothing of its image.

That is without the image, or with no more of it than colours and textures. A baseline is one
function (training features, training classes, units of these, unseen features) -> class
probabilities, named in `table`; its features are an array of the same name. What it chooses, it
chooses within the training cells. No probability is 0: what was not seen may still be.
Another baseline: one more line, one more array.
"""

import functools
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from urbancam.learning import place
from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES
from urbancam.tables import grid

Baseline = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

# ASSUME: penalties tried on standardised features; the best by leave-one-out error within the
# training cells.
RIDGE_PENALTIES = np.logspace(-3, 5, 17)
DECIMALS = 12  # of an expected class: equal counts in another order are the same p
PREFERENCE = 1e-9  # of a probability, for each class nearer to the expected one


def table(reaches_m: Sequence[float]) -> dict[str, Baseline]:
    """All baselines by name.

    Args:
        reaches_m: Reaches that `coordinates` chooses from, m.
    """
    return {
        "constant": class_frequencies,
        "coordinates": functools.partial(place.nearby_classes, reaches_m=reaches_m),
        "population_density": ridge,
        "land_cover": ridge,
        "colour_histogram": ridge,
        "random_features": ridge,
    }


def cell_features(
    cells: pd.DataFrame,
    fragments: pd.DataFrame,
    key: str,
    cell_size_m: float,
    target: str,
) -> dict[str, np.ndarray]:
    """Features of the baselines that see no image; of images, see `image_features`.

    A baseline whose feature is the target itself would know the answer, and is left out.

    Args:
        cells: `idINSPIRE, ind` (people), n rows.
        fragments: `idINSPIRE, area_m2` and the column `key`.
        key: "class" or "code", the kinds of land cover told apart.
        cell_size_m: Side of a cell, m.
        target: What the classes are quintiles of, "income" or "density".

    Returns:
        name of the baseline -> (n, number of features).
    """
    ids = cells["idINSPIRE"]
    features = {
        "constant": np.zeros((len(cells), 0)),
        "coordinates": grid.corners(ids),
        "population_density": density_terms(cells["ind"], cell_size_m),
        "land_cover": land_cover_shares(fragments, ids, key, cell_size_m).to_numpy(),
    }
    if target == "density":
        del features["population_density"]
    return features


def density_terms(ind: pd.Series, cell_size_m: float) -> np.ndarray:
    """(n, 2): log10 of people per km2, and its square."""
    # ASSUME: income may rise and fall again with density, on a scale of ratios (log), not of
    # differences.
    people = ind.to_numpy(dtype=float)
    cell_km2 = (cell_size_m / 1000) ** 2
    log_density = np.log10(people / cell_km2)
    return np.column_stack([log_density, log_density**2])


def land_cover_shares(
    fragments: pd.DataFrame,
    ids: pd.Series,
    key: str,
    cell_size_m: float,
) -> pd.DataFrame:
    """Share of each cell's area under each kind of land cover.

    Args:
        fragments: `idINSPIRE, area_m2` and the column `key`.
        ids: (n,) ids of the cells.
        key: Column of the kinds of land cover.
        cell_size_m: Side of a cell, m.

    Returns:
        (n, kinds), index the ids; zeros where a cell is not covered.
    """
    area_m2 = fragments.pivot_table(
        index="idINSPIRE",
        columns=key,
        values="area_m2",
        aggfunc="sum",
        fill_value=0,
    )
    return area_m2.reindex(ids, fill_value=0) / cell_size_m**2


def class_frequencies(
    features: np.ndarray,
    classes: np.ndarray,
    units: np.ndarray,
    unseen: np.ndarray,
) -> np.ndarray:
    """The same for every cell: how frequent the classes are among the training cells.

    Args:
        features: (n, any) of the training cells; not used.
        classes: (n,) income class of the training cells.
        units: (n,) unit of the training cells; not used.
        unseen: (m, any) features of the cells to predict; only their number is used.

    Returns:
        (m, 5) probabilities.
    """
    counts = np.bincount(classes, minlength=len(INCOME_CLASSES))
    return np.tile(place.class_probabilities(counts[None]), (len(unseen), 1))


def ridge(
    features: np.ndarray,
    classes: np.ndarray,
    units: np.ndarray,
    unseen: np.ndarray,
) -> np.ndarray:
    """Ridge regression of class / 4, its answer read as p of a binomial.

    So does the image model's own head.

    Args:
        features: (n, d) of the training cells; standardised here (Hastie et al. 2009, section
            3.4.1).
        classes: (n,) income class of the training cells.
        units: (n,) unit of the training cells; not used.
        unseen: (m, d) of the cells to predict.

    Returns:
        (m, 5) probabilities C(4, k) p^k (1-p)^(4-k).
    """
    features = np.asarray(features, dtype=float)
    unseen = np.asarray(unseen, dtype=float)
    trials = INCOME_CLASSES[-1]
    model = make_pipeline(StandardScaler(), RidgeCV(RIDGE_PENALTIES))
    model.fit(features, classes / trials)
    # p is known from n times 4 trials; no closer to 0 or 1 than if all of them had gone one way.
    least = place.PRIOR_COUNT / (trials * len(classes) + 2 * place.PRIOR_COUNT)
    p = model.predict(unseen).clip(least, 1 - least)
    return binom.pmf(INCOME_CLASSES, trials, p[:, None])


def out_of_fold(
    baseline: Baseline,
    features: np.ndarray,
    classes: np.ndarray,
    folds: np.ndarray,
    tested: Collection[int] | None = None,
    units: np.ndarray | None = None,
) -> pd.DataFrame:
    """Predict every cell by the baseline fitted on the cells of all other folds.

    Args:
        baseline: One of `table`.
        features: (n, d).
        classes: (n,) income class, 0..4.
        folds: (n,) test fold of each cell.
        tested: The folds whose cells are predicted; null: all.
        units: (n,) what the split does not divide, by which a baseline chooses within the training
            cells; null: the folds.

    Returns:
        (a row per cell of a tested fold, in order) `p` (expected class / 4), `prob_0` .. `prob_4`,
        `predicted_class`.
    """
    tested = np.unique(folds) if tested is None else np.asarray(sorted(tested))
    units = folds if units is None else np.asarray(units)
    probabilities = np.full((len(classes), len(INCOME_CLASSES)), np.nan)
    # ASSUME: a baseline needs no validation part, so it learns from the image model's validation
    # cells too: the comparison errs in the baselines' favour.
    for fold in tested:
        test = folds == fold
        probabilities[test] = baseline(
            features[~test], classes[~test], units[~test], features[test]
        )
    return _predictions(probabilities[np.isin(folds, tested)])


def _predictions(probabilities: np.ndarray) -> pd.DataFrame:
    """`p, prob_0` .. `prob_4, predicted_class` of (n, 5) probabilities."""
    expected = (probabilities @ INCOME_CLASSES).round(DECIMALS)
    # ASSUME: of equally probable classes (frequent among few neighbours) the one nearest the
    # expected class.
    distance = np.abs(INCOME_CLASSES - expected[:, None])
    preference = probabilities - PREFERENCE * distance
    predictions = pd.DataFrame(probabilities, columns=PROBABILITIES)
    predictions.insert(0, "p", expected / INCOME_CLASSES[-1])
    return predictions.assign(predicted_class=preference.argmax(axis=1))
